/**
 * Checksums of output that is not packed yet, in a file beside its segment: one for each 4 KiB of it. Byte n of a session is
 * the same for ever, and so is its part of a checksum: it is only ever carried on over the bytes that follow, so that what was
 * damaged since is never taken for right. An older host reads none, and what it adds is summed by the next one that does.
 *
 *   for each block: u32 its number · u32 bytes of it that are summed · u32 their CRC-32 · u32 CRC-32 of these three
 */
import { open, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { MAX_SEGMENT_BYTES } from './segment.ts';

/** What is lost at least where a bit is, bytes: what a disk loses as well. */
export const BLOCK_BYTES = 4096;
export const RECORD_BYTES = 16;

/** Of the first `bytes` of a block. */
export type Sum = { readonly bytes: number; readonly crc: number };
/** By block; null where the record itself is damaged. */
export type Sums = readonly (Sum | null)[];
/** Places in a segment, `to` excluded. */
export type Range = { readonly from: number; readonly to: number };

/** None where there is no such file. */
export async function readSums(folder: string, start: number): Promise<Sums> {
  const file = await open(join(folder, sumsName(start))).catch(() => null); // an older host wrote the segment, or it is new
  if (!file) return [];
  try {
    const { size } = await file.stat();
    const most = Math.ceil(MAX_SEGMENT_BYTES / BLOCK_BYTES) * RECORD_BYTES;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, most)), { position: 0 });
    return Array.from({ length: Math.floor(bytesRead / RECORD_BYTES) }, (_, block) => decoded(buffer, block));
  } catch {
    return []; // the disk cannot give it back
  } finally {
    await file.close();
  }
}

/** Where the bytes begin that have no checksum, a place in the segment. */
export function summedBytes(sums: Sums): number {
  return sums.length === 0 ? 0 : (sums.length - 1) * BLOCK_BYTES + (sums.at(-1)?.bytes ?? 0);
}

/** What is not as it was summed in `bytes`, which begin at place `from`, where a block does. Blocks side by side are one range. */
export function damageIn(sums: Sums, bytes: Uint8Array, from = 0): Range[] {
  const found: Range[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const sum = sums[(from + at) / BLOCK_BYTES];
    // Of a file that was cut off, the last block can be neither proven nor refuted.
    if (!sum || at + sum.bytes > bytes.length || crc32(bytes.subarray(at, at + sum.bytes)) === sum.crc) continue;
    const to = from + Math.min(at + BLOCK_BYTES, bytes.length);
    const last = found.at(-1);
    if (last?.to === from + at) found[found.length - 1] = { from: last.from, to };
    else found.push({ from: from + at, to });
  }
  return found;
}

/** Blocks whose checksums are damaged themselves: nobody can say whether they are whole. */
export function unknownIn(sums: Sums): Range[] {
  return sums.flatMap((sum, block) => (sum ? [] : [{ from: block * BLOCK_BYTES, to: (block + 1) * BLOCK_BYTES }]));
}

/** Output from place `bytes` on is none: checksums of it go. */
export async function cutSums(folder: string, start: number, bytes: number): Promise<void> {
  const sums = await readSums(folder, start);
  if (summedBytes(sums) > bytes) await truncate(join(folder, sumsName(start)), Math.floor(bytes / BLOCK_BYTES) * RECORD_BYTES);
}

/** The segment is packed, which has a checksum of its own, or gone. */
export async function removeSums(folder: string, start: number): Promise<void> {
  await unlink(join(folder, sumsName(start))).catch(() => {}); // none were made
}

export const sumsName = (start: number) => `sums-${String(start).padStart(16, '0')}`;

/** The record of a block. */
export function encoded(block: number, { bytes, crc }: Sum): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  for (const [index, value] of [block, bytes, crc].entries()) record.writeUInt32LE(value, index * 4);
  record.writeUInt32LE(crc32(record.subarray(0, 12)), 12);
  return record;
}

function decoded(records: Buffer, block: number): Sum | null {
  const record = records.subarray(block * RECORD_BYTES, (block + 1) * RECORD_BYTES);
  const [number = 0, bytes = 0, crc = 0, check = 0] = [0, 4, 8, 12].map((at) => record.readUInt32LE(at));
  const isRight = check === crc32(record.subarray(0, 12)) && number === block && bytes > 0 && bytes <= BLOCK_BYTES;
  return isRight ? { bytes, crc } : null;
}
