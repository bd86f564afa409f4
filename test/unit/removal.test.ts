/** Sessions that are removed: what was told is done, wherever the host ended, and its loop is never held up for long. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localPaths } from '#local/paths.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { PrunedSession } from '#protocol/retention.ts';
import { Journal } from '../../main/host/journal/journal.ts';
import { Records, type StoredSession } from '../../main/host/journal/records.ts';
import { Removal, type RemovalOptions } from '../../main/host/retention/removal.ts';

let root: string;
let journals: Journal[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cmdop-removal-'));
});
afterEach(() => {
  for (const journal of journals) journal.dispose();
  journals = [];
  rmSync(root, { recursive: true, force: true });
});

/** A host's state in a folder, without sessions in memory: they count as removed from the list. */
function open(home: string) {
  const paths = localPaths({ CMDOP_HOME: home, HOME: home });
  mkdirSync(paths.stateDir, { recursive: true });
  const journal = new Journal({ file: paths.journalFile, wallNow: () => 1_000 });
  journals.push(journal);
  const records = new Records({ journal, randomBytes: (n) => new Uint8Array(n) });
  const registry: Pick<RemovalOptions['registry'], 'get' | 'known'> = { get: () => null, known: () => null };
  const options = { paths, journal, records, registry: registry as RemovalOptions['registry'], checkpoints: { dropOf: async () => 0 } };
  const count = (table: 'events' | 'commands', session: string) =>
    (journal.database.prepare(`SELECT count(*) AS n FROM ${table} WHERE session = ?`).get(session) as { n: number }).n;
  return { ...options, options, home, count, folder: (session: string) => join(paths.stateDir, 'sessions', session) };
}
type State = ReturnType<typeof open>;

const session = (id: string): StoredSession => ({
  ...{ id: id as SessionId, name: id, command: ['sh'], cwd: '/', title: '', size: { cols: 80, rows: 24 } },
  ...{ createdAt: 1, endedAt: 2, end: { reason: 'exited', code: 0, signal: null }, bootId: 'one' },
});
const planned = (id: string): PrunedSession => ({ session: id as SessionId, name: id, reason: 'age', bytes: 1, commands: 1 });

/** As two people work by turns: every record of one is between two of the other. */
function fill({ journal, records, folder }: State, sessions: string[], rounds: number): void {
  for (const id of sessions) {
    records.saveSession(session(id));
    mkdirSync(folder(id), { recursive: true });
    writeFileSync(join(folder(id), 'output-0000000000000000.raw'), 'output');
  }
  for (let n = 0; n < rounds; n++)
    for (const id of sessions)
      journal.append({
        session: id as SessionId,
        actor: null,
        interface: null,
        kind: n % 3 ? 'input' : 'role',
        outputOffset: null,
        payload: { n },
      });
  const times = { startedAt: 1, endedAt: 2, durationMs: 1, exitCode: 0, from: 0 as never, to: 1 as never };
  for (let n = 0; n < rounds / 4; n++)
    for (const id of sessions)
      records.commands.save({
        ...{ id: records.commands.newId(), session: id as SessionId, text: `ls ${n}`, authors: [], submitter: null, unit: null, cwd: '/' },
        ...{ source: 'shell' as const, ...times },
      });
  journal.fold();
}

/** What a crash at this moment leaves on the disk. By a process of its own: to close a database's file is to lose one's locks on it. */
function copied({ paths }: State, to: string): void {
  const { stateDir } = localPaths({ CMDOP_HOME: to, HOME: to });
  mkdirSync(stateDir, { recursive: true });
  const names = readdirSync(paths.stateDir).filter((name) => name.startsWith('journal'));
  execFileSync('cp', [...names.map((name) => join(paths.stateDir, name)), stateDir]);
}

const told = ({ journal }: State, id: string) =>
  (journal.database.prepare("SELECT payload FROM events WHERE kind = 'retention'").all() as { payload: string }[])
    .map(({ payload }) => JSON.parse(payload))
    .some(({ is, session }) => is === 'pruned' && session === id);

describe('a session that is removed', () => {
  test('is gone with its files, commands and records, however many turns that takes; the chain holds', async () => {
    const state = open(join(root, 'one'));
    fill(state, ['gone', 'kept'], 2_400); // more runs than one record tells of
    expect(await new Removal(state.options).all([planned('gone')], null)).toHaveLength(1);
    expect([state.count('events', 'gone'), state.count('commands', 'gone'), existsSync(state.folder('gone'))]).toEqual([0, 0, false]);
    expect([state.count('events', 'kept'), state.count('commands', 'kept'), existsSync(state.folder('kept'))]).toEqual([2_400, 600, true]);
    expect(await state.journal.verify()).toMatchObject({ ok: true, erased: 2_400 });
    expect(state.records.sessions().map(({ id }) => id)).toEqual(['kept']);
  });

  test('is whole or gone after a crash at any moment: what was told is done by the next host', async () => {
    const state = open(join(root, 'one'));
    fill(state, ['gone', 'kept'], 1_200);
    const images: string[] = [];
    let isDone = false;
    const removing = new Removal(state.options).all([planned('gone')], null).finally(() => {
      isDone = true;
    });
    for (let turn = 0; !isDone; turn++) {
      if (images.length < 14 && (turn < 8 || turn % 12 === 0)) {
        const image = join(root, `crash-${images.length}`);
        copied(state, image);
        images.push(image);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await removing;
    let finished = 0;
    for (const image of images) {
      const next = open(image);
      expect(await next.journal.verify(), image).toMatchObject({ ok: true });
      const isTold = told(next, 'gone');
      const removal = new Removal(next.options);
      expect(next.records.sessions().some(({ id }) => id === 'gone')).toBe(!isTold);
      await removal.finish();
      expect([next.count('events', 'gone'), next.count('commands', 'gone')]).toEqual(isTold ? [0, 0] : [1_200, 300]);
      expect(next.count('events', 'kept')).toBe(1_200);
      expect(await next.journal.verify(), image).toMatchObject({ ok: true });
      if (isTold) finished++;
    }
    expect(finished).toBeGreaterThan(3);
    expect(images.length).toBeGreaterThan(finished);
  });

  test('takes no slice of the loop beyond 20 ms', async () => {
    const state = open(join(root, 'one'));
    const sessions = Array.from({ length: 20 }, (_, at) => `s${at}`);
    fill(state, [...sessions, 'kept'], 600);
    // CPU of this thread between two turns: what else the machine does counts for nothing.
    const used = () => {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1000;
    };
    const slices: number[] = [];
    let isDone = false;
    const removing = new Removal(state.options).all(sessions.map(planned), null).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      const before = used();
      await new Promise((resolve) => setImmediate(resolve));
      slices.push(used() - before);
    }
    expect(await removing).toHaveLength(20);
    // Of hundreds, one may have had the collector's work in it.
    const longest = slices.sort((a, b) => b - a);
    expect(slices.length).toBeGreaterThan(100);
    expect(longest[2]).toBeLessThan(20);
  });
});
