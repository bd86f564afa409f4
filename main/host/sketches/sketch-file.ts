/**
 * The sketch of a segment in a file beside it: made anew where it is missing, damaged, of another version, or of other
 * output than the segment holds. Nothing is skipped on its word unless all of that is right.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Damage, type Segment, segmentName } from '../output/segment.ts';
import { MAX_BYTES, MIN_BYTES } from './sketch.ts';

/** Its last character is the version of what stands behind it, and of how a sketch is filled. */
const MAGIC = 'cmdopsk1';
/** Magic, checksum of the rest, then what it is of, four f64, then the filter. */
const HEADER_BYTES = 8 + 4 + 4 * 8;

/** What a sketch is of, bytes by bytes: that segment, and the beginning of the one behind it. */
export type Sketched = {
  readonly start: number;
  readonly bytes: number;
  readonly stamp: number;
  /** Of the segment that follows; `NO_NEXT` where none did. */
  readonly nextStamp: number;
};
export const NO_NEXT = -1;

/** Tells a segment's file from another one of as much output: the size of a packed one, else when it was last written to. */
export async function stampOf(folder: string, segment: Segment): Promise<number> {
  return segment.isSealed ? segment.fileBytes : (await stat(join(folder, segmentName(segment)))).mtimeMs;
}

export type SketchRead =
  | { readonly is: 'right'; readonly filter: Uint8Array }
  /** `stale`: of a segment that has grown, or changed its form; `damaged`: or of another version. */
  | { readonly is: 'missing' | 'stale' | 'damaged' };

/** Larger than any, so that what is too large is seen without being read. */
const room = Buffer.alloc(HEADER_BYTES + MAX_BYTES + 1);

/** Its `filter` holds until the next call. Of a segment whose next one is gone it tells as well. */
export function readSketch(folder: string, { start, bytes, stamp, nextStamp }: Sketched): SketchRead {
  let length = 0;
  try {
    const fd = openSync(join(folder, sketchName(start)), 'r');
    try {
      length = readSync(fd, room, 0, room.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return { is: 'missing' };
  }
  const file = room.subarray(0, length);
  const sketched = decoded(file);
  if (!sketched || sketched.start !== start) return { is: 'damaged' };
  const isOfNext = nextStamp === NO_NEXT || sketched.nextStamp === nextStamp;
  if (sketched.bytes !== bytes || sketched.stamp !== stamp || !isOfNext) return { is: 'stale' };
  return { is: 'right', filter: file.subarray(HEADER_BYTES) };
}

function decoded(file: Buffer): Sketched | null {
  if (file.length < HEADER_BYTES || file.toString('latin1', 0, 8) !== MAGIC || crc32(file.subarray(12)) !== file.readUInt32LE(8))
    return null;
  const size = file.length - HEADER_BYTES;
  const isSize = size === 0 || (size >= MIN_BYTES && size <= MAX_BYTES && (size & (size - 1)) === 0);
  const [start = 0, bytes = 0, stamp = 0, nextStamp = 0] = [12, 20, 28, 36].map((at) => file.readDoubleLE(at));
  return isSize ? { start, bytes, stamp, nextStamp } : null;
}

/** Takes the place of an older one in one step. */
export async function writeSketch(folder: string, { start, bytes, stamp, nextStamp }: Sketched, filter: Uint8Array): Promise<void> {
  const file = Buffer.concat([Buffer.alloc(HEADER_BYTES), filter]);
  file.write(MAGIC, 'latin1');
  for (const [index, value] of [start, bytes, stamp, nextStamp].entries()) file.writeDoubleLE(value, 12 + index * 8);
  file.writeUInt32LE(crc32(file.subarray(12)), 8);
  const path = join(folder, sketchName(start));
  await writeFile(`${path}.new`, file, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The segment is gone, or holds something else now. */
export async function removeSketch(folder: string, start: number): Promise<void> {
  await unlink(join(folder, sketchName(start))).catch(() => {}); // none was made
}

/** Removes what was left half-written, and sketches of segments that are gone. */
export async function removeStraySketches(folder: string, segments: readonly Segment[]): Promise<void> {
  const starts = new Set(segments.map(({ start }) => sketchName(start)));
  for (const name of readdirSync(folder))
    if (name.startsWith('sketch-') && !starts.has(name)) await unlink(join(folder, name)).catch(() => {}); // removed meanwhile
}

/** Whether a segment that takes no more output has none, by the names alone; the last one counts where the session has `ended`. */
export async function lacksSketches(folder: string, isEnded: boolean): Promise<boolean> {
  const names = new Set(await readdir(folder).catch(() => [])); // removed
  const segments = [...names].filter((name) => name.startsWith('output-') && (isEnded || name.endsWith('.zst')));
  return segments.some((name) => !names.has(sketchName(Number(name.slice(7, 23)))));
}

/** Names those that are damaged; a search does without them, and they are made again. */
export async function verifySketches(folder: string): Promise<Damage[]> {
  const damaged: Damage[] = [];
  for (const name of (await readdir(folder).catch(() => [])).sort()) {
    if (!/^sketch-\d{16}$/.test(name)) continue;
    const file = await readFile(join(folder, name)).catch(() => null); // removed meanwhile
    if (file && !decoded(file))
      damaged.push({ file: name, reason: 'it only tells searches what not to read: it is made again with the next search' });
  }
  return damaged;
}

const sketchName = (start: number) => `sketch-${String(start).padStart(16, '0')}`;
