/** The tables of the journal's database: how they are made, and whether they are as they were made. */
import type { DatabaseSync } from 'node:sqlite';

/** Beside the chain of events, with their columns. */
export const TABLES = {
  actors: 5,
  guest_actors: 6,
  sessions: 4,
  commands: 15,
  checkpoints: 5,
  counters: 2,
};

/** Up to here every page is looked at when a host starts, bytes: a tenth of a second. */
const MAX_CHECKED_BYTES = 32 * 1024 * 1024;

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

/** Those that are missing. */
export function makeTables(db: DatabaseSync): void {
  db.exec(SCHEMA);
}

/** Throws if what a host reads when it starts, or what it writes into, is damaged. */
export function checkTables(db: DatabaseSync, { bytes }: { bytes: number }): void {
  db.prepare('SELECT * FROM events ORDER BY seq DESC LIMIT 1').get();
  for (const [table, columns] of Object.entries(TABLES)) {
    for (const row of db.prepare(`SELECT * FROM ${table} ORDER BY rowid DESC LIMIT 10000`).iterate())
      if (Object.keys(row).length !== columns) throw new RangeError(`the table ${table} is not as it was made`);
  }
  if (bytes > MAX_CHECKED_BYTES) return;
  const [found] = db.prepare('PRAGMA quick_check(1)').all();
  const verdict = Object.values(found ?? {})[0];
  if (verdict !== 'ok') throw new RangeError(String(verdict));
}

/** The last record of the chain; 0 and no hash where there is none. */
export function lastRecord(db: DatabaseSync): { seq: number; hash: string } {
  const last = db.prepare('SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1').get() as { seq: number; hash: string } | undefined;
  return last ?? { seq: 0, hash: '' };
}
