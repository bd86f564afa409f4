/**
 * When a segment's output came: a mark for every 50 ms or 4 KiB of it, in a file beside the segment, written with the
 * output and as safe from a crash. A segment that fills slowly gets coarser marks, so that they stay few.
 *
 *   for each mark: u32 place in the segment · f64 Unix time in milliseconds · u32 CRC-32 of both
 *   (behind the last one: see `record-file.ts`)
 *
 * Earlier hosts kept them in a file of another name, without checksums; a session that they had for a while has both.
 */
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { beginRecords, nextPlace, RECORD_BYTES, readRecords, withEnd } from './record-file.ts';
import type { Damage } from './segment.ts';

/** Marks are this far apart in time, milliseconds… */
const MARK_MS = 50;
/** …or in output, bytes. */
const MARK_BYTES = 4 * 1024;
/** After so many marks of one segment they are twice as far apart: two days of a spinner make 42 000, half a megabyte. */
const COARSER_AFTER = 4096;
/** What a mark's checksum is of: with an earlier host, all of it. */
const SUMMED_BYTES = 12;
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
      const bytes = withEnd(record);
      if (writeSync(open.fd, bytes, 0, bytes.length, open.count * RECORD_BYTES) < bytes.length) throw new Error('no room');
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
    const file = timesFile(this.#folder, start);
    if (!existsSync(file)) beginRecords(file);
    const fd = openSync(file, 'r+');
    const open = { start, fd, count: nextPlace(fd) / RECORD_BYTES, offset: start, at: Number.NEGATIVE_INFINITY };
    this.#open = open;
    return open;
  }
}

/** The marks of a segment of so many bytes, in order: those that are kept and not damaged. */
export async function readTimes(folder: string, segment: { start: number; bytes: number }): Promise<TimeMark[]> {
  const unsummed = await readUnsummed(unsummedFile(folder, segment.start));
  const { marks: summed } = await readMarks(timesFile(folder, segment.start));
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
  const { marks, damaged, isCut } = await readMarks(timesFile(folder, start));
  const lost = 'output whose time is lost seems to have come with what came before it';
  if (damaged > 0) return [{ file: timesName(start), reason: `${damaged} of its ${damaged + marks.length} times are damaged: ${lost}` }];
  return isCut ? [{ file: timesName(start), reason: `it was cut off, behind ${marks.length} times: ${lost}` }] : [];
}

/** Marks by their place in the segment, as they were written, and how many are damaged. None where there is no such file. */
async function readMarks(path: string): Promise<{ marks: TimeMark[]; damaged: number; isCut: boolean }> {
  const found = await readRecords(path, MAX_MARKS);
  const marks: TimeMark[] = [];
  let damaged = 0;
  for (let place = 0; place < (found?.records.length ?? 0); place += RECORD_BYTES) {
    const record = found?.records.subarray(place, place + RECORD_BYTES) as Buffer;
    if (record.readUInt32LE(SUMMED_BYTES) === crc32(record.subarray(0, SUMMED_BYTES))) marks.push(markIn(record));
    else damaged++;
  }
  return { marks, damaged, isCut: found !== null && found.end !== 'mark' };
}

/** Those of an earlier host, without checksums and without an end. */
async function readUnsummed(path: string): Promise<TimeMark[]> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0)); // this version wrote it all, or nothing came yet
  const count = Math.min(MAX_MARKS, Math.floor(bytes.length / SUMMED_BYTES));
  return Array.from({ length: count }, (_, index) => markIn(bytes.subarray(index * SUMMED_BYTES)));
}

const markIn = (record: Buffer): TimeMark => ({ offset: record.readUInt32LE(0), at: record.readDoubleLE(4) });

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
