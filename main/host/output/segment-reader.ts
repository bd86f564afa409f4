/** Reads a session's segments, packed or not, and remembers where those are damaged that are not. */
import { readRaw } from './raw-segment.ts';
import type { Segment } from './segment.ts';
import { unpackSegment } from './segment-files.ts';
import { BLOCK_BYTES } from './segment-sums.ts';

export class SegmentReader {
  readonly #folder: string;
  #unpacked: { start: number; bytes: Uint8Array } | null = null;
  /** Offsets of blocks that were read and are damaged. */
  readonly #damaged = new Set<number>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** At most `max` bytes from offset `from` on, which lies in `segment`; null where that is damaged, or gone. */
  async read(segment: Segment, from: number, max: number): Promise<Uint8Array | null> {
    const begin = from - segment.start;
    const length = Math.min(max, segment.bytes - begin);
    if (segment.isSealed) {
      if (this.#unpacked?.start !== segment.start) {
        const bytes = await unpackSegment(this.#folder, segment).catch(() => null); // damaged: `verify` names it
        if (!bytes) return null;
        this.#unpacked = { start: segment.start, bytes };
      }
      return this.#unpacked.bytes.slice(begin, begin + length);
    }
    const piece = await readRaw(this.#folder, segment, { from: begin, max: length }).catch(() => null);
    // Compressed meanwhile; or the disk cannot give it back: a hole, as where a sealed one is damaged.
    if (!piece) return segment.isSealed ? this.read(segment, from, max) : null;
    for (const damaged of piece.damaged)
      for (let at = damaged.from; at < damaged.to; at += BLOCK_BYTES) this.#damaged.add(segment.start + at);
    const intact = piece.bytes.subarray(0, Math.max(0, (piece.damaged[0]?.from ?? segment.bytes) - begin));
    return intact.length > 0 ? intact : null;
  }

  /** Where reading goes on behind what `read` did not give at `from`: behind damaged blocks, or the segment's end. */
  behind({ start, bytes }: Segment, from: number): number {
    let intact = from - ((from - start) % BLOCK_BYTES);
    while (this.#damaged.has(intact)) intact += BLOCK_BYTES;
    return intact > from ? Math.min(intact, start + bytes) : start + bytes;
  }
}
