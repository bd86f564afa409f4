/**
 * When a segment's output came: a mark for every 50 ms or 4 KiB of it, in a file beside the segment, written with the
 * output and as safe from a crash. A segment that fills slowly gets coarser marks, so that they stay few.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Marks are this far apart in time, milliseconds… */
const MARK_MS = 50;
/** …or in output, bytes. */
const MARK_BYTES = 4 * 1024;
/** After so many marks of one segment they are twice as far apart: two days of a spinner make 42 000, half a megabyte. */
const COARSER_AFTER = 4096;
/** A mark in its file: u32 place in the segment, f64 Unix time in milliseconds. */
const RECORD_BYTES = 12;
/** What claims more is damaged, marks. */
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

/** The marks of a segment of so many bytes, in order; none where they are not kept, or damaged. */
export async function readTimes(folder: string, segment: { start: number; bytes: number }): Promise<TimeMark[]> {
  const records = await readFile(timesFile(folder, segment.start)).catch(() => Buffer.alloc(0)); // an older host wrote it
  const marks: TimeMark[] = [];
  let [offset, at] = [segment.start - 1, 0];
  for (let place = 0; place + RECORD_BYTES <= records.length && marks.length < MAX_MARKS; place += RECORD_BYTES) {
    const next = segment.start + records.readUInt32LE(place);
    const time = records.readDoubleLE(place + 4);
    if (next <= offset || next >= segment.start + segment.bytes || !Number.isFinite(time)) continue;
    offset = next;
    // A clock that was set back must not make time run backwards.
    at = Math.max(at, time);
    marks.push({ offset, at });
  }
  return marks;
}

/** Those that tell of output from `from` on: the one before it tells of `from` itself. */
export function marksFrom(marks: readonly TimeMark[], from: number): TimeMark[] {
  const before = marks.findLastIndex(({ offset }) => offset <= from);
  return marks.slice(Math.max(0, before));
}

/** The segment is gone, and with it of what use they were. */
export async function removeTimes(folder: string, start: number): Promise<void> {
  await unlink(timesFile(folder, start)).catch(() => {}); // an older host kept none
}

const timesFile = (folder: string, start: number) => join(folder, `times-${String(start).padStart(16, '0')}`);
