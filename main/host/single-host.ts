/** One host per user: a lock that the operating system releases with the process, however it ends. */
import { DatabaseSync } from 'node:sqlite';

/**
 * The lock on `file`, or null if another process has it. SQLite's file lock is used because Node has no flock of its
 * own, and because a lock file with a pid lies after `kill -9`.
 */
export function lockHost(file: string): { release(): void } | null {
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA busy_timeout=0; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return null;
    throw error;
  }
  return { release: () => db.close() };
}

const SQLITE_BUSY = 5;
