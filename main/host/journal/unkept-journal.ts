/**
 * The journal of a host that cannot write its file: a database that ends with its process. It begins as a copy of all that
 * can be read of the file, so that its chain goes on in it, and can be added to the file once that can be written.
 */
import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { isDiskRefusal, refusalText, remedyOf } from '../disk-refusal.ts';
import { salvage } from './journal-salvage.ts';
import { checkTables, lastRecord, makeTables, TABLES } from './journal-tables.ts';
import { JournalTail } from './journal-tail.ts';

/** SQLite's name for it: in memory while it is small, then in a file without a name where the system has its temporary ones. */
const TEMPORARY = '';

/** How a file that cannot be written is read: with its WAL, where that has its index beside it; else there is none to read. */
const WAYS = ['mode=ro', 'immutable=1'] as const;

const COPIED = ['events', 'erased', ...Object.keys(TABLES)];

/** What people are told, for as long as it lasts. */
export function unkeptProblem(error: unknown, file: string): string {
  const remedy = isDiskRefusal(error) ? remedyOf(error, file) : '`cmdop host stop`, and the next host goes on with what is there';
  return `the journal cannot be written (${refusalText(error)}): ${remedy}; until then what happens is recorded in memory only and ends with this host; sessions go on`;
}

/**
 * Holds nothing open of `file`, whose disk can be taken away and mended. `isWhole`: false where it cannot be read or is
 * damaged, and a new chain begins. Throws only where no database can be made at all.
 */
export function copyOf(file: string): { db: DatabaseSync; isWhole: boolean } {
  if (!existsSync(file)) return { db: emptyJournal(), isWhole: true };
  for (const way of WAYS) {
    const db = wholeCopy(file, way);
    if (db) return { db, isWhole: true };
  }
  const db = emptyJournal();
  for (const way of WAYS) if (salvage(sourceOf(file, way), db) > 0) break;
  return { db, isWhole: false };
}

/** Null where it cannot be read so, or is damaged. */
function wholeCopy(file: string, way: (typeof WAYS)[number]): DatabaseSync | null {
  const db = emptyJournal();
  try {
    const source = sourceOf(file, way);
    db.prepare('ATTACH ? AS kept').run(source.href);
    const there = new Set(
      db
        .prepare("SELECT name FROM kept.sqlite_schema WHERE type = 'table'")
        .all()
        .map(({ name }) => name),
    );
    // An earlier version may have made it.
    for (const table of COPIED) if (there.has(table)) db.exec(`INSERT INTO main.${table} SELECT * FROM kept.${table}`);
    // Numbers of checkpoints are not used again.
    db.exec('DELETE FROM main.sqlite_sequence; INSERT INTO main.sqlite_sequence SELECT * FROM kept.sqlite_sequence; DETACH kept');
    checkTables(db, { bytes: statSync(file).size });
    return db;
  } catch {
    db.close();
    return null;
  }
}

function emptyJournal(): DatabaseSync {
  const db = new DatabaseSync(TEMPORARY);
  makeTables(db);
  return db;
}

const sourceOf = (file: string, way: string) => new URL(`${pathToFileURL(file).href}?${way}`);

/**
 * Adds to the file what happened since: all or nothing. `kept` is the file, open. Throws where the disk refuses still, or
 * the file is not the one that this journal was begun with.
 */
export function addTo(file: string, { kept, unkept }: { kept: DatabaseSync; unkept: DatabaseSync }): void {
  const last = lastRecord(kept);
  if (!isBegun(file, { last, unkept })) throw new Error('another journal lies there now');
  unkept.prepare('ATTACH ? AS kept').run(file);
  try {
    unkept.exec('PRAGMA kept.secure_delete=ON; BEGIN IMMEDIATE');
    unkept.prepare('INSERT INTO kept.events SELECT * FROM main.events WHERE seq > ?').run(last.seq);
    for (const table of ['erased', ...Object.keys(TABLES)])
      unkept.exec(`INSERT OR REPLACE INTO kept.${table} SELECT * FROM main.${table} EXCEPT SELECT * FROM kept.${table}`);
    unkept.exec('DELETE FROM kept.checkpoints WHERE id NOT IN (SELECT id FROM main.checkpoints); COMMIT');
  } finally {
    if (unkept.isTransaction) unkept.exec('ROLLBACK');
    unkept.exec('DETACH kept');
  }
}

/** Whether all that the file has, its tail too, is in the journal that was begun with it. */
function isBegun(file: string, { last, unkept }: { last: { seq: number; hash: string }; unkept: DatabaseSync }): boolean {
  const own = unkept.prepare('SELECT hash, at, payload FROM events WHERE seq = ?');
  if (last.seq > 0 && own.get(last.seq)?.hash !== last.hash) return false;
  return JournalTail.read(file).rows.every(([seq, , at, , , , , payload]) => {
    const row = seq > last.seq ? own.get(seq) : { at, payload };
    return row?.at === at && row.payload === payload;
  });
}
