/**
 * Memory for what is read from a socket or a terminal: one read goes behind the other into a block, so that a keystroke or its
 * echo costs no allocation. Bytes that were taken are never written again: whoever has them may keep them.
 */

/** A block, bytes. What nobody wrote into takes no memory of the machine. */
const BLOCK_BYTES = 256 * 1024;
/** Offered to a read at least, bytes: as much as Node offers itself. What is left of a block below that is given up. */
const LEAST_BYTES = 64 * 1024;

export class ReadMemory {
  #block = new Uint8Array(0);
  #used = 0;

  /** Where the next read goes. */
  room(): Uint8Array {
    if (this.#block.length - this.#used < LEAST_BYTES) {
      this.#block = new Uint8Array(BLOCK_BYTES);
      this.#used = 0;
    }
    return this.#block.subarray(this.#used);
  }

  /** So many bytes came into `room()`: they. */
  took(count: number): Uint8Array {
    const bytes = this.#block.subarray(this.#used, this.#used + count);
    this.#used += count;
    return bytes;
  }
}

/** `onread` of a socket: `received` gets all that is read. */
export function readingInto(memory: ReadMemory, received: (bytes: Uint8Array) => void) {
  return {
    buffer: () => memory.room(),
    callback: (count: number) => {
      received(memory.took(count));
      return true;
    },
  };
}
