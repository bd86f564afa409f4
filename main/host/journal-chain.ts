/** The journal's chain: each record carries a hash over itself and the one before, so that no change goes unseen. */
import { hash as hashText } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { VerifyReport } from '#protocol/shapes.ts';
import type { TailRow } from './journal-tail.ts';

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

/** Checks every record against its chain, a batch at a time. */
export async function verifyChain(db: DatabaseSync): Promise<VerifyReport> {
  const batch = db.prepare('SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?');
  let previous = { seq: 0, hash: '' };
  let records = 0;
  for (;;) {
    let rows: StoredRow[];
    try {
      rows = batch.all(previous.seq, VERIFY_BATCH) as StoredRow[];
    } catch (error) {
      return { ok: false, records, broken: { seq: previous.seq + 1, reason: `cannot be read: ${(error as Error).message}` } };
    }
    if (rows.length === 0) return { ok: true, records, broken: null };
    for (const row of rows) {
      const reason = fault(row, previous);
      if (reason) return { ok: false, records, broken: { seq: row.seq, reason } };
      previous = row;
      records++;
    }
    await new Promise((resolve) => setImmediate(resolve)); // let sessions go on
  }
}

function fault(row: StoredRow, previous: { seq: number; hash: string }): string | null {
  const { seq, session, at, actor, interface: interfaceKind, kind, output_offset, payload, prev_hash, hash } = row;
  if (seq !== previous.seq + 1) return `${seq - previous.seq - 1} records before it are missing`;
  if (prev_hash !== previous.hash) return 'it does not follow the record before it';
  if (chainHash(prev_hash, [seq, session, at, actor, interfaceKind, kind, output_offset, payload]) !== hash)
    return 'its content was changed';
  return null;
}
