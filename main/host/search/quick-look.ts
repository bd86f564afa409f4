/** Tells soon of raw output that it cannot hold what is sought: most of it does not, and is not even decoded. Pure. */
import { plainBytes } from '#session/plain-bytes.ts';
import { certainRuns, foldedBytes } from '../sketches/certain-text.ts';
import type { Sought } from './matcher.ts';

export class QuickLook {
  readonly #isFolded: boolean;
  /** The longest text that is in every match; null where there is none. */
  readonly #run: Uint8Array | null;
  /** Used again and again: a segment each would be collected too late. */
  #room = new Uint8Array(0);

  constructor(sought: Sought) {
    this.#isFolded = sought.ignoreCase;
    const runs = certainRuns(sought, { isFolded: this.#isFolded });
    this.#run = runs.reduce<Uint8Array | null>((longest, run) => (run.length > (longest?.length ?? 0) ? run : longest), null);
  }

  /** False: certainly not. */
  mayHold(raw: Uint8Array): boolean {
    if (!this.#run) return true;
    if (this.#room.length < raw.length) this.#room = new Uint8Array(raw.length);
    const { plain } = plainBytes(raw, { isFolded: this.#isFolded, into: this.#room });
    const text = this.#isFolded ? foldedBytes(plain) : plain;
    return Buffer.from(text.buffer, text.byteOffset, text.length).includes(Buffer.from(this.#run));
  }
}
