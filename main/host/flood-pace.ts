/**
 * A flood waits a moment for the clients that read steadily, so that they see all of it, instead of a gap whenever this
 * machine is busy elsewhere; and it stays close to them, so that an interrupt is seen at once. It waits for nobody slow,
 * stopped or gone (invariant 7): only for a client that takes at least half of what the fastest one takes, and only while
 * all together take some megabytes a second.
 *
 * The program is held by the acknowledgement of stored output: a keeper lets it print MAX_UNACKED_BYTES beyond that, so
 * what is withheld of the acknowledgement is what the program may not be ahead; its verdicts come all the same.
 */
import type { Offset } from '#protocol/ids.ts';
import { RATE_SPAN_MS } from '#session/reader-rate.ts';
import { MAX_UNACKED_BYTES } from '../keeper/wire.ts';

/** The program may be ahead of a steady client by what that takes in this time, milliseconds, but by so many bytes in any case. */
const AHEAD_MS = 30;
const AHEAD_BYTES = { least: 128 * 1024, beginning: 512 * 1024, most: MAX_UNACKED_BYTES };
/** Less than this, taken by all clients in RATE_SPAN_MS, is no flood worth waiting for, bytes: 2 MiB a second. */
const MIN_TAKEN_BYTES = 512 * 1024;
/** While something is withheld, it is asked this often whether the clients still read, milliseconds. */
const LOOK_EVERY_MS = RATE_SPAN_MS / 5;

export type Reader = { behindBytes: number; recentBytes: number; isBeginning: boolean };

/** How much the program may print now, whole bytes; Infinity where nobody is waited for. Pure. */
export function allowedBytes(readers: readonly Reader[]): number {
  let [taken, fastest] = [0, 0];
  for (const { recentBytes } of readers) {
    taken += recentBytes;
    fastest = Math.max(fastest, recentBytes);
  }
  if (taken < MIN_TAKEN_BYTES && !readers.some(({ isBeginning }) => isBeginning)) return Number.POSITIVE_INFINITY;
  let allowed = Number.POSITIVE_INFINITY;
  for (const { behindBytes, recentBytes, isBeginning } of readers) {
    if (recentBytes === 0 || recentBytes * 2 < fastest) continue;
    const least = isBeginning ? AHEAD_BYTES.beginning : AHEAD_BYTES.least;
    const ahead = Math.min(AHEAD_BYTES.most, Math.max(least, Math.floor((recentBytes * AHEAD_MS) / RATE_SPAN_MS)));
    allowed = Math.min(allowed, Math.max(0, ahead - behindBytes));
  }
  return allowed;
}

export type FloodPaceOptions = {
  readers: (now: number) => Reader[];
  /** Where the output ends that has come from the keeper. */
  end: () => Offset;
  /** Monotonic, milliseconds. */
  now: () => number;
};

export class FloodPace {
  readonly #options: FloodPaceOptions;
  #acknowledge: (offset: Offset) => void = () => {};
  #stored = 0 as Offset;
  #acknowledged = 0 as Offset;
  #timer: NodeJS.Timeout | null = null;
  #isSoon = false;
  #isDisposed = false;

  constructor(options: FloodPaceOptions) {
    this.#options = options;
  }

  /** Who is told what is stored. */
  from(acknowledge: (offset: Offset) => void): void {
    this.#acknowledge = acknowledge;
    this.#acknowledged = 0 as Offset;
  }

  stored(offset: Offset): void {
    this.#stored = offset;
    this.settle();
  }

  /** Clients have taken more: all of a turn count together. */
  settleSoon(): void {
    if (this.#isSoon || this.#stored <= this.#acknowledged) return;
    this.#isSoon = true;
    setImmediate(() => {
      this.#isSoon = false;
      this.settle();
    });
  }

  settle(): void {
    if (this.#isDisposed || this.#stored <= this.#acknowledged) return;
    const { readers, end, now } = this.#options;
    const upTo = Math.min(this.#stored, end() - MAX_UNACKED_BYTES + allowedBytes(readers(now()))) as Offset;
    if (upTo > this.#acknowledged) {
      this.#acknowledged = upTo;
      this.#acknowledge(upTo);
    }
    if (this.#stored <= this.#acknowledged) this.#stopLooking();
    else {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.settle();
      }, LOOK_EVERY_MS);
    }
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#stopLooking();
  }

  #stopLooking(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
