/**
 * Checksums of output that is not packed yet, in a file beside its segment: one for each 4 KiB of it. Byte n of a session is
 * the same for ever, and so is its part of a checksum: it is only ever carried on over the bytes that follow, so that what was
 * damaged since is never taken for right. An older host reads none, and what it adds is summed by the next one that does.
 *
 *   for each block: u32 its number · u32 bytes of it that are summed · u32 their CRC-32 · u32 CRC-32 of these three
 *   (behind the last one: see `record-file.ts`; a number with its highest bit set says that this is so)
 */
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { RECORD_BYTES, readRecords, withEnd } from './record-file.ts';
import { MAX_SEGMENT_BYTES } from './segment.ts';

/** What is lost at least where a bit is, bytes: what a disk loses as well. */
export const BLOCK_BYTES = 4096;
const MAX_BLOCKS = Math.ceil(MAX_SEGMENT_BYTES / BLOCK_BYTES);
/** In the number of a block: its file has an end. Those of earlier hosts have none. */
const HAS_END = 0x8000_0000;

/** Of the first `bytes` of a block. */
export type Sum = { readonly bytes: number; readonly crc: number };
/** By block; null where the record itself is damaged. `isCut`: there were more. */
export type Sums = { readonly blocks: readonly (Sum | null)[]; readonly isCut: boolean };
/** Places in a segment, `to` excluded. */
export type Range = { readonly from: number; readonly to: number };

/** None where there is no such file: an older host wrote the segment, or it is new. */
export async function readSums(folder: string, start: number): Promise<Sums> {
  const found = await readRecords(join(folder, sumsName(start)), MAX_BLOCKS);
  if (!found) return { blocks: [], isCut: false };
  const records = Array.from({ length: found.records.length / RECORD_BYTES }, (_, block) => decoded(found.records, block));
  const hadEnd = records.findLast((record) => record !== null)?.hasEnd ?? records.length === 0;
  const isCut = found.end === 'torn' || (found.end === 'nothing' && hadEnd);
  return { blocks: records.map((record) => record?.sum ?? null), isCut };
}

/** Where the bytes begin that have no checksum, a place in the segment. */
export function summedBytes({ blocks }: Sums): number {
  return blocks.length === 0 ? 0 : (blocks.length - 1) * BLOCK_BYTES + (blocks.at(-1)?.bytes ?? 0);
}

/** What is not as it was summed in `bytes`, which begin at place `from`, where a block does. Blocks side by side are one range. */
export function damageIn(sums: Sums, bytes: Uint8Array, from = 0): Range[] {
  const found: Range[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const sum = sums.blocks[(from + at) / BLOCK_BYTES];
    // Of a file that was cut off, the last block can be neither proven nor refuted.
    if (!sum || at + sum.bytes > bytes.length || crc32(bytes.subarray(at, at + sum.bytes)) === sum.crc) continue;
    const to = from + Math.min(at + BLOCK_BYTES, bytes.length);
    const last = found.at(-1);
    if (last?.to === from + at) found[found.length - 1] = { from: last.from, to };
    else found.push({ from: from + at, to });
  }
  return found;
}

/** Of a segment of so many bytes, what has lost its checksums: nobody can say whether it is whole. */
export function unknownIn({ blocks, isCut }: Sums, bytes: number): Range[] {
  const unknown = blocks.flatMap((sum, block) => {
    const summed = block < blocks.length - 1 ? (sum?.bytes ?? 0) : sum ? BLOCK_BYTES : 0;
    return summed < BLOCK_BYTES ? [{ from: block * BLOCK_BYTES + summed, to: (block + 1) * BLOCK_BYTES }] : [];
  });
  const last = Math.max(0, Math.ceil(bytes / BLOCK_BYTES) - 1);
  return isCut ? [...unknown, { from: Math.min(blocks.length, last) * BLOCK_BYTES, to: bytes }] : unknown;
}

/** Output from place `bytes` on is none: checksums of it go. */
export async function cutSums(folder: string, start: number, bytes: number): Promise<void> {
  const sums = await readSums(folder, start);
  if (summedBytes(sums) <= bytes) return;
  const records = Math.floor(bytes / BLOCK_BYTES) * RECORD_BYTES;
  const end = sums.isCut ? Buffer.alloc(0) : withEnd();
  const file = await open(join(folder, sumsName(start)), 'r+');
  await file
    .truncate(records)
    .then(() => file.write(end, 0, end.length, records))
    .finally(() => file.close());
}

/** The segment is packed, which has a checksum of its own, or gone. */
export async function removeSums(folder: string, start: number): Promise<void> {
  await unlink(join(folder, sumsName(start))).catch(() => {}); // none were made
}

export const sumsName = (start: number) => `sums-${String(start).padStart(16, '0')}`;

/** The record of a block. */
export function encoded(block: number, { bytes, crc }: Sum): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  for (const [index, value] of [block + HAS_END, bytes, crc].entries()) record.writeUInt32LE(value, index * 4);
  record.writeUInt32LE(crc32(record.subarray(0, 12)), 12);
  return record;
}

function decoded(records: Buffer, block: number): { sum: Sum; hasEnd: boolean } | null {
  const record = records.subarray(block * RECORD_BYTES, (block + 1) * RECORD_BYTES);
  const [number = 0, bytes = 0, crc = 0, check = 0] = [0, 4, 8, 12].map((at) => record.readUInt32LE(at));
  const hasEnd = number >= HAS_END;
  const isNumber = number - (hasEnd ? HAS_END : 0) === block;
  const isRight = check === crc32(record.subarray(0, 12)) && isNumber && bytes > 0 && bytes <= BLOCK_BYTES;
  return isRight ? { sum: { bytes, crc }, hasEnd } : null;
}
