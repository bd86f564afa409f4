/**
 * Opens the journal's database, or makes it. A damaged one is set aside, as it is evidence, and a new one is begun with
 * the sessions, actors and command records that could be read from it; its chain of events ends there. In the place of one
 * that cannot be written stands a copy that ends with this process.
 */
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isDiskRefusal } from '../disk-refusal.ts';
import { salvage } from './journal-salvage.ts';
import { checkTables, makeTables } from './journal-tables.ts';
import { TAIL_SUFFIXES } from './journal-tail.ts';
import { addTo, copyOf } from './unkept-journal.ts';

/** A journal that is gone with its process: for simulations. */
export const IN_MEMORY = ':memory:';

export type OpenedJournal = {
  readonly db: DatabaseSync;
  /** What happened to a damaged one, a sentence. */
  readonly problem: string | null;
  /** Null where `db` is the file. Else why nothing can be written there; `isWhole`: see `copyOf`. */
  readonly refused: { readonly by: unknown; readonly isWhole: boolean } | null;
};

/** Throws only when no database can be made at all. */
export function openJournalFile(file: string, wallNow: number): OpenedJournal {
  try {
    return openOrSetAside(file, wallNow);
  } catch (error) {
    if (!isDiskRefusal(error)) throw error;
    const { db, isWhole } = copyOf(file);
    return { db, problem: null, refused: { by: error, isWhole } };
  }
}

/** The file, with what is in `unkept`, a copy of it that went on. Throws where the disk refuses still, and takes nothing then. */
export function reopenJournalFile(file: string, unkept: DatabaseSync): DatabaseSync {
  const kept = open(file);
  try {
    addTo(file, { kept, unkept });
    return kept;
  } catch (error) {
    kept.close();
    throw error;
  }
}

function openOrSetAside(file: string, wallNow: number): OpenedJournal {
  try {
    return { db: open(file), problem: null, refused: null };
  } catch (error) {
    if (!isDamage(error) || !existsSync(file)) throw error;
    const aside = `${file}.damaged-${new Date(wallNow).toISOString().replaceAll(':', '')}`;
    for (const suffix of ['', '-wal', '-shm', ...TAIL_SUFFIXES]) if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
    const db = open(file);
    const saved = salvage(aside, db);
    const what = saved > 0 ? ' with what could be read of sessions and history' : '';
    const problem = `the journal was damaged and set aside as ${aside}; a new one was begun${what}, sessions are untouched`;
    return { db, problem, refused: null };
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
    makeTables(db);
    if (file !== IN_MEMORY) checkTables(db, { bytes: statSync(file).size });
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
