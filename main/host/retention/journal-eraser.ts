/**
 * Takes the records of a removed session out of the journal so that its chain can still be checked.
 *
 * A record is erased whole. Of each run of consecutive records stays where it began and ended, and the hashes at both
 * ends, so that the chain goes on across it; and a record in the chain itself (`retention`) says who erased what, with a
 * digest of those runs. Whoever takes out records in another way breaks the chain, as before. All of it is done a little in
 * each turn, as sessions go on. A crash in between leaves records that count as erased, and are erased later.
 */
import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { SessionId } from '#protocol/ids.ts';
import { inTurns, type MoveWal } from './turns.ts';

/** Rows deleted by one statement: less than a turn's worth. */
const BATCH_ROWS = 100;
/** Rows read by one statement. */
const BATCH_READ = 1_000;
/** Pages given back to the file system by one statement, 4 KiB each. */
const BATCH_PAGES = 16;
/** Runs that one record of the journal tells of: so many are noted at once. */
export const RUNS_OF_RECORD = 500;

/** Consecutive records that are gone: `prevHash` is that of the record before them, `lastHash` the last one's own. */
export type ErasedRun = { first: number; last: number; prevHash: string; lastHash: string };

/** Of the session's records up to the number `to`; call after `journal.fold()`. */
export async function runsOf(db: DatabaseSync, session: SessionId, to: number): Promise<{ runs: ErasedRun[]; records: number }> {
  const seqs = await seqsOf(db, session, to);
  const runs: ErasedRun[] = [];
  for (const seq of seqs) {
    const run = runs.at(-1);
    if (run?.last === seq - 1) run.last = seq;
    else runs.push({ first: seq, last: seq, prevHash: '', lastHash: '' });
  }
  const before = db.prepare('SELECT prev_hash AS hash FROM events WHERE seq = ?');
  const own = db.prepare('SELECT hash FROM events WHERE seq = ?');
  const left = runs.values();
  await inTurns(() => {
    const run = left.next().value;
    if (!run) return true;
    run.prevHash = hashIn(before.get(run.first));
    run.lastHash = hashIn(own.get(run.last));
    return false;
  });
  return { runs, records: seqs.length };
}

const hashIn = (row: unknown): string => (row as { hash: string }).hash;

/** In order, by the index alone: kind by kind, as that has them. */
async function seqsOf(db: DatabaseSync, session: SessionId, to: number): Promise<Float64Array> {
  const nextKind = db.prepare('SELECT kind FROM events WHERE session = ? AND kind > ? ORDER BY kind LIMIT 1');
  const some = db.prepare('SELECT seq FROM events WHERE session = ? AND kind = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?');
  const seqs: number[] = [];
  const kindAfter = (kind: string) => (nextKind.get(session, kind) as { kind: string } | undefined)?.kind;
  let kind = kindAfter('');
  let from = 0;
  await inTurns(() => {
    if (kind === undefined) return true;
    const rows = some.all(session, kind, from, to, BATCH_READ) as { seq: number }[];
    for (const { seq } of rows) seqs.push(seq);
    from = rows.at(-1)?.seq ?? 0;
    if (rows.length < BATCH_READ) [kind, from] = [kindAfter(kind), 0];
    return false;
  });
  return Float64Array.from(seqs).sort();
}

/** Whether the session has records after the number `seq`: a few at most, and no other is looked at. */
export const hasRecordsAfter = (db: DatabaseSync, session: SessionId, seq: number): boolean =>
  db.prepare('SELECT 1 FROM events WHERE seq > ? AND +session = ? LIMIT 1').get(seq, session) !== undefined;

/** What the record of their removal says of the runs. */
export const digestOf = (runs: readonly ErasedRun[]): string =>
  hash('sha256', JSON.stringify(runs.map(({ first, last, prevHash, lastHash }) => [first, last, prevHash, lastHash])), 'hex');

