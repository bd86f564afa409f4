/**
 * When a segment's output came: a mark for every 50 ms or 4 KiB of it, in a file beside the segment, written with the
 * output and as safe from a crash. A segment that fills slowly gets coarser marks, so that they stay few.
 *
 *   for each mark: u32 place in the segment · f64 Unix time in milliseconds · u32 CRC-32 of both
 *
 * Earlier hosts kept them in a file of another name, without checksums; a session that they had for a while has both.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Damage } from './segment.ts';

/** Marks are this far apart in time, milliseconds… */
const MARK_MS = 50;
/** …or in output, bytes. */
const MARK_BYTES = 4 * 1024;
/** After so many marks of one segment they are twice as far apart: two days of a spinner make 42 000, half a megabyte. */
const COARSER_AFTER = 4096;
/** Of a mark, and what its checksum is of. */
const [RECORD_BYTES, SUMMED_BYTES] = [16, 12];
/** Read at most, marks: what claims more is damaged. */
const MAX_MARKS = 200_000;

/** Output from `offset` on came at `at`, Unix time in milliseconds, or later. */
export type TimeMark = { readonly offset: number; readonly at: number };

/** Writes the marks of the segment that grows. A disk that refuses costs the times, never the output. */
export class SegmentTimes {
  readonly #folder: string;
  #open: { start: number; fd: number; count: number; offset: number; at: number } | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Output at `offset`, in the segment that begins at `start`, came at `at`. */
  mark(start: number, offset: number, at: number): void {
    try {
      const open = this.#open?.start === start ? this.#open : this.#begin(start);
      const apartMs = MARK_MS * 2 ** Math.floor(open.count / COARSER_AFTER);
      if (open.count > 0 && at >= open.at && at - open.at < apartMs && offset - open.offset < MARK_BYTES) return;
      const record = Buffer.allocUnsafe(RECORD_BYTES);
      record.writeUInt32LE(offset - start, 0);
      record.writeDoubleLE(at, 4);
      record.writeUInt32LE(crc32(record.subarray(0, SUMMED_BYTES)), SUMMED_BYTES);
      writeSync(open.fd, record);
      open.count++;
      open.offset = offset;
      open.at = at;
    } catch {
      this.close(); // the output log tells of a full disk
    }
  }

  close(): void {
    if (this.#open) closeSync(this.#open.fd);
    this.#open = null;
  }

  #begin(start: number) {
    this.close();
    const fd = openSync(timesFile(this.#folder, start), 'a', 0o600);
    const { size } = fstatSync(fd);
    // A host that was killed may have left half a record.
    if (size % RECORD_BYTES !== 0) ftruncateSync(fd, size - (size % RECORD_BYTES));
    const open = { start, fd, count: Math.floor(size / RECORD_BYTES), offset: start, at: Number.NEGATIVE_INFINITY };
    this.#open = open;
    return open;
  }
}

/** The marks of a segment of so many bytes, in order: those that are kept and not damaged. */
export async function readTimes(folder: string, segment: { start: number; bytes: number }): Promise<TimeMark[]> {
  const { marks: unsummed } = await readMarks(unsummedFile(folder, segment.start), SUMMED_BYTES);
  const { marks: summed } = await readMarks(timesFile(folder, segment.start), RECORD_BYTES);
  const marks: TimeMark[] = [];
  let [offset, at] = [segment.start - 1, 0];
  for (const mark of [...unsummed, ...summed].sort((a, b) => a.offset - b.offset)) {
    const next = segment.start + mark.offset;
    if (next <= offset || next >= segment.start + segment.bytes || !Number.isFinite(mark.at)) continue;
    offset = next;
    // A clock that was set back must not make time run backwards.
    at = Math.max(at, mark.at);
    marks.push({ offset, at });
  }
  return marks;
}

/** What is damaged of them. */
export async function verifyTimes(folder: string, start: number): Promise<Damage[]> {
  const { marks, damaged } = await readMarks(timesFile(folder, start), RECORD_BYTES);
  if (damaged === 0) return [];
  const reason = `${damaged} of its ${damaged + marks.length} times are damaged: that output seems to have come with what came before it`;
  return [{ file: timesName(start), reason }];
}

/** Marks by their place in the segment, as they were written, and how many are damaged. None where there is no such file. */
async function readMarks(path: string, recordBytes: number): Promise<{ marks: TimeMark[]; damaged: number }> {
  const marks: TimeMark[] = [];
  let damaged = 0;
  const file = await open(path).catch(() => null); // another version wrote it, or nothing came yet
  try {
    const { size } = (await file?.stat()) ?? { size: 0 };
    const records = Buffer.alloc(Math.min(size, MAX_MARKS * recordBytes));
    if (size % recordBytes !== 0) damaged++; // cut off
    const { bytesRead } = (await file?.read(records, { position: 0 })) ?? { bytesRead: 0 };
    for (let place = 0; place + recordBytes <= bytesRead; place += recordBytes) {
      const summed = records.subarray(place, place + SUMMED_BYTES);
      if (recordBytes === SUMMED_BYTES || records.readUInt32LE(place + SUMMED_BYTES) === crc32(summed))
        marks.push({ offset: summed.readUInt32LE(0), at: summed.readDoubleLE(4) });
      else damaged++;
    }
  } catch {
    // the disk cannot give it back
  } finally {
    await file?.close();
  }
  return { marks, damaged };
}

/** Those that tell of output from `from` on: the one before it tells of `from` itself. */
export function marksFrom(marks: readonly TimeMark[], from: number): TimeMark[] {
  const before = marks.findLastIndex(({ offset }) => offset <= from);
  return marks.slice(Math.max(0, before));
}

/** The segment is gone, and with it of what use they were. */
export async function removeTimes(folder: string, start: number): Promise<void> {
  for (const file of [timesFile(folder, start), unsummedFile(folder, start)]) await unlink(file).catch(() => {}); // not kept
}

const digits = (start: number) => String(start).padStart(16, '0');
const timesName = (start: number) => `marks-${digits(start)}`;
const timesFile = (folder: string, start: number) => join(folder, timesName(start));
const unsummedFile = (folder: string, start: number) => join(folder, `times-${digits(start)}`);
