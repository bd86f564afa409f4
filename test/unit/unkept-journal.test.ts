/** The journal of a host that cannot write its file: it goes on from what is there, says so, and is added to the file once it can be. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, type TestContext, test } from 'vitest';
import type { SessionId } from '#protocol/ids.ts';
import { Journal } from '../../main/host/journal/journal.ts';
import { Records, type StoredSession } from '../../main/host/journal/records.ts';
import { makeReadOnly, makeWritable, mountSmallDisk, unmountDisk } from '../small-disk.ts';

let folder = '';
const opened: Journal[] = [];
let isMounted = false;
const file = () => join(folder, 'journal.db');

beforeEach((context: TestContext) => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-unkept-'));
  isMounted = mountSmallDisk(folder);
  if (!isMounted) context.skip('this user may not mount a small disk');
});
afterEach(() => {
  for (const journal of opened.splice(0)) journal.dispose();
  if (isMounted) unmountDisk(folder);
  rmSync(folder, { recursive: true, force: true });
});

function open(): Journal {
  const journal = new Journal({ file: file(), wallNow: () => 1_000 });
  opened.push(journal);
  return journal;
}

const recordsOf = (journal: Journal) => new Records({ journal, randomBytes: (n) => crypto.getRandomValues(new Uint8Array(n)) });
const numbers = (journal: Journal) =>
  recordsOf(journal)
    .events({ after: 0, limit: 1_000 })
    .map(({ payload }) => payload.n);
const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

function append(journal: Journal, from: number, to: number): void {
  for (let n = from; n <= to; n++)
    journal.append({ session: 's' as SessionId, actor: null, interface: null, kind: 'input', outputOffset: null, payload: { n } });
}

/** As a host that is killed leaves it: in the database, its WAL and the tail. */
function killed(script: string): void {
  const module = (name: string) => JSON.stringify(new URL(`../../main/host/journal/${name}`, import.meta.url).href);
  const program = `
    const { Journal } = await import(${module('journal.ts')});
    const { Records } = await import(${module('records.ts')});
    const journal = new Journal({ file: ${JSON.stringify(file())}, wallNow: () => 1000 });
    const append = (n) => journal.append({ session: 's', actor: null, interface: null, kind: 'input', outputOffset: null, payload: { n } });
    ${script}
    process.kill(process.pid, 'SIGKILL');`;
  const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  if (signal !== 'SIGKILL') throw new Error(stderr);
}

const stored = (name: string) =>
  ({
    id: 's',
    name,
    createdAt: 1,
    command: ['sh'],
    cwd: '/',
    title: '',
    size: { cols: 80, rows: 24 },
    endedAt: null,
    end: null,
    bootId: 'b',
  }) as unknown as StoredSession;

test('what a killed host left is read from a disk that cannot be written: database, WAL and tail', async () => {
  killed(
    'append(1); append(2); journal.fold(); journal.database.exec("PRAGMA wal_checkpoint(TRUNCATE)"); append(3); journal.fold(); append(4);',
  );
  makeReadOnly(folder);
  const journal = open();
  expect(numbers(journal)).toEqual(upTo(4));
  expect(journal.isKept).toBe(false);
  expect(journal.problem).toMatch(
    /^the journal cannot be written \(EROFS.*\): make .*journal\.db writable; .*in memory only.*; sessions go on$/,
  );
  append(journal, 5, 6);
  expect(numbers(journal)).toEqual(upTo(6));
  expect(await journal.verify()).toMatchObject({ ok: true, records: 6 });
  expect(journal.missing).toEqual([{ file: 'journal.db', reason: expect.stringMatching(/^records from 5 on are in memory only: /) }]);
});

test('nothing keeps its disk from being taken away', () => {
  killed('append(1);');
  makeReadOnly(folder);
  const journal = open();
  append(journal, 2, 2);
  execFileSync('umount', [folder]); // fails while a file of it is open
  isMounted = false;
  expect(numbers(journal)).toEqual(upTo(2));
});

test('a journal that was closed is read from a disk that cannot be written', () => {
  const first = open();
  append(first, 1, 3);
  first.dispose();
  makeReadOnly(folder);
  expect(numbers(open())).toEqual(upTo(3));
});

