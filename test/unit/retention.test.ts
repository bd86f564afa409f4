/** What goes and what stays: the plan of a prune, and a journal whose chain holds across what was erased. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SessionId } from '#protocol/ids.ts';
import type { RetentionLimits } from '#protocol/retention.ts';
import { Journal } from '../../main/host/journal/journal.ts';
import { Records } from '../../main/host/journal/records.ts';
import { digestOf, eraseSession, finishErasing, noteErased, runsOf, shrink } from '../../main/host/retention/journal-eraser.ts';
import { type Kept, planPruning } from '../../main/host/retention/plan.ts';

const DAY = 86_400_000;
const NOW = 100 * DAY;
const NONE: RetentionLimits = { sessionBytes: 64e6, totalBytes: null, maxAgeMs: null };

const kept = (name: string, more: Partial<Kept> = {}): Kept => ({
  ...{ session: name as SessionId, name, state: 'ended', isPinned: false, bytes: 100, commands: 3, excessBytes: 0 },
  ...{ createdAt: 0, endedAt: 50 * DAY },
  ...more,
});
const plan = (sessions: Kept[], limits: Partial<RetentionLimits>) =>
  planPruning(sessions, { ...NONE, ...limits }, NOW).map(({ name, reason, bytes }) => `${name} ${reason} ${bytes}`);

describe('a prune', () => {
  test('removes nothing without a limit', () => expect(plan([kept('a'), kept('b', { state: 'removed' })], {})).toEqual([]));

  test('removes what ended too long ago, also where only its history is left', () => {
    const sessions = [kept('old'), kept('new', { endedAt: 99 * DAY }), kept('gone', { state: 'removed', bytes: 0 })];
    expect(plan(sessions, { maxAgeMs: 30 * DAY })).toEqual(['old age 100', 'gone age 0']);
  });

  test('never removes what runs or is pinned', () => {
    const sessions = [kept('runs', { state: 'running', endedAt: null }), kept('pinned', { isPinned: true })];
    expect(plan(sessions, { maxAgeMs: 1, totalBytes: 0 })).toEqual([]);
  });

  test('makes room for the total with who ended first, and stops when there is enough', () => {
    const sessions = [kept('c', { endedAt: 3 }), kept('a', { endedAt: 1 }), kept('b', { endedAt: 2 }), kept('on', { state: 'running' })];
    expect(plan(sessions, { totalBytes: 250 })).toEqual(['a total 100', 'b total 100']);
  });

  test('trims a long output, and counts that before it removes a whole session for the total', () => {
    const sessions = [kept('long', { state: 'running', bytes: 900, excessBytes: 700 }), kept('a')];
    expect(plan(sessions, { totalBytes: 350 })).toEqual(['long session-budget 700']);
    expect(plan(sessions, { totalBytes: 250 })).toEqual(['a total 100', 'long session-budget 700']);
  });
});

describe('a journal', () => {
  let folder = '';
  let journal: Journal;
  const file = () => join(folder, 'journal.db');
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cmdop-retention-'));
    journal = new Journal({ file: file(), wallNow: () => 1_000 });
  });
  afterEach(() => {
    journal.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const append = (session: string | null, kind: 'input' | 'retention', payload: Record<string, unknown>) =>
    journal.append({ session: session as SessionId | null, actor: null, interface: null, kind, outputOffset: null, payload });
  const fill = (sessions: string[], count: number) => {
    for (let n = 0; n < count; n++) for (const session of sessions) append(session, 'input', { text: `secret of ${session} ${n}` });
  };
  /** As the host does it. */
  const tell = async (session: string) => {
    journal.fold();
    const { runs } = await runsOf(journal.database, session as SessionId, journal.lastSeq);
    append(null, 'retention', { is: 'pruned', session, digest: digestOf(runs) });
    journal.fold();
    return { runs, by: journal.lastSeq };
  };
  const erase = async (session: string) => {
    const told = await tell(session);
    noteErased(journal.database, told);
    await eraseSession(journal.database, { session: session as SessionId, runs: told.runs });
  };
  const seqs = () => journal.database.prepare('SELECT seq FROM events ORDER BY seq').all() as { seq: number }[];

  test('whose records were erased verifies, goes on, and says how many there were', async () => {
    fill(['a', 'b'], 20);
    fill(['a'], 10);
    await erase('a');
    fill(['b'], 5);
    expect(await journal.verify()).toEqual({ ok: true, records: 26, broken: null, erased: 30 });
    await erase('b');
    expect(await journal.verify()).toEqual({ ok: true, records: 2, broken: null, erased: 55 });
  });

  test('really becomes smaller, and keeps nothing of the text', async () => {
    fill(['a'], 20_000);
    fill(['b'], 20);
    journal.fold();
    journal.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const before = statSync(file()).size;
    await erase('a');
    await shrink(journal.database);
    journal.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    expect(statSync(file()).size).toBeLessThan(before / 20);
    expect(await journal.verify()).toMatchObject({ ok: true });
    journal.dispose();
    const content = readFileSync(file());
    expect([content.includes('secret of a'), content.includes('secret of b')]).toEqual([false, true]);
  });

  test('of an earlier version, whose file could not shrink, shrinks as well', async () => {
    journal.dispose();
    new DatabaseSync(file()).exec('PRAGMA auto_vacuum = NONE; VACUUM');
    journal = new Journal({ file: file(), wallNow: () => 1_000 });
    journal.database.exec('PRAGMA auto_vacuum = NONE; VACUUM');
    fill(['a'], 5_000);
    await erase('a');
    await shrink(journal.database);
    journal.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    expect(statSync(file()).size).toBeLessThan(200_000);
  });

  test('that lost records without anybody saying so is broken', async () => {
    fill(['a', 'b'], 5);
    journal.fold();
    journal.database.exec("DELETE FROM events WHERE session = 'a'");
    expect(await journal.verify()).toMatchObject({ ok: false, broken: { reason: '1 records before it are missing' } });
  });

  test('is broken where a note of something erased was forged', async () => {
    fill(['a', 'b'], 5);
    await erase('a');
    const { runs } = await runsOf(journal.database, 'b' as SessionId, journal.lastSeq);
    noteErased(journal.database, { runs, by: journal.lastSeq });
    await eraseSession(journal.database, { session: 'b' as SessionId, runs });
    expect(await journal.verify()).toMatchObject({ ok: false, broken: { reason: expect.stringContaining('no record tells by whom') } });
  });

  test('verifies after a crash in the middle of erasing, and the rest is erased later', async () => {
    fill(['a'], 20_000);
    const { runs, by } = await tell('a');
    noteErased(journal.database, { runs, by });
    const erasing = eraseSession(journal.database, { session: 'a' as SessionId, runs });
    expect(seqs().length).toBeGreaterThan(1); // as far as its first turn came
    expect(await journal.verify()).toMatchObject({ ok: true, erased: 20_000 });
    await erasing;
    await finishErasing(journal.database);
    expect(seqs()).toEqual([{ seq: by }]);
  });

  test('never gives the number of an erased command record again', async () => {
    const newRecords = () => new Records({ journal, randomBytes: (n) => new Uint8Array(n) });
    const { commands } = newRecords();
    const id = commands.newId();
    const times = { startedAt: 1, endedAt: 2, durationMs: 1, exitCode: 0, from: 0 as never, to: 1 as never };
    commands.save({
      id,
      session: 'a' as SessionId,
      text: 'ls',
      authors: [],
      submitter: null,
      unit: null,
      cwd: '/',
      source: 'shell',
      ...times,
    });
    await erase('a');
    expect(newRecords().commands.newId()).toBe(id + 1);
  });
});
