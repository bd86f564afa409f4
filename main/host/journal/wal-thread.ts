/** A thread that moves what the WAL of a database holds into the database, as it is told to: that waits for the disk. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';

const db = new DatabaseSync(z.string().parse(workerData));
// As the journal itself has it: what is moved has been overwritten already.
db.exec('PRAGMA wal_autocheckpoint=0');

parentPort?.on('message', (how: unknown) => {
  let isDone = true;
  try {
    db.exec(how === 'empty' ? 'PRAGMA wal_checkpoint(TRUNCATE)' : 'PRAGMA wal_checkpoint(PASSIVE)');
  } catch {
    isDone = false; // the disk is full, or the journal writes: it does so itself, later
  }
  parentPort?.postMessage(isDone);
});
