/** Writes the checksums of a session's segments that are not packed, behind the output: what was stored is read back and summed. */
import { closeSync, existsSync, openSync, readSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { beginRecords, RECORD_BYTES, withEnd } from './record-file.ts';
import { MAX_SEGMENT_BYTES, type Segment, segmentName } from './segment.ts';
import { BLOCK_BYTES, encoded, readSums, type Sum, summedBytes, sumsName } from './segment-sums.ts';

/** Read back at once, bytes: their checksums take 0.1 ms. */
const PIECE_BYTES = 256 * 1024;
/** Up to here it is done on this thread, bytes: they were just written, and to wake another thread ten times costs more. */
const OWN_THREAD_BYTES = 16 * 1024;
/** Checksums follow so much later, milliseconds: what a flood packs meanwhile needs none, and nobody who types waits for one. */
const SUM_MS = 1_000;
/** One session at a time: a host that starts may find thousands, and what is printed needs the threads that read. */
let summing: Promise<void> = Promise.resolve();

export class SegmentSumming {
  readonly #folder: string;
  readonly #due: () => Promise<void>;
  #timer: NodeJS.Timeout | null = null;
  #hasGrown = false;
  /** Where the segment that grows is summed up to, and the checksum of its last block so far. */
  #grown: { readonly start: number; readonly to: number; readonly crc: number } | null = null;

  /** `due`: it is time to `sum`. Must not reject. */
  constructor({ folder, due }: { folder: string; due: () => Promise<void> }) {
    this.#folder = folder;
    this.#due = due;
  }

  /** This host has stored what has no checksum yet. */
  get hasGrown(): boolean {
    return this.#hasGrown;
  }

  /** Something was stored. */
  grown(): void {
    this.#hasGrown = true;
    this.soon();
  }

  /** At most once in a while, however often it is asked for. */
  soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      summing = summing.then(() => this.#due());
    }, SUM_MS).unref();
  }

  dispose(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Sums what has no checksum yet, as far as the disk takes it. */
  async sum(segments: readonly Segment[]): Promise<void> {
    this.#hasGrown = false;
    for (const segment of segments.filter(({ isSealed }) => !isSealed)) await this.#sum(segment).catch(() => {}); // packed, or no room
  }

  /** What was known of the files is not so any more. */
  forget(): void {
    this.#grown = null;
  }

  async #sum(segment: Segment): Promise<void> {
    const to = Math.min(segment.bytes, MAX_SEGMENT_BYTES);
    const isGrown = this.#grown?.start === segment.start; // else nobody knows how far its disk is
    const { from, crc } = await this.#begin(segment, to);
    // Kept until all that follows is written: of what a full disk has taken a part of, all is written again.
    this.#grown = { start: segment.start, to: from, crc };
    if (from >= to) return;
    const sums = new RunningSums(from, crc);
    const raw = join(this.#folder, segmentName(segment, 'raw'));
    const file = join(this.#folder, sumsName(segment.start));
    if (!existsSync(file)) beginRecords(file);
    if (isGrown && to - from <= OWN_THREAD_BYTES) {
      sums.take(readNow(raw, { from, to }));
      writeNow(file, sums);
    } else {
      await takeAll(raw, { from, to }, sums);
      const records = await open(file, 'r+');
      await records.write(sums.records, 0, sums.records.length, sums.firstBlock * RECORD_BYTES).finally(() => records.close());
    }
    this.#grown = { start: segment.start, to: sums.to, crc: sums.crc };
  }

  async #begin({ start }: Segment, to: number): Promise<{ from: number; crc: number }> {
    if (this.#grown?.start === start) return { from: this.#grown.to, crc: this.#grown.crc };
    const sums = await readSums(this.#folder, start);
    const { blocks, isCut } = sums;
    // What has lost its checksum is not summed anew: what it is now may not be what was printed.
    const known = Math.max(blocks.length, isCut ? Math.ceil(to / BLOCK_BYTES) : 0);
    if (isCut || blocks.at(-1) === null) return { from: known * BLOCK_BYTES, crc: 0 };
    const from = summedBytes(sums);
    return { from, crc: blocks[Math.floor(from / BLOCK_BYTES)]?.crc ?? 0 };
  }
}

/** Checksums carried on from a place in a segment; `crc`: of the block there, up to it. Pure. */
class RunningSums {
  readonly firstBlock: number;
  readonly #whole: Buffer[] = [];
  #block: number;
  #sum: Sum;

  constructor(from: number, crc: number) {
    this.firstBlock = Math.floor(from / BLOCK_BYTES);
    this.#block = this.firstBlock;
    this.#sum = { bytes: from % BLOCK_BYTES, crc };
  }

  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + BLOCK_BYTES - this.#sum.bytes);
      this.#sum = { bytes: this.#sum.bytes + part.length, crc: crc32(part, this.#sum.crc) };
      at += part.length;
      if (this.#sum.bytes < BLOCK_BYTES) continue;
      this.#whole.push(encoded(this.#block++, this.#sum));
      this.#sum = { bytes: 0, crc: 0 };
    }
  }

  get to(): number {
    return this.#block * BLOCK_BYTES + this.#sum.bytes;
  }
  /** Of the last block so far. */
  get crc(): number {
    return this.#sum.crc;
  }
  /** As they are written. */
  get records(): Buffer {
    return withEnd(...this.#whole, ...(this.#sum.bytes > 0 ? [encoded(this.#block, this.#sum)] : []));
  }
}

async function takeAll(raw: string, { from, to }: { from: number; to: number }, sums: RunningSums): Promise<void> {
  const file = await open(raw);
  try {
    const buffer = Buffer.alloc(Math.min(PIECE_BYTES, to - from));
    for (let at = from; at < to; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - at), at);
      if (bytesRead === 0) return; // cut off meanwhile
      sums.take(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

function readNow(raw: string, { from, to }: { from: number; to: number }): Uint8Array {
  const fd = openSync(raw, 'r');
  try {
    const buffer = Buffer.alloc(to - from);
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, from));
  } finally {
    closeSync(fd);
  }
}

function writeNow(file: string, { records, firstBlock }: RunningSums): void {
  const fd = openSync(file, 'r+');
  try {
    writeSync(fd, records, 0, records.length, firstBlock * RECORD_BYTES);
  } finally {
    closeSync(fd);
  }
}
