/**
 * A flood waits a moment for the clients that read steadily, so that they see all of it, instead of a gap whenever this
 * machine is busy elsewhere. It waits for nobody slow, stopped or gone (invariant 7): only for a client that takes at
 * least half of what the fastest one takes, and only while all together take some megabytes a second.
 *
 * The keeper is held by the acknowledgement of stored output, which bounds what it sends; its verdicts come all the same.
 */
import type { Offset } from '#protocol/ids.ts';
import { RATE_SPAN_MS } from '#session/reader-rate.ts';

/** Not yet sent to a steady client, bytes, from which the flood waits, and below which it goes on. */
const WAIT_ABOVE_BYTES = 2 * 1024 * 1024;
const GO_BELOW_BYTES = 512 * 1024;
/** Less than this, taken by all clients in RATE_SPAN_MS, is no flood worth waiting for, bytes: 2 MiB a second. */
const MIN_TAKEN_BYTES = 512 * 1024;
/** While it waits, it is asked this often whether the clients still read, milliseconds. */
const LOOK_EVERY_MS = RATE_SPAN_MS / 5;

export type Reader = { behindBytes: number; recentBytes: number; isBeginning: boolean };

/** Pure. */
export function mustWait(readers: readonly Reader[], isWaiting: boolean): boolean {
  const taken = readers.reduce((sum, { recentBytes }) => sum + recentBytes, 0);
  const fastest = Math.max(...readers.map(({ recentBytes }) => recentBytes));
  const limit = isWaiting ? GO_BELOW_BYTES : WAIT_ABOVE_BYTES;
  const isSteady = taken >= MIN_TAKEN_BYTES || readers.some(({ isBeginning }) => isBeginning);
  return isSteady && readers.some(({ behindBytes, recentBytes }) => behindBytes > limit && recentBytes > 0 && recentBytes * 2 >= fastest);
}

export class FloodPace {
  readonly #readers: (now: number) => Reader[];
  readonly #now: () => number;
  #acknowledge: (offset: Offset) => void = () => {};
  /** Stored, and not acknowledged to the keeper while the flood waits. */
  #held: Offset | null = null;
  #isWaiting = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: { readers: (now: number) => Reader[]; now: () => number }) {
    this.#readers = options.readers;
    this.#now = options.now;
  }

  /** Who is told what is stored. */
  from(acknowledge: (offset: Offset) => void): void {
    this.#acknowledge = acknowledge;
  }

  stored(offset: Offset): void {
    this.#held = offset;
    this.settle();
  }

  /** A client has taken more, or has left. */
  settle(): void {
    if (this.#held === null) return;
    this.#isWaiting = mustWait(this.#readers(this.#now()), this.#isWaiting);
    if (this.#isWaiting) {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.settle();
      }, LOOK_EVERY_MS);
      return;
    }
    this.dispose();
    const offset = this.#held;
    this.#held = null;
    this.#acknowledge(offset);
  }

  dispose(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
