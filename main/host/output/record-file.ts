/**
 * A file of records, each of 16 bytes, that ends in a mark: every write moves the mark on in the same call, so that a file that
 * was cut off is known by its end, even where the cut is between two records.
 */
import { fstatSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';

export const RECORD_BYTES = 16;
/** No record begins so. */
const END = Buffer.from('end\n');
/** Who writes it may add so much while it is read, bytes. */
const GROWTH_BYTES = 4096;

/** `end`: what stands behind the whole records; `torn`: a part of one. */
export type RecordFile = { readonly records: Buffer; readonly end: 'mark' | 'nothing' | 'torn' };

/** `most`: records that are read; a file of more is damaged. Null where there is none, or the disk cannot give it back. */
export async function readRecords(path: string, most: number): Promise<RecordFile | null> {
  const found = await readOnce(path, most);
  // Who writes it may have moved the mark on meanwhile.
  return found && found.end !== 'mark' ? readOnce(path, most) : found;
}

async function readOnce(path: string, most: number): Promise<RecordFile | null> {
  const file = await open(path).catch(() => null);
  if (!file) return null;
  try {
    const { size } = await file.stat();
    const room = Buffer.alloc(Math.min(size + GROWTH_BYTES, most * RECORD_BYTES) + END.length);
    const { bytesRead } = await file.read(room, { position: 0 });
    const bytes = bytesRead - (bytesRead % RECORD_BYTES);
    const rest = room.subarray(bytes, bytesRead);
    return { records: room.subarray(0, bytes), end: rest.equals(END) ? 'mark' : rest.length === 0 ? 'nothing' : 'torn' };
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** One that holds nothing, in one step: a file without a mark is none that was just begun. */
export function beginRecords(path: string): void {
  writeFileSync(`${path}.new`, END, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** What to write where the first of `records` belongs. */
export const withEnd = (...records: Buffer[]): Buffer => Buffer.concat([...records, END]);

/** Where the next record belongs, bytes. Where the end was cut off, one stays damaged, to tell of it. */
export function nextPlace(fd: number): number {
  const { size } = fstatSync(fd);
  const end = Buffer.alloc(END.length);
  readSync(fd, end, 0, end.length, Math.max(0, size - end.length));
  if (size % RECORD_BYTES === END.length && end.equals(END)) return size - END.length;
  return (Math.floor(size / RECORD_BYTES) + 1) * RECORD_BYTES;
}
