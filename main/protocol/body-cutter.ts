/** Cuts a byte stream into the bodies of `u32le length · body` frames. Pure: used by the client wire and the keeper wire. */
import { CmdopError } from './errors.ts';
import { readUint32 } from './integers.ts';

/** A longer chunk is cut as its frames are asked for, bytes: what is in it may have to wait. */
const MAX_WHOLE_BYTES = 4096;

/** Bodies are views into what was pushed where one lies whole in a chunk, copies where it spans chunks. */
export class BodyCutter {
  readonly #held = new Accumulator();
  readonly #maxBodyBytes: number;

  constructor(maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Nothing of an unfinished frame is held. */
  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** Bytes that the frame which is begun still needs, or its length does. */
  get missing(): number {
    const head = this.#held.peek(4);
    return head ? 4 + this.#lengthOf(head) - this.#held.length : 4 - this.#held.length;
  }

  /**
   * What `push` would answer of a short chunk that is whole frames, as keystrokes and their echoes are: all at once, for less
   * than it takes to begin to iterate. Null for any other chunk, of which nothing is taken.
   */
  whole(chunk: Uint8Array): Uint8Array[] | null {
    if (!this.isEmpty || chunk.length > MAX_WHOLE_BYTES) return null;
    const bodies: Uint8Array[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (at + 4 > chunk.length) return null;
      const end = at + 4 + readUint32(chunk, at);
      if (end === at + 4 || end > chunk.length || end - at > this.#maxBodyBytes) return null;
      bodies.push(chunk.subarray(at + 4, end));
      at = end;
    }
    return bodies;
  }

  /** Throws `bad-frame` on a length outside 1 … maxBodyBytes, after which the stream must be closed. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let rest = chunk;
    // Nearly always a chunk is whole frames, and nothing is held.
    while (this.isEmpty && rest.length >= 4) {
      const end = 4 + this.#lengthOf(rest);
      if (end > rest.length) break;
      const body = rest.subarray(4, end);
      rest = rest.subarray(end);
      yield body;
    }
    this.#held.push(rest);
    for (;;) {
      const head = this.#held.peek(4);
      const frame = head && this.#held.take(4 + this.#lengthOf(head));
      if (!frame) return;
      yield frame.subarray(4);
    }
  }

  #lengthOf(frame: Uint8Array): number {
    const length = readUint32(frame, 0);
    if (length >= 1 && length <= this.#maxBodyBytes) return length;
    throw new CmdopError('bad-frame', `frame of ${length} bytes, allowed are 1 to ${this.#maxBodyBytes}: the stream is closed`);
  }
}

/** Holds chunks until enough bytes for the next piece are there; copies only pieces that span chunks. */
class Accumulator {
  #chunks: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next `count` bytes without consuming them, or null. */
  peek(count: number): Uint8Array | null {
    if (this.#length < count) return null;
    const first = this.#chunks[0];
    return first && first.length >= count ? first.subarray(0, count) : this.#join().subarray(0, count);
  }

  take(count: number): Uint8Array | null {
    if (this.#length < count) return null;
    let first = this.#chunks[0];
    if (!first || first.length < count) first = this.#join();
    this.#length -= count;
    if (first.length === count) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(count);
    return first.subarray(0, count);
  }

  #join(): Uint8Array {
    const joined = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [joined];
    return joined;
  }
}
