/** The journal across crashes: what was appended is there, in one chain, wherever it lay when the process ended. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SessionId } from '#protocol/ids.ts';
import { Journal } from '../../main/host/journal/journal.ts';
import { TAIL_SUFFIXES } from '../../main/host/journal/journal-tail.ts';
import { Records } from '../../main/host/journal/records.ts';

let folder = '';
const opened: Journal[] = [];
const file = () => join(folder, 'journal.db');
const tails = () => TAIL_SUFFIXES.map((suffix) => file() + suffix);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-journal-'));
});
afterEach(() => {
  for (const journal of opened.splice(0)) journal.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function open(): Journal {
  const journal = new Journal({ file: file(), wallNow: () => 1_000 });
  opened.push(journal);
  return journal;
}

function append(journal: Journal, from: number, to: number): void {
  for (let n = from; n <= to; n++)
    journal.append({
      session: 's' as SessionId,
      actor: null,
      interface: null,
      kind: 'input',
      outputOffset: null,
      payload: { n, text: 'naïve "x"\n' },
    });
}

const numbers = (journal: Journal) =>
  new Records({ journal, randomBytes: (n) => new Uint8Array(n) }).events({ after: 0, limit: 1_000 }).map(({ payload }) => payload.n);
const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

test('records of a process that was killed are found by the next, in one chain that goes on', async () => {
  append(open(), 1, 150); // not disposed: as killed
  const next = open();
  append(next, 151, 160);
  expect(numbers(next)).toEqual(upTo(160));
  expect(await next.verify()).toEqual({ ok: true, records: 160, broken: null, erased: 0 });
});

test('records that had reached the database are not taken twice from the tail', async () => {
  const killed = open();
  append(killed, 1, 5);
  killed.fold();
  append(killed, 6, 7);
  const next = open();
  expect(numbers(next)).toEqual(upTo(7));
  expect(await next.verify()).toEqual({ ok: true, records: 7, broken: null, erased: 0 });
});

test('a line that power loss tore costs itself only', async () => {
  append(open(), 1, 3);
  const [tail = ''] = tails();
  writeFileSync(tail, readFileSync(tail).subarray(0, -4));
  const next = open();
  append(next, 3, 4);
  expect(numbers(next)).toEqual(upTo(4));
  expect(await next.verify()).toMatchObject({ ok: true });
  expect(next.problem).toBeNull();
});

test('a flipped bit in the tail is told, and the record it cost is named', async () => {
  append(open(), 1, 3);
  const [tail = ''] = tails();
  writeFileSync(tail, readFileSync(tail, 'latin1').replace('"n\\":2', '"n\\":9'), 'latin1');
  const next = open();
  expect(numbers(next)).toEqual([1, 3]);
  expect(next.problem).toMatch(/1 of the last records/);
  expect(await next.verify()).toMatchObject({ ok: false, broken: { seq: 3, reason: '1 records before it are missing' } });
});

test('a journal that is closed leaves no tail', () => {
  const journal = open();
  append(journal, 1, 3);
  journal.dispose();
  expect(tails().filter(existsSync)).toEqual([]);
});

test('once its records are on the disk, a tail is emptied while the next ones are taken', async () => {
  const journal = open();
  append(journal, 1, 3);
  const [first = '', second = ''] = tails();
  await expect.poll(() => readFileSync(first).length, { timeout: 5_000 }).toBe(0);
  append(journal, 4, 4);
  expect(readFileSync(second, 'utf8')).toContain('n\\":4');
  expect(numbers(open())).toEqual(upTo(4));
});
