/**
 * The stretches in which a session's output is looked through, one a segment, each with the line it shares with the next.
 * Searches and sketches read them here, so that a sketch tells of exactly what a search would read.
 */

import type { Segment } from '../output/segment.ts';
import { segmentContent } from '../output/segment-content.ts';

/** A line that begins in one segment and ends in the next is looked for in both together, up to this many bytes of the second. */
const MAX_LINE_BYTES = 64 * 1024;
/** Where that has no line end at all, so much is seen from both sides, bytes. */
const OVERLAP_BYTES = 4 * 1024;

const LINE_END = 0x0a;

export type Stretch = {
  /** The segment, and behind it the end of its last line. */
  readonly joined: Uint8Array;
  /** Of `joined`, the segment's own. */
  readonly ownBytes: number;
  /** Where its first own line begins: what is before belongs to the stretch before. */
  readonly firstLine: number;
  /** Whether `joined` ends with its line. */
  readonly isWholeLine: boolean;
};

export class Stretches {
  readonly #folder: string;
  readonly #segments: readonly Segment[];
  /** Of the segment read last. */
  #head: { start: number; bytes: Uint8Array } | null = null;

  constructor(folder: string, segments: readonly Segment[]) {
    this.#folder = folder;
    this.#segments = segments;
  }

  /** The segment that goes on where this one ends. */
  following(index: number): Segment | null {
    const [segment, next] = [this.#segments[index], this.#segments[index + 1]];
    return segment && next && segment.start + segment.bytes === next.start ? next : null;
  }

  /** Null where the segment is damaged, or gone. In falling order each is read once. */
  async read(index: number): Promise<Stretch | null> {
    const segment = this.#segments[index];
    const bytes = segment ? ((await segmentContent(this.#folder, segment))?.bytes ?? null) : null;
    if (!segment || !bytes) return null;
    const head = await this.#headBehind(index, segment.start + bytes.length);
    const isPreceded = this.following(index - 1) !== null;
    this.#head = { start: segment.start, bytes: headOf(bytes) };
    return {
      joined: head ? Buffer.concat([bytes, head]) : bytes,
      ownBytes: bytes.length,
      firstLine: isPreceded ? firstLineOf(bytes) : 0,
      isWholeLine: head?.at(-1) === LINE_END,
    };
  }

  async #headBehind(index: number, end: number): Promise<Uint8Array | null> {
    const next = this.following(index);
    if (next?.start !== end) return null;
    if (this.#head?.start !== end) {
      const content = await segmentContent(this.#folder, next);
      this.#head = content && { start: end, bytes: headOf(content.bytes) };
    }
    return this.#head?.bytes ?? null;
  }
}

const firstLineOf = (bytes: Uint8Array) => bytes.subarray(0, MAX_LINE_BYTES).indexOf(LINE_END) + 1;

function headOf(bytes: Uint8Array): Uint8Array {
  return bytes.slice(0, firstLineOf(bytes) || OVERLAP_BYTES);
}
