/** The files of a session's output: what a folder holds of it, how a sealed one is packed and checked, what is damaged. */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { removeSketch } from '../sketches/sketch-file.ts';
import { verifyRaw } from './raw-segment.ts';
import { type Damage, MAX_SEGMENT_BYTES, type Segment, segmentName, setAside } from './segment.ts';
import { cutSums, damageIn, readSums, removeSums } from './segment-sums.ts';
import { removeTimes, verifyTimes } from './segment-times.ts';

/**
 * Level 1 packs build logs as well as 3 (5.1 : 1 against 5.3) in two thirds of the time; one chunk spares turns of the
 * thread pool. With a checksum: a flipped bit must not become other output.
 */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 }, chunkSize: 1024 * 1024 };

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** As `findSegments`, in a folder that is made if missing; none where the disk refuses that. */
export function openFolder(folder: string): ReturnType<typeof findSegments> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    // there is nothing in it then, and writing to it tells of the disk
  }
  return existsSync(folder) ? findSegments(folder) : { segments: [], strange: [] };
}

/** What an earlier host left in `folder`; `strange` are files that cannot be what they say. */
export function findSegments(folder: string): { segments: Segment[]; strange: Damage[] } {
  const segments: Segment[] = [];
  const strange: Damage[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (name.endsWith('.damaged')) strange.push(setAside(name.slice(0, -'.damaged'.length)));
    const match = /^output-(\d{16})(?:\.raw|-(\d+)\.zst)$/.exec(name);
    if (!match) continue;
    const start = Number(match[1]);
    const before = segments.at(-1);
    // A crash between compressing and removing leaves both; the compressed one sorts first.
    if (before?.start === start && name.endsWith('.raw')) continue;
    const fileBytes = statSync(join(folder, name)).size;
    const isSealed = match[2] !== undefined;
    const bytes = isSealed ? Number(match[2]) : fileBytes;
    const isInOrder = !before || before.start + before.bytes <= start;
    if (isInOrder && Number.isSafeInteger(start + bytes)) segments.push({ start, bytes, fileBytes, isClosed: isSealed, isSealed });
    else strange.push({ file: name, reason: 'its place in the output is impossible, or taken by another file: it is not read' });
  }
  return { segments, strange };
}

/** An empty file to write to, in a folder that is made if missing. */
export async function newSegmentFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return open(path, 'w', 0o600);
  }
}

/** Removes it, with what stands beside it. */
export async function removeSegment(folder: string, segment: Segment): Promise<void> {
  await unlink(join(folder, segmentName(segment))).catch(() => {}); // gone already
  await removeBeside(folder, segment.start);
  await removeSums(folder, segment.start);
}

/** What tells of a segment that is gone, or holds something else; its checksums are another matter. */
export async function removeBeside(folder: string, start: number): Promise<void> {
  await removeTimes(folder, start);
  await removeSketch(folder, start);
}

/** The oldest ones, as many as must go so that the rest fits. The one that grows stays. */
export function beyondBudget(segments: readonly Segment[], budgetBytes: number): Segment[] {
  let total = segments.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
  return segments.slice(0, -1).filter(({ fileBytes }) => {
    const isBeyond = total > budgetBytes;
    total -= isBeyond ? fileBytes : 0;
    return isBeyond;
  });
}

/** Takes from `segments` what lies beyond the output's `end`: it is set aside, and cut off where a segment lies on both sides. */
export async function cutSegments(folder: string, segments: Segment[], end: number): Promise<Damage[]> {
  const aside: Damage[] = [];
  for (let last = segments.at(-1); last && last.start + last.bytes > end; last = segments.at(-1)) {
    const path = join(folder, segmentName(last));
    await removeBeside(folder, last.start); // of what was never printed
    if (last.start < end && !last.isSealed) {
      await truncate(path, end - last.start).catch(() => {}); // read as far as it counts all the same
      last.bytes = end - last.start;
      await cutSums(folder, last.start, last.bytes).catch(() => {}); // a disk that refuses that too
    } else {
      await rename(path, `${path}.damaged`).catch(() => {}); // gone
      await removeSums(folder, last.start);
      aside.push(setAside(segmentName(last)));
      segments.pop();
    }
  }
  const last = segments.at(-1);
  if (last) await removeSketch(folder, last.start); // it knows of what followed
  return aside;
}

