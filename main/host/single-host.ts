/** One host per user: a lock that the operating system releases with the process, however it ends. */
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CmdopError } from '#protocol/errors.ts';
import { isDiskRefusal, refusalText, remedyOf } from './disk-refusal.ts';

/**
 * The lock on `file`, or null if another process has it. SQLite's file lock is used because Node has no flock of its
 * own, and because a lock file with a pid lies after `kill -9`. Throws `storage` where it cannot be written: then no socket
 * can be made beside it either.
 */
export function lockHost(file: string): { release(): void } | null {
  try {
    const db = locked(file);
    return db && { release: () => db.close() };
  } catch (error) {
    if (!isDiskRefusal(error)) throw error;
    const folder = dirname(file);
    const why = `cannot be written (${refusalText(error)}): ${remedyOf(error, folder)}`;
    throw new CmdopError('storage', `${folder}, where clients find the host, ${why}`);
  }
}

function locked(file: string): DatabaseSync | null {
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA busy_timeout=0; BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return null;
    throw error;
  }
}

const SQLITE_BUSY = 5;
