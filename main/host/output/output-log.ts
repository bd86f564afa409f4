/**
 * A session's output on disk: segments by offset, the oldest dropped beyond a budget.
 *
 * `append` returns at once; `stored` tells how far the bytes are in the operating system's hands, where a crash of this
 * process cannot lose them: only then may the keeper forget them (invariant 6). A full segment is compressed;
 * checksums of one that grows follow it.
 * When the disk refuses, the session goes on without: `problem` says so, and reading names what is missing. The newest of
 * it stays with the keeper, from which the next host has it.
 */
import { writevSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Offset } from '#protocol/ids.ts';
import { remedyOf } from '../disk-refusal.ts';
import { verifySketches } from '../sketches/sketch-file.ts';
import { GatheredOutput } from './gathered-output.ts';
import { type Damage, type Segment, segmentName } from './segment.ts';
import { beyondBudget, cutSegments, newSegmentFile, openFolder, removeSegment, sealSegment, verifySegments } from './segment-files.ts';
import { SegmentReader } from './segment-reader.ts';
import { SegmentSumming } from './segment-summing.ts';
import { marksFrom, readTimes, SegmentTimes, type TimeMark } from './segment-times.ts';

/** Raw bytes of a segment, bytes: small enough to decompress for one read, large enough to compress well. */
const SEGMENT_BYTES = 2 * 1024 * 1024;
/** Small output is written together, at most this late, milliseconds: until then the keeper has it. As exact as its times are. */
const GATHER_MS = 50;
/** This much is written at once, bytes. */
const GATHER_BYTES = 128 * 1024;
/** Up to here a write is made on this thread, bytes: it is a copy to memory, and to wake another thread costs more. */
const OWN_THREAD_BYTES = 16 * 1024;
/** What the disk refuses is left to the keeper so far, bytes: a screen with what was above it, an eighth of what it holds. */
const HELD_BACK_BYTES = 256 * 1024;

export type OutputLogOptions = {
  folder: string;
  /** Asked each time: it can be changed. */
  budgetBytes: () => number;
  /** Unix time, milliseconds. */
  wallNow: () => number;
  stored: (offset: Offset) => void;
  problem: (sentence: string | null) => void;
  /** A full segment has its last form. */
  sealed?: () => void;
};

export class OutputLog {
  readonly #options: OutputLogOptions;
  #segments: Segment[];
  #file: FileHandle | null = null;
  readonly #pending = new GatheredOutput();
  readonly #times: SegmentTimes;
  #end: number;
  #storedEnd: number;
  /** The keeper may forget it up to here. */
  #released: number;
  #timer: NodeJS.Timeout | null = null;
  #work: Promise<void> = Promise.resolve();
  /** What follows the writes, one step at a time: the threads that pack and sum are those that write. */
  #behind: Promise<void> = Promise.resolve();
  /** Closed, and about to be packed: they need no checksums. */
  readonly #toPack = new Set<Segment>();
  readonly #sums: SegmentSumming;
  #isDisposed = false;
  #isWriting = false;
  #isBroken = false;
  readonly #reader: SegmentReader;
  /** Files that cannot be what they say, left where they are. */
  readonly #strange: Damage[];

  private constructor(options: OutputLogOptions, segments: Segment[], strange: Damage[]) {
    this.#options = options;
    this.#times = new SegmentTimes(options.folder);
    this.#reader = new SegmentReader(options.folder);
    this.#sums = new SegmentSumming({ folder: options.folder, due: () => this.#sum() });
    this.#segments = segments;
    this.#strange = strange;
    const last = segments.at(-1);
    this.#end = last ? last.start + last.bytes : 0;
    this.#storedEnd = this.#end;
    this.#released = this.#end;
  }

  /** Reads what an earlier host left in `folder`, which is made if missing: now, or where the disk refuses, with the first output. */
  static async open(options: OutputLogOptions): Promise<OutputLog> {
    const { segments, strange } = openFolder(options.folder);
    const log = new OutputLog(options, segments, strange);
    // A host that crashed did not come to it, an older one knew nothing of it.
    if (segments.some(({ isSealed, bytes }) => !isSealed && bytes > 0)) log.#sums.soon();
    return log;
  }