/** Notes the runs, by the record `by` that tells of them: from now on they count as erased. */
export function noteErased(db: DatabaseSync, { runs, by }: { runs: readonly ErasedRun[]; by: number }): void {
  db.exec('BEGIN');
  try {
    const note = db.prepare('INSERT INTO erased VALUES (?,?,?,?,?)');
    for (const { first, last, prevHash, lastHash } of runs) note.run(first, last, by, prevHash, lastHash);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

/** Erases the rows of a session: its records, noted before, its commands, and itself at the end. */
export async function eraseSession(
  db: DatabaseSync,
  { session, runs }: { session: SessionId; runs: readonly ErasedRun[] },
  moveWal?: MoveWal,
): Promise<void> {
  // Numbers of command records are never used again.
  db.prepare(
    `INSERT INTO counters SELECT 'command', coalesce(max(id), 0) FROM commands WHERE true
       ON CONFLICT(name) DO UPDATE SET value = max(excluded.value, value)`,
  ).run();
  const commands = db.prepare('DELETE FROM commands WHERE id IN (SELECT id FROM commands WHERE session = ? LIMIT ?)');
  await inTurns(() => Number(commands.run(session, BATCH_ROWS).changes) === 0, { db, moveWal });
  await eraseRuns(db, runs, moveWal);
  db.prepare('DELETE FROM sessions WHERE id = ?').run(session);
}

/** Erases what a crash left of runs that were noted. */
export async function finishErasing(db: DatabaseSync, moveWal?: MoveWal): Promise<void> {
  const noted = db.prepare('SELECT first, last FROM erased WHERE first > ? ORDER BY first LIMIT ?');
  const left = db.prepare('SELECT 1 FROM events WHERE seq BETWEEN ? AND ? LIMIT 1');
  const runs: { first: number; last: number }[] = [];
  let from = 0;
  await inTurns(() => {
    const rows = noted.all(from, BATCH_READ) as { first: number; last: number }[];
    runs.push(...rows.filter(({ first, last }) => left.get(first, last)));
    from = rows.at(-1)?.first ?? from;
    return rows.length < BATCH_READ;
  });
  await eraseRuns(db, runs, moveWal);
}

/** Gives what became free back to the file system, a little in each turn; what is left of it stands in the WAL. */
export async function shrink(db: DatabaseSync, moveWal?: MoveWal): Promise<void> {
  const { auto_vacuum: mode } = db.prepare('PRAGMA auto_vacuum').get() as { auto_vacuum: number };
  // Made by an earlier version: written anew, once.
  if (mode !== INCREMENTAL) db.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM');
  const isDone = () => {
    const { freelist_count: free } = db.prepare('PRAGMA freelist_count').get() as { freelist_count: number };
    if (free > 0) db.prepare(`PRAGMA incremental_vacuum(${BATCH_PAGES})`).all();
    return free === 0;
  };
  await inTurns(isDone, { db, moveWal, isEachAlone: true });
}

/** SQLite's number for it. */
const INCREMENTAL = 2;

export type NotedRun = ErasedRun & { by: number };

/** In order. */
export function erasedRuns(db: DatabaseSync): NotedRun[] {
  return db
    .prepare('SELECT first, last, by_seq AS "by", prev_hash AS prevHash, last_hash AS lastHash FROM erased ORDER BY first')
    .all() as NotedRun[];
}

async function eraseRuns(db: DatabaseSync, runs: readonly Pick<ErasedRun, 'first' | 'last'>[], moveWal?: MoveWal): Promise<void> {
  const erase = db.prepare('DELETE FROM events WHERE seq BETWEEN ? AND ?');
  let index = 0;
  let at = runs[0]?.first ?? 0;
  const isDone = () => {
    const run = runs[index];
    if (!run) return true;
    const to = Math.min(run.last, at + BATCH_ROWS - 1);
    erase.run(at, to);
    at = to < run.last ? to + 1 : (runs[++index]?.first ?? 0);
    return false;
  };
  await inTurns(isDone, { db, moveWal });
}
