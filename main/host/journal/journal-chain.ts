/** The journal's chain: each record carries a hash over itself and the one before, so that no change goes unseen. */
import { hash as hashText } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { VerifyReport } from '#protocol/shapes.ts';
import { digestOf, erasedRuns, type NotedRun } from '../retention/journal-eraser.ts';
import type { TailRow } from './journal-tail.ts';
import { fromJson, retentionPayload } from './stored-shapes.ts';

const VERIFY_BATCH = 2_000;

type StoredRow = {
  seq: number;
  session: string | null;
  at: number;
  actor: string | null;
  interface: string | null;
  kind: string;
  output_offset: number | null;
  payload: string;
  prev_hash: string;
  hash: string;
};

export function chainHash(previousHash: string, row: TailRow): string {
  return hashText('sha256', JSON.stringify([previousHash, ...row]), 'hex');
}

/** Checks every record against its chain, a batch at a time; across what was erased by the notes of it. */
export async function verifyChain(db: DatabaseSync): Promise<VerifyReport> {
  const batch = db.prepare('SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?');
  let previous = { seq: 0, hash: '' };
  let [records, erased] = [0, 0];
  const broken = (seq: number, reason: string): VerifyReport => ({ ok: false, records, broken: { seq, reason }, erased });
  let runs: NotedRun[];
  try {
    runs = erasedRuns(db);
    const unproved = unprovedRun(db, runs);
    if (unproved) return broken(unproved.first, `records ${unproved.first} to ${unproved.last} were erased, and no record tells by whom`);
  } catch (error) {
    return broken(1, `the notes of what was erased cannot be read: ${(error as Error).message}`);
  }
  for (;;) {
    let rows: StoredRow[];
    try {
      rows = batch.all(previous.seq, VERIFY_BATCH) as StoredRow[];
    } catch (error) {
      return broken(previous.seq + 1, `cannot be read: ${(error as Error).message}`);
    }
    if (rows.length === 0) return { ok: true, records, broken: null, erased };
    for (const row of rows) {
      for (let run = runs[0]; run && run.first === previous.seq + 1; run = runs[0]) {
        if (run.prevHash !== previous.hash) return broken(run.first, 'what was erased there does not follow the record before it');
        erased += run.last - run.first + 1;
        previous = { seq: run.last, hash: run.lastHash };
        runs.shift();
      }
      if (row.seq <= previous.seq) continue; // a crash came before it was erased: it counts as such
      const reason = fault(row, previous);
      if (reason) return broken(row.seq, reason);
      previous = row;
      records++;
    }
    await new Promise((resolve) => setImmediate(resolve)); // let sessions go on
  }
}

/** The first run that no record of the chain accounts for. */
function unprovedRun(db: DatabaseSync, runs: readonly NotedRun[]): NotedRun | null {
  const told = db.prepare("SELECT payload FROM events WHERE seq = ? AND kind = 'retention'");
  for (const [by, ofRecord] of Map.groupBy(runs, (run) => run.by)) {
    const row = told.get(by) as { payload: string } | undefined;
    const digest = row ? fromJson(retentionPayload, row.payload)?.digest : undefined;
    if (digest !== digestOf(ofRecord)) return ofRecord[0] ?? null;
  }
  return null;
}

function fault(row: StoredRow, previous: { seq: number; hash: string }): string | null {
  const { seq, session, at, actor, interface: interfaceKind, kind, output_offset, payload, prev_hash, hash } = row;
  if (seq !== previous.seq + 1) return `${seq - previous.seq - 1} records before it are missing`;
  if (prev_hash !== previous.hash) return 'it does not follow the record before it';
  if (chainHash(prev_hash, [seq, session, at, actor, interfaceKind, kind, output_offset, payload]) !== hash)
    return 'its content was changed';
  return null;
}