  /** Offset of the oldest byte that is on disk, or on its way there. */
  get start(): Offset {
    return (this.#segments[0]?.start ?? this.#storedEnd) as Offset;
  }
  /** Offset after the newest byte appended. */
  get end(): Offset {
    return this.#end as Offset;
  }
  /** Appended and not yet stored, bytes. */
  get backlogBytes(): number {
    return this.#end - this.#storedEnd;
  }

  append(offset: Offset, bytes: Uint8Array): void {
    this.#pending.add(offset, bytes, this.#options.wallNow);
    this.#end = offset + bytes.length;
    if (this.#pending.bytes >= GATHER_BYTES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  /** Up to `max` contiguous bytes from `from`; null where they are not held. Reads what is stored, waits for what is not. */
  async read(from: Offset, max: number): Promise<Uint8Array | null> {
    if (Math.min(from + max, this.#end) > this.#storedEnd) await this.flushed();
    const segment = this.#segments.findLast(({ start }) => start <= from);
    if (!segment || from >= segment.start + segment.bytes) return null;
    return this.#reader.read(segment, from, max);
  }

  /** Where reading goes on behind what `read` did not give at `from`: behind damaged blocks, else at the next segment, or the end. */
  next(from: Offset): Offset {
    const segment = this.#segments.findLast(({ start }) => start <= from);
    const behind = segment && this.#reader.behind(segment, from);
    if (segment && behind && behind > from && behind < segment.start + segment.bytes) return behind as Offset;
    return (this.#segments.find(({ start }) => start > from)?.start ?? this.#end) as Offset;
  }

  /** When output from `from` on came, as far as it was kept: marks of one segment at a time, and where the next begins. */
  async times(from: Offset): Promise<{ marks: TimeMark[]; to: Offset } | null> {
    const segment = this.#segments.find(({ start, bytes }) => start + bytes > from);
    if (!segment) return null;
    const marks = await readTimes(this.#options.folder, segment);
    return { marks: marksFrom(marks, from), to: (segment.start + segment.bytes) as Offset };
  }

  /** The keeper has seen no output beyond `end`: what the disk has there is not its output, and is set aside. */
  cut(end: Offset): Promise<void> {
    this.#behind = this.#behind.then(() => this.#cut(end));
    return this.#behind;
  }

  /** Reads what is stored and names what is damaged or missing. */
  async verify(): Promise<Damage[]> {
    const { folder } = this.#options;
    const damaged = await verifySegments(folder, { segments: () => this.#segments, storedEnd: () => this.#storedEnd });
    return [...this.#strange, ...damaged, ...(await verifySketches(folder))];
  }

  /** Resolves when everything appended so far is stored, or was given up. */
  async flushed(): Promise<void> {
    const end = this.#end;
    while (this.#storedEnd < end) {
      this.#flush();
      await this.#work;
    }
  }

  /** Resolves when everything appended so far is stored with its checksums, as far as the disk takes them. */
  async summed(): Promise<void> {
    await this.flushed();
    await this.#sum();
  }

  /** Files of segments that lie beyond the budget, bytes. */
  get excessBytes(): number {
    return beyondBudget(this.#segments, this.#options.budgetBytes()).reduce((sum, { fileBytes }) => sum + fileBytes, 0);
  }

  /** Drops what lies beyond the budget. */
  async trim(): Promise<void> {
    await this.#behind;
    await this.#enforceBudget();
  }

  /** Removes the session's folder. */
  async erase(): Promise<void> {
    // Again where a sketch came into it meanwhile.
    await rm(this.#options.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }

  async dispose(): Promise<void> {
    await this.flushed();
    await this.#file?.close();
    this.#file = null;
    this.#times.close();
    if (this.#sums.hasGrown) void this.#sum();
    this.#sums.dispose();
    this.#isDisposed = true;
    await this.#behind; // the next host must not find files that change
  }

  #flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#isWriting || this.#pending.bytes === 0) return;
    this.#isWriting = true;
    this.#work = this.#write().finally(() => {
      this.#isWriting = false;
      if (this.#pending.bytes >= GATHER_BYTES) this.#flush();
      else if (this.#pending.bytes > 0) this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
    });
  }

  async #write(): Promise<void> {
    const { start, parts, bytes, since } = this.#pending.takeRun(this.#end, this.#options.wallNow);
    const end = start + bytes;
    let released = end;
    try {
      let segment = this.#segments.at(-1);
      // Output the last host had not stored went with it: the hole stays visible as a jump between segments.
      if (segment && segment.start + segment.bytes !== start) this.#seal();
      if (!segment || segment.isClosed || !this.#file) {
        if (segment && !segment.isClosed) this.#file = await open(this.#path(segment, 'raw'), 'a', 0o600);
        else {
          segment = { start, bytes: 0, fileBytes: 0, isClosed: false, isSealed: false };
          this.#file = await newSegmentFile(this.#path(segment, 'raw'));
          this.#segments.push(segment);
        }
      }
      const file = this.#file;
      const bytesWritten = bytes <= OWN_THREAD_BYTES ? writevSync(file.fd, parts) : (await file.writev(parts)).bytesWritten;
      segment.bytes += bytesWritten;
      segment.fileBytes += bytesWritten;
      if (bytesWritten > 0) this.#times.mark(segment.start, start, since);
      this.#sums.grown();
      if (bytesWritten !== bytes) throw new Error(`only ${bytesWritten} of ${bytes} bytes were taken`);
      if (segment.bytes >= SEGMENT_BYTES) this.#seal();
      if (this.#isBroken) this.#options.problem(null);
      this.#isBroken = false;
    } catch (error) {
      this.#isBroken = true;
      this.#seal(); // what comes next begins a new segment, after the hole
      released = end - HELD_BACK_BYTES;
      const remedy = remedyOf(error, this.#options.folder);
      this.#options.problem(`output cannot be stored (${(error as Error).message}): ${remedy}; the session goes on`);
    }
    this.#storedEnd = Math.max(this.#storedEnd, end);
    this.#released = Math.max(this.#released, released);
    this.#options.stored(this.#released as Offset);
  }

  /** Ends the segment being written, at once for whoever writes next, and compresses it behind the writes that follow. */
  #seal(): void {
    const segment = this.#segments.at(-1);
    const file = this.#file;
    this.#file = null;
    if (segment) segment.isClosed = true;
    if (!file || !segment) return;
    this.#toPack.add(segment);
    this.#behind = this.#behind
      .then(() => file.close())
      .then(
        () => this.#compress(segment),
        () => {}, // its content was written; it stays as a raw segment
      )
      .then(() => void this.#toPack.delete(segment));
  }

  async #compress(segment: Segment): Promise<void> {
    try {
      await sealSegment(this.#options.folder, segment);
      this.#options.sealed?.();
      await this.#enforceBudget();
    } catch {
      // It stays as a raw segment, which is read as well; the next write tells what is wrong with the disk.
    }
  }

  #sum(): Promise<void> {
    if (this.#isDisposed) return this.#behind;
    this.#behind = this.#behind.then(() => this.#sums.sum(this.#segments.filter((segment) => !this.#toPack.has(segment))));
    return this.#behind;
  }

  async #enforceBudget(): Promise<void> {
    for (const segment of beyondBudget(this.#segments, this.#options.budgetBytes())) {
      this.#segments.shift();
      await removeSegment(this.#options.folder, segment);
    }
  }

  async #cut(end: Offset): Promise<void> {
    this.#sums.forget();
    this.#strange.push(...(await cutSegments(this.#options.folder, this.#segments, end)));
    const last = this.#segments.at(-1);
    this.#end = last ? last.start + last.bytes : 0;
    this.#storedEnd = this.#end;
    this.#released = this.#end;
  }

  #path(segment: Segment, form?: 'raw' | 'zst'): string {
    return join(this.#options.folder, segmentName(segment, form));
  }
}