/** Packs what a closed segment holds. Rejects where that is damaged, or the disk refuses: then it stays as it is. */
export async function sealSegment(folder: string, segment: Segment): Promise<void> {
  const raw = join(folder, segmentName(segment, 'raw'));
  const held = await readFile(raw);
  if (held.length < segment.bytes) throw new Error(`${raw} has ${held.length} of ${segment.bytes} bytes`);
  // Packed, what is damaged would have a right checksum.
  if (damageIn(await readSums(folder, segment.start), held).length > 0) throw new Error(`${raw} is damaged`);
  // A disk that refused a write, or to cut the file, may have left more in it than counts.
  const content = held.subarray(0, segment.bytes);
  const packed = await compress(content, { ...COMPRESSION, pledgedSrcSize: content.length });
  await storeSealed(join(folder, segmentName(segment, 'zst')), packed);
  segment.isSealed = true;
  segment.fileBytes = packed.length;
  await unlink(raw);
  await removeSums(folder, segment.start);
}

/** One at a time, whatever sessions they are of: a slow disk is not to hold all the threads that output is written in. */
let storing: Promise<void> = Promise.resolve();

/** Resolves when a power cut cannot take it any more. Rejects where the disk refuses, and leaves nothing of it then. */
function storeSealed(file: string, packed: Uint8Array): Promise<void> {
  const stored = storing.then(() => store(file, packed));
  storing = stored.catch(() => {}); // its caller is told
  return stored;
}

async function store(file: string, packed: Uint8Array): Promise<void> {
  const fresh = `${file}.new`;
  try {
    await writeFile(fresh, packed, { mode: 0o600, flush: true });
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => {}); // a disk that refuses that too
    throw error;
  }
  if (process.platform === 'win32') return; // folders cannot be opened there, and renames are logged
  const folder = await open(dirname(file), 'r');
  await folder.sync().finally(() => folder.close());
}

/** Rejects if it is not what was packed: zstd checks the content, the name its length. */
export async function unpackSegment(folder: string, segment: Segment): Promise<Uint8Array> {
  const packed = await readFile(join(folder, segmentName(segment, 'zst')));
  // In one piece: thousands of small ones would be copied together and thrown away.
  const most = Math.max(64, Math.min(segment.bytes + 1, MAX_SEGMENT_BYTES));
  const bytes = await decompress(packed, { maxOutputLength: most, chunkSize: most });
  if (bytes.length !== segment.bytes) throw new Error(`it holds ${bytes.length} bytes, not ${segment.bytes}`);
  return bytes;
}

/** Reads every segment and names what is damaged or missing; both may change meanwhile, as their owner goes on. */
export async function verifySegments(
  folder: string,
  { segments, storedEnd }: { segments: () => readonly Segment[]; storedEnd: () => number },
): Promise<Damage[]> {
  const damaged: Damage[] = [];
  const names = await readdir(folder).catch(() => []); // nothing was stored yet
  let end: number | null = null;
  for (const segment of [...segments()]) {
    if (end !== null && segment.start > end)
      damaged.push({ file: segmentName(segment), reason: `the output before it, from offset ${end} to ${segment.start}, is missing` });
    end = segment.start + segment.bytes;
    const faults = [...(await faultsOf(folder, segment)), ...(await verifyTimes(folder, segment.start))];
    // The oldest may have been dropped meanwhile.
    if (segments().includes(segment)) damaged.push(...faults);
  }
  const last = segments().at(-1);
  damaged.push(...leftBehind(names, last));
  const lost = { start: last ? last.start + last.bytes : 0, to: storedEnd() };
  if (lost.start < lost.to) {
    const file = segmentName({ start: lost.start, bytes: 0, isSealed: false });
    damaged.push({ file, reason: `the output from offset ${lost.start} to ${lost.to} could not be stored` });
  }
  return damaged;
}

/** What tells of output behind the `last` segment: of that one they would have been removed. */
function leftBehind(names: readonly string[], last: Segment | undefined): Damage[] {
  const isAside = (start: string) => names.some((name) => name.startsWith(`output-${start}`) && name.endsWith('.damaged'));
  return names.flatMap((file) => {
    const [, start] = /^(?:sums|marks)-(\d{16})$/.exec(file) ?? [];
    if (start === undefined || Number(start) <= (last?.start ?? -1) || isAside(start)) return [];
    return { file, reason: `the output that it tells of, from offset ${Number(start)} on, is gone` };
  });
}

async function faultsOf(folder: string, segment: Segment): Promise<Damage[]> {
  const { isSealed } = segment;
  try {
    if (!isSealed) return await verifyRaw(folder, segment);
    await unpackSegment(folder, segment);
    return [];
  } catch (error) {
    if (segment.isSealed !== isSealed) return faultsOf(folder, segment); // compressed meanwhile
    return [{ file: segmentName(segment), reason: `it cannot be read: ${(error as Error).message}` }];
  }
}
