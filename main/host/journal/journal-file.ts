/**
 * Opens the journal's database, or makes it. A damaged one is set aside, as it is evidence, and a new one is begun with
 * the sessions, actors and command records that could be read from it; its chain of events ends there.
 */
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { TAIL_SUFFIXES } from './journal-tail.ts';

/** A journal that is gone with its process: for simulations. */
export const IN_MEMORY = ':memory:';
/** Up to here every page is looked at when a host starts, bytes: a tenth of a second. */
const MAX_CHECKED_BYTES = 32 * 1024 * 1024;

const TABLES = {
  actors: 5,
  guest_actors: 6,
  sessions: 4,
  commands: 15,
  checkpoints: 5,
  counters: 2,
};

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS events(
    seq INTEGER PRIMARY KEY, session TEXT, at REAL NOT NULL, actor TEXT, interface TEXT, kind TEXT NOT NULL,
    output_offset INTEGER, payload TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS events_by_session ON events(session, kind, seq);
  CREATE TABLE IF NOT EXISTS actors(
    id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, interface TEXT NOT NULL, color INTEGER NOT NULL,
    UNIQUE(name, kind, interface)) STRICT;
  CREATE TABLE IF NOT EXISTS guest_actors(
    id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, interface TEXT NOT NULL, color INTEGER NOT NULL, guest TEXT NOT NULL,
    UNIQUE(guest, name, kind, interface)) STRICT;
  CREATE TABLE IF NOT EXISTS sessions(id TEXT PRIMARY KEY, created_at REAL NOT NULL, removed INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS commands(
    id INTEGER PRIMARY KEY, session TEXT NOT NULL, text TEXT NOT NULL, authors TEXT NOT NULL, submitter TEXT, client TEXT, unit_seq INTEGER,
    cwd TEXT NOT NULL, started_at REAL NOT NULL, ended_at REAL, duration_ms REAL, exit_code INTEGER,
    from_offset INTEGER NOT NULL, to_offset INTEGER, source TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS commands_by_session ON commands(session, id);
  CREATE TABLE IF NOT EXISTS checkpoints(
    id INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, folder TEXT NOT NULL, at REAL NOT NULL, state TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS checkpoints_by_folder ON checkpoints(folder, id);
  CREATE INDEX IF NOT EXISTS checkpoints_by_session ON checkpoints(session, id);
  CREATE TABLE IF NOT EXISTS counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS erased(
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, by_seq INTEGER NOT NULL, prev_hash TEXT NOT NULL, last_hash TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS commands_by_offset ON commands(session, from_offset, id);
`;

/** Throws only when no database can be made at all; `problem` says what happened to a damaged one. */
export function openJournalFile(file: string, wallNow: number): { db: DatabaseSync; problem: string | null } {
  try {
    return { db: open(file), problem: null };
  } catch (error) {
    if (!isDamage(error) || !existsSync(file)) throw error;
    const aside = `${file}.damaged-${new Date(wallNow).toISOString().replaceAll(':', '')}`;
    for (const suffix of ['', '-wal', '-shm', ...TAIL_SUFFIXES]) if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
    const db = open(file);
    const saved = salvage(aside, db);
    const what = saved > 0 ? ' with what could be read of sessions and history' : '';
    return { db, problem: `the journal was damaged and set aside as ${aside}; a new one was begun${what}, sessions are untouched` };
  }
}

/** SQLite's result codes for what is wrong with the disk or with us, and not with the file's content (sqlite3.h). */
const OUTSIDE = new Set([3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 21, 22, 23]);

/** Whether an error says that the file's content is damaged. */
export function isDamage(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode;
  return code === undefined ? error instanceof RangeError : !OUTSIDE.has(code & 0xff);
}

function open(file: string): DatabaseSync {
  // SQLite would let others read it; its WAL takes over the mode.
  if (file !== IN_MEMORY) closeSync(openSync(file, 'a', 0o600));
  const db = new DatabaseSync(file);
  try {
    // Counts for a file that is new: what is erased later makes it smaller (retention/journal-eraser.ts).
    db.exec('PRAGMA auto_vacuum=INCREMENTAL;');
    // What is erased is overwritten; from the beginning, since rows that moved leave copies.
    db.exec('PRAGMA secure_delete=ON;');
    // No checkpoint of SQLite's own: it would stop this thread for an fsync in the middle of somebody's typing.
    db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=2000; PRAGMA wal_autocheckpoint=0;');
    db.exec(SCHEMA);
    if (file !== IN_MEMORY) check(db, file);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Throws if what a host reads when it starts, or what it writes into, is damaged. */
function check(db: DatabaseSync, file: string): void {
  db.prepare('SELECT * FROM events ORDER BY seq DESC LIMIT 1').get();
  for (const [table, columns] of Object.entries(TABLES)) {
    for (const row of db.prepare(`SELECT * FROM ${table} ORDER BY rowid DESC LIMIT 10000`).iterate())
      if (Object.keys(row).length !== columns) throw new RangeError(`the table ${table} is not as it was made`);
  }
  if (statSync(file).size > MAX_CHECKED_BYTES) return;
  const [found] = db.prepare('PRAGMA quick_check(1)').all();
  const verdict = Object.values(found ?? {})[0];
  if (verdict !== 'ok') throw new RangeError(String(verdict));
}

/** Copies what can be read, from both ends up to the damage; answers how many rows. */
function salvage(from: string, into: DatabaseSync): number {
  let saved = 0;
  let damaged: DatabaseSync;
  try {
    damaged = new DatabaseSync(from, { readOnly: true });
  } catch {
    return 0; // not even a database
  }
  into.exec('BEGIN');
  for (const [table, columns] of Object.entries(TABLES)) {
    const insert = into.prepare(`INSERT OR IGNORE INTO ${table} VALUES (${Array(columns).fill('?').join(',')})`);
    for (const order of ['ASC', 'DESC']) {
      try {
        const rows = damaged.prepare(`SELECT * FROM ${table} ORDER BY rowid ${order}`);
        rows.setReadBigInts(true);
        for (const row of rows.iterate()) {
          try {
            saved += Number(insert.run(...(Object.values(row) as SQLInputValue[])).changes);
          } catch {
            // this row is damaged
          }
        }
        break; // all of it
      } catch {
        // up to the damage; now from the other end
      }
    }
  }
  into.exec('COMMIT');
  damaged.close();
  return saved;
}
