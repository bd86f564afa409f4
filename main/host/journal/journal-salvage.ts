/** What can still be read of a damaged journal: its sessions, actors and command records. Its chain of events ends there. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { TABLES } from './journal-tables.ts';

/** Copies what can be read of the database at `from`, from both ends up to the damage; answers how many rows. */
export function salvage(from: string | URL, into: DatabaseSync): number {
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
