/** Places of command records among those that fit a filter, as the host counts them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Offset, SessionId } from '#protocol/ids.ts';
import { Journal } from '../../main/host/journal/journal.ts';
import { Records } from '../../main/host/journal/records.ts';

let folder = '';
let journal: Journal;
let records: Records;

/** Command n began at n × 100 ms, every third failed, and odd ones ran in another session. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-places-'));
  journal = new Journal({ file: join(folder, 'journal.db'), wallNow: () => 1_000 });
  records = new Records({ journal, randomBytes: (n) => new Uint8Array(n) });
  for (let n = 0; n < 1_000; n++)
    records.commands.save({
      ...{ id: records.commands.newId(), session: `s${n % 2}` as SessionId, text: `make ${n}`, authors: [], submitter: null, unit: null },
      ...{ cwd: '/', startedAt: n * 100, endedAt: n * 100 + 50, durationMs: 50, exitCode: n % 3 === 0 ? 1 : 0 },
      ...{ from: n as Offset, to: (n + 1) as Offset, source: 'shell' as const },
    });
});
afterAll(() => {
  journal.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const texts = (wanted: Parameters<Records['commands']['list']>[0]) => records.commands.list(wanted).map(({ text }) => text);
const odd = 's1' as SessionId;

test('a page begins at a place, the oldest that fits first; behind the last there is none', () => {
  expect(texts({ at: 0, limit: 2 })).toEqual(['make 0', 'make 1']);
  expect(texts({ at: 998, limit: 5 })).toEqual(['make 998', 'make 999']);
  expect(texts({ at: 1_000, limit: 5 })).toEqual([]);
  expect(texts({ session: odd, failed: true, at: 1, limit: 2 })).toEqual(['make 9', 'make 15']);
  expect(texts({ before: 4, limit: 2 })).toEqual(['make 1', 'make 2']); // from the newest back, as ever
});

test('a record has the place at which its page begins with it, or none where it does not fit', () => {
  const [wanted] = records.commands.list({ text: 'make 555', limit: 1 });
  const id = wanted?.id ?? 0;
  const filter = { session: odd, failed: true };
  const { total, place } = records.commands.count(filter, { id, times: [] });
  expect(total).toBe(texts({ ...filter, at: 0, limit: 5_000 }).length);
  expect(texts({ ...filter, at: place ?? 0, limit: 1 })).toEqual(['make 555']);
  expect(records.commands.count({ session: 's0' as SessionId }, { id, times: [] }).place).toBeNull();
});

test('a moment has the place of the first record that began then or later', () => {
  expect(records.commands.count({}, { times: [0, 1, 100, 99_900, 99_901] })).toEqual({
    total: 1_000,
    place: null,
    places: [0, 1, 1, 999, 1_000],
  });
  expect(records.commands.count({ session: odd }, { times: [150] }).places).toEqual([1]);
});