test('nothing is left of it when its process ends before the disk can be written, and the next one goes on where the file ends', async () => {
  killed('append(1); append(2);');
  makeReadOnly(folder);
  const unkept = open();
  append(unkept, 3, 5);
  unkept.dispose();
  makeWritable(folder);
  const next = open();
  append(next, 6, 6);
  expect(numbers(next)).toEqual([1, 2, 6]);
  expect(next.isKept).toBe(true);
  expect(next.problem).toBe(null);
  expect(await next.verify()).toEqual({ ok: true, records: 3, broken: null, erased: 0 });
});

test('once the disk can be written, the file gets all that was recorded meanwhile, in one chain', async () => {
  killed(
    `append(1); new Records({ journal, randomBytes: (n) => new Uint8Array(n) }).saveSession(${JSON.stringify(stored('old'))}); append(2);`,
  );
  makeReadOnly(folder);
  const journal = open();
  const records = recordsOf(journal);
  const ann = records.actorFor({ name: 'ann', kind: 'human', interface: 'cli' });
  records.saveSession(stored('new'));
  append(journal, 3, 5);
  let problems = 0;
  journal.onProblem = () => problems++;
  makeWritable(folder);
  append(journal, 6, 6); // a write has it looked at again
  await journal.kept;
  expect({ problem: journal.problem, missing: journal.missing, problems }).toEqual({ problem: null, missing: [], problems: 1 });
  append(journal, 7, 7);
  expect(records.sessions().map(({ name }) => name)).toEqual(['new']);
  opened.pop()?.dispose();
  expect(readdirSync(folder)).toEqual(['journal.db']);
  const next = open();
  expect(numbers(next)).toEqual(upTo(7));
  expect(recordsOf(next).actor(ann.id)?.name).toBe('ann');
  expect(
    recordsOf(next)
      .sessions()
      .map(({ name }) => name),
  ).toEqual(['new']);
  expect(await next.verify()).toMatchObject({ ok: true, records: 7 });
});

test('a journal that is closed looks once more: what was recorded is not lost where the disk came back unseen', () => {
  killed('append(1);');
  makeReadOnly(folder);
  const journal = open();
  append(journal, 2, 2);
  makeWritable(folder);
  opened.pop()?.dispose();
  expect(numbers(open())).toEqual(upTo(2));
});

test('another journal that is put in its place meanwhile is not added to, and the next host has it', () => {
  killed('append(1); append(2);');
  makeReadOnly(folder);
  const journal = open();
  append(journal, 3, 3);
  makeWritable(folder);
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  killed('append(100);');
  journal.lookAgain();
  expect(journal.problem).toMatch(/another journal lies there now.*cmdop host stop/);
  opened.pop()?.dispose();
  expect(numbers(open())).toEqual([100]);
});

test('a damaged journal on a disk that cannot be written is not believed, and what can be read of its sessions is shown', async () => {
  killed(`append(1); const records = new Records({ journal, randomBytes: (n) => new Uint8Array(n) }); records.saveSession(${JSON.stringify(stored('old'))});
    journal.fold(); for (let n = 2; n < 300; n++) append(n); journal.dispose();`);
  const bytes = readFileSync(file());
  writeFileSync(file(), bytes.fill(0xff, Math.floor(bytes.length / 2)));
  makeReadOnly(folder);
  const journal = open();
  append(journal, 1, 1);
  expect(numbers(journal)).toEqual([1]);
  expect(
    recordsOf(journal)
      .sessions()
      .map(({ name }) => name),
  ).toEqual(['old']);
  expect(await journal.verify()).toMatchObject({ ok: true, records: 1 });
});

test('a first host on a disk that cannot be written begins an empty one', () => {
  makeReadOnly(folder);
  const journal = open();
  append(journal, 1, 2);
  expect(numbers(journal)).toEqual([1, 2]);
  makeWritable(folder);
  journal.lookAgain();
  expect(journal.isKept).toBe(true);
  opened.pop()?.dispose();
  expect(numbers(open())).toEqual([1, 2]);
});
