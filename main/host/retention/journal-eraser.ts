/**
 * Takes the records of a removed session out of the journal so that its chain can still be checked.
 *
 * A record is erased whole. Of each run of consecutive records stays where it began and ended, and the hashes at both
 * ends, so that the chain goes on across it; and a record in the chain itself (`retention`) says who erased what, with a
 * digest of those runs. Whoever takes out records in another way breaks the chain, as before. A crash in between leaves
 * records that count as erased, and are erased later.
 */
import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { SessionId } from '#protocol/ids.ts';

/** Work of one turn, milliseconds: then sessions go on. */
const TURN_MS = 4;
/** Rows deleted by one statement: less than a turn's worth. */
const BATCH_ROWS = 200;
/** Pages given back to the file system by one statement, 4 KiB each. */
const BATCH_PAGES = 64;
/** Pages in the WAL beyond which it is moved into the database meanwhile: that waits for the disk. */
const MOVE_AFTER_PAGES = 4_000;

/** Consecutive records that are gone: `prevHash` is that of the record before them, `lastHash` the last one's own. */
export type ErasedRun = { first: number; last: number; prevHash: string; lastHash: string };

/** Of the session's records; call after `journal.fold()`. */
export function runsOf(db: DatabaseSync, session: SessionId): { runs: ErasedRun[]; records: number } {
  const found = db.prepare(
    `WITH own AS (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS island FROM events WHERE session = ?),
       runs AS (SELECT min(seq) AS first, max(seq) AS last, count(*) AS records FROM own GROUP BY island)
     SELECT first, last, records, f.prev_hash AS prevHash, l.hash AS lastHash
       FROM runs JOIN events f ON f.seq = first JOIN events l ON l.seq = last ORDER BY first`,
  );
  const rows = found.all(session) as (ErasedRun & { records: number })[];
  return {
    runs: rows.map(({ first, last, prevHash, lastHash }) => ({ first, last, prevHash, lastHash })),
    records: rows.reduce((sum, { records }) => sum + records, 0),
  };
}

/** What the record of their removal says of the runs. */
export const digestOf = (runs: readonly ErasedRun[]): string =>
  hash('sha256', JSON.stringify(runs.map(({ first, last, prevHash, lastHash }) => [first, last, prevHash, lastHash])), 'hex');

/** Notes the runs, by the record `by` that tells of them, and erases every row of the session. */
export async function eraseSession(db: DatabaseSync, session: SessionId, { runs, by }: { runs: readonly ErasedRun[]; by: number }) {
  db.exec('BEGIN');
  try {
    const note = db.prepare('INSERT INTO erased VALUES (?,?,?,?,?)');
    for (const { first, last, prevHash, lastHash } of runs) note.run(first, last, by, prevHash, lastHash);
    // Numbers of command records are never used again.
    db.prepare(
      `INSERT INTO counters SELECT 'command', coalesce(max(id), 0) FROM commands WHERE true
         ON CONFLICT(name) DO UPDATE SET value = max(excluded.value, value)`,
    ).run();
    for (const sql of ['DELETE FROM commands WHERE session = ?', 'DELETE FROM sessions WHERE id = ?']) db.prepare(sql).run(session);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
  await eraseRuns(db, runs);
}

/** Erases what a crash left of runs that were noted. */
export async function finishErasing(db: DatabaseSync): Promise<void> {
  const left = db.prepare('SELECT 1 FROM events WHERE seq BETWEEN ? AND ? LIMIT 1');
  await eraseRuns(
    db,
    erasedRuns(db).filter(({ first, last }) => left.get(first, last)),
  );
}

/** Gives what became free back to the file system, a little in each turn. */
export async function shrink(db: DatabaseSync): Promise<void> {
  const { auto_vacuum: mode } = db.prepare('PRAGMA auto_vacuum').get() as { auto_vacuum: number };
  // Made by an earlier version: written anew, once.
  if (mode !== INCREMENTAL) db.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM');
  const isDone = () => {
    const { freelist_count: free } = db.prepare('PRAGMA freelist_count').get() as { freelist_count: number };
    if (free > 0) db.prepare(`PRAGMA incremental_vacuum(${BATCH_PAGES})`).all();
    return free === 0;
  };
  await inTurns(db, isDone, { isAtOnce: false });
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
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

async function eraseRuns(db: DatabaseSync, runs: readonly ErasedRun[]): Promise<void> {
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
  await inTurns(db, isDone, { isAtOnce: true });
}

/** Steps until one says that all is done. `isAtOnce`: those of a turn in one transaction. */
async function inTurns(db: DatabaseSync, step: () => boolean, { isAtOnce }: { isAtOnce: boolean }): Promise<void> {
  for (let isDone = false; !isDone; ) {
    const until = performance.now() + TURN_MS;
    if (isAtOnce) db.exec('BEGIN');
    while (!isDone && performance.now() < until) isDone = step();
    if (isAtOnce) db.exec('COMMIT');
    await nextTurn();
    const wal = db.prepare('PRAGMA wal_checkpoint(NOOP)').get() as { log: number; checkpointed: number };
    if (wal.log - wal.checkpointed > MOVE_AFTER_PAGES) db.exec('PRAGMA wal_checkpoint(PASSIVE)');
  }
}

/** Sessions go on in between. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
