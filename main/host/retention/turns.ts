/** Long work on the host's loop, in slices: sessions go on in between. */
import type { DatabaseSync } from 'node:sqlite';

/** Work of one turn, milliseconds. */
const TURN_MS = 4;
/** Pages in the WAL beyond which it is moved into the database, 4 KiB each. */
const MOVE_AFTER_PAGES = 4_000;

/** Moves the WAL into the database; without, this thread does, and waits for the disk. */
export type MoveWal = () => Promise<void>;

/** `db`: what is written to; `isEachAlone`: no transaction around the steps of a turn. */
export type TurnOptions = { db?: DatabaseSync; moveWal?: MoveWal | undefined; isEachAlone?: boolean };

/** Steps until one says that all is done. */
export async function inTurns(step: () => boolean, { db, moveWal, isEachAlone = false }: TurnOptions = {}): Promise<void> {
  const together = isEachAlone ? undefined : db;
  for (let isDone = false; !isDone; ) {
    const until = performance.now() + TURN_MS;
    together?.exec('BEGIN');
    try {
      while (!isDone && performance.now() < until) isDone = step();
    } finally {
      // What was done is right by itself.
      if (together?.isTransaction) together.exec('COMMIT');
    }
    await nextTurn();
    if (db) await keepWalShort(db, moveWal);
  }
}

export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Waits for it: a WAL that is written to meanwhile never begins anew, and grows for as long as the work takes. */
async function keepWalShort(db: DatabaseSync, moveWal: MoveWal | undefined): Promise<void> {
  const wal = db.prepare('PRAGMA wal_checkpoint(NOOP)').get() as { log: number; checkpointed: number };
  if (wal.log - wal.checkpointed <= MOVE_AFTER_PAGES) return;
  if (moveWal) await moveWal();
  else db.exec('PRAGMA wal_checkpoint(PASSIVE)');
}
