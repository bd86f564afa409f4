/**
 * The last bytes a session has printed, addressed by absolute offset. Pure: no clock, no I/O.
 *
 * Invariant 1: byte n is the same byte for ever; an append continues where the last one ended or is refused.
 */
import type { Offset } from '#protocol/ids.ts';

export class OutputRing {
  /** Appended chunks in order, never copied; a reader's slices point into them. */
  #chunks: { offset: number; bytes: Uint8Array }[] = [];
  #start: number;
  #end: number;
  readonly #capacityBytes: number;

  /** `start`: offset of the first byte to come. */
  constructor(options: { start: Offset; capacityBytes: number }) {
    this.#start = options.start;
    this.#end = options.start;
    this.#capacityBytes = options.capacityBytes;
  }

  /** Offset of the oldest byte held. */
  get start(): Offset {
    return this.#start as Offset;
  }
  /** Offset after the newest byte. */
  get end(): Offset {
    return this.#end as Offset;
  }
  get heldBytes(): number {
    return this.#end - this.#start;
  }

  /** Keeps `bytes`, which must not be changed afterwards; the oldest go beyond the capacity. */
  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push({ offset: this.#end, bytes });
    this.#end += bytes.length;
    this.dropBefore(Math.max(this.#start, this.#end - this.#capacityBytes) as Offset);
  }

  /** Goes on at `offset`, which must not be before the end: what lies between is not held, and neither is what was. */
  jump(offset: Offset): void {
    if (offset < this.#end) throw new RangeError(`offset ${offset} is before the end ${this.#end}`);
    this.#chunks = [];
    this.#start = offset;
    this.#end = offset;
  }

  /** Forgets bytes before `offset`; offsets outside what is held are brought inside. */
  dropBefore(offset: Offset): void {
    if (offset <= this.#start) return;
    this.#start = Math.min(offset, this.#end);
    let dead = 0;
    for (const { offset: at, bytes } of this.#chunks) {
      if (at + bytes.length > this.#start) break;
      dead++;
    }
    if (dead > 0) this.#chunks.splice(0, dead);
  }

  /**
   * Contiguous bytes from `from`, at most `max`, as a view that ends at a chunk's end at the latest; empty at the end.
   * Throws RangeError if `from` is not within start … end: the caller must fall back to a snapshot.
   */
  read(from: Offset, max: number): Uint8Array {
    if (from < this.#start || from > this.#end) throw new RangeError(`offset ${from} is outside ${this.#start}–${this.#end}`);
    if (from === this.#end) return new Uint8Array(0);
    const chunk = this.#chunks[this.#find(from)];
    if (!chunk) return new Uint8Array(0);
    const begin = from - chunk.offset;
    return chunk.bytes.subarray(begin, Math.min(chunk.bytes.length, begin + max));
  }

  /** The same across chunks: views that follow one another, together `max` bytes or what there is. */
  readParts(from: Offset, max: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    const end = Math.min(this.#end, from + max);
    for (let at = from as number; at < end; ) {
      const part = this.read(at as Offset, end - at);
      parts.push(part);
      at += part.length;
    }
    return parts;
  }

  /** Index of the chunk that holds `offset`, by bisection: thousands of chunks fit in a ring. */
  #find(offset: number): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#chunks[middle]?.offset ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
