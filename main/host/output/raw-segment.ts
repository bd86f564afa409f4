/** Reads what a segment holds that is not packed yet, and says what of it is not as it was written. */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Damage, type Segment, segmentName } from './segment.ts';
import { BLOCK_BYTES, damageIn, type Range, readSums, summedBytes, sumsName, unknownIn } from './segment-sums.ts';

/** Checked at once, bytes. */
const PIECE_BYTES = 256 * BLOCK_BYTES;
/** Ranges of one file that are named. */
const MAX_NAMED = 5;

/** Bytes from place `from` on, at most `max`, and what of them is damaged, places in the segment. Rejects where it is gone. */
export async function readRaw(
  folder: string,
  segment: Segment,
  { from, max }: { from: number; max: number },
): Promise<{ bytes: Uint8Array; damaged: Range[] }> {
  const sums = await readSums(folder, segment.start); // before the bytes: so they know of none that are still to come
  const file = await open(join(folder, segmentName(segment, 'raw')));
  try {
    const begin = from - (from % BLOCK_BYTES);
    const end = Math.ceil((from + max) / BLOCK_BYTES) * BLOCK_BYTES;
    const { buffer, bytesRead } = await file.read(new Uint8Array(end - begin), 0, end - begin, begin);
    const bytes = buffer.subarray(0, bytesRead);
    const damaged = damageIn(sums, bytes, begin).filter((range) => range.from < from + max);
    return { bytes: bytes.subarray(from - begin, from - begin + max), damaged };
  } finally {
    await file.close();
  }
}

/** What is wrong with it and with its checksums. Rejects where it is gone, or cannot be read. */
export async function verifyRaw(folder: string, segment: Segment): Promise<Damage[]> {
  const held = segment.bytes; // it may grow meanwhile
  const sums = await readSums(folder, segment.start);
  const file = segmentName(segment, 'raw');
  const { size } = await stat(join(folder, file));
  const bytes = Math.max(held, summedBytes(sums));
  const found: Damage[] = size < bytes ? [{ file, reason: `it has ${size} of ${bytes} bytes` }] : [];
  const damaged: Range[] = [];
  for (let from = 0; from < Math.min(size, held); from += PIECE_BYTES)
    damaged.push(...(await readRaw(folder, segment, { from, max: Math.min(PIECE_BYTES, held - from) })).damaged);
  if (damaged.length > 0)
    found.push({ file, reason: `output from offset ${named(damaged, segment)} is damaged: it is left out, and the rest is served` });
  const unknown = unknownIn(sums, held);
  if (unknown.length > 0)
    found.push({
      file: sumsName(segment.start),
      reason: `checksums in it are ${sums.isCut ? 'lost' : 'damaged'}: whether output from offset ${named(unknown, segment)} is whole cannot be said`,
    });
  return found;
}

/** `4096 to 8192, 12288 to 16384`. */
function named(ranges: readonly Range[], { start, bytes }: Segment): string {
  const joined: Range[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last?.to === range.from) joined[joined.length - 1] = { from: last.from, to: range.to };
    else joined.push(range);
  }
  const words = joined.slice(0, MAX_NAMED).map(({ from, to }) => `${start + from} to ${start + Math.min(to, bytes)}`);
  if (joined.length > MAX_NAMED) words.push(`in ${joined.length - MAX_NAMED} more places`);
  return words.join(', ');
}
