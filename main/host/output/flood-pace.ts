/**
 * A flood is never far ahead of the client that reads it fastest, as on a real terminal, so that an interrupt is seen at
 * once. Clients that read steadily and lag are waited for, so that they see all of it instead of a gap whenever this
 * machine is busy elsewhere, but only with a tenth of the time: nobody slow, stopped or gone delays the program or the
 * others (invariant 7). A session that only slow readers see, over a thin line, waits for nobody.
 *
 * The program is held by the acknowledgement of stored output: a keeper lets it print MAX_UNACKED_BYTES beyond that, so
 * what is withheld of the acknowledgement is what the program may not be ahead; its verdicts come all the same. Where too much
 * was acknowledged before a near client came, or nothing can be withheld yet, the keeper is told a limit until that has passed.
 */
import type { Offset } from '#protocol/ids.ts';
import { RATE_SPAN_MS } from '#session/reader-rate.ts';
import { MAX_UNACKED_BYTES } from '../../keeper/wire.ts';

/** The program may be ahead of a near client by what that takes in this time, milliseconds, but by so many bytes in any case. */
const AHEAD_MS = 20;
const AHEAD_BYTES = { least: 16 * 1024, beginning: 32 * 1024, most: MAX_UNACKED_BYTES };
/** It waits for any other client this far ahead, bytes: in steps that small, waking everybody would cost a third of the speed. */
const FAR_AHEAD_BYTES = MAX_UNACKED_BYTES - 512 * 1024;
/** Less than this, taken by the fastest client in RATE_SPAN_MS, is a thin line or a stuck terminal, bytes: 128 KiB a second. */
const MIN_TAKEN_BYTES = 32 * 1024;
/** A steady client may lag this far before it is waited for, bytes: half of what is held for it. */
const MAX_LAG_BYTES = 4 * 1024 * 1024;
/** Of the time that the fastest client has nothing to read, so much may go by waiting for the others: a share, and milliseconds saved up. */
const PATIENCE = { share: 0.1, mostMs: 500 };
/** The limit follows in steps, bytes: not with each echo. */
const LIMIT_STEP_BYTES = 8 * 1024;
/** While something is withheld, it is asked this often whether the clients still read, milliseconds. */
const LOOK_EVERY_MS = RATE_SPAN_MS / 5;

/** `isNear`: its terminal is on this machine, and it asked for little on its way. `isIdle`: it has taken all there is. */
export type Reader = { behindBytes: number; recentBytes: number; isBeginning: boolean; isNear: boolean; isIdle: boolean };

/**
 * How much the program may print now, whole bytes, Infinity where nobody is waited for: `fastest` for the client that reads
 * fastest, `steady` for all that read steadily. `isStarving`: the fastest has nothing to read. Pure.
 */
export function allowedBytes(readers: readonly Reader[]): { fastest: number; steady: number; isStarving: boolean } {
  const most = readers.reduce((sofar, { recentBytes }) => Math.max(sofar, recentBytes), 0);
  let [fastest, steady, isStarving] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, false];
  if (most >= MIN_TAKEN_BYTES || readers.some(({ isBeginning }) => isBeginning)) {
    for (const reader of readers) {
      const { behindBytes, recentBytes, isBeginning, isIdle } = reader;
      if (!isBeginning && (recentBytes === 0 || recentBytes * 2 < most)) continue;
      fastest = Math.max(fastest, roomBefore(reader));
      // Nobody waits for one that has taken nothing: it is stopped, or gone.
      if (recentBytes > 0) steady = Math.min(steady, Math.max(0, MAX_LAG_BYTES - behindBytes));
      isStarving ||= isIdle;
    }
  }
  if (fastest < 0) fastest = Number.POSITIVE_INFINITY;
  return { fastest, steady: Math.min(fastest, steady), isStarving };
}

function roomBefore({ behindBytes, recentBytes, isBeginning, isNear }: Reader): number {
  if (!isNear) return behindBytes > FAR_AHEAD_BYTES ? 0 : MAX_UNACKED_BYTES - behindBytes;
  const least = isBeginning ? AHEAD_BYTES.beginning : AHEAD_BYTES.least;
  const ahead = Math.min(AHEAD_BYTES.most, Math.max(least, Math.floor((recentBytes * AHEAD_MS) / RATE_SPAN_MS)));
  return Math.max(0, ahead - behindBytes);
}

/** Who holds the program. */
export type Held = { ack(offset: Offset): void; limit(offset: Offset | null): void };

export type FloodPaceOptions = {
  readers: (now: number) => Reader[];
  /** Where the output ends that has come from the keeper. */
  end: () => Offset;
  /** Monotonic, milliseconds. */
  now: () => number;
};

export class FloodPace {
  readonly #options: FloodPaceOptions;
  #keeper: Held | null = null;
  /** Told last. */
  #limit: Offset | null = null;
  #stored = 0 as Offset;
  #acknowledged = 0 as Offset;
  #timer: NodeJS.Timeout | null = null;
  #isSoon = false;
  #isDisposed = false;
  /** How long the fastest client may yet be kept waiting for others, milliseconds. */
  #patienceMs = PATIENCE.mostMs;
  #isWaiting = false;
  #lookedAt = 0;

  constructor(options: FloodPaceOptions) {
    this.#options = options;
  }

  /** Who is told what is stored; `acknowledged`: what it knows. */
  from(keeper: Held, acknowledged: Offset): void {
    this.#keeper = keeper;
    this.#acknowledged = acknowledged;
    this.#limit = null;
  }

  /** A client has come. */
  joined(): void {
    if (this.#options.readers(this.#options.now()).some(({ isNear }) => isNear)) this.#settle();
  }

  stored(offset: Offset): void {
    this.#stored = offset;
    this.settle();
  }

  /** Clients have taken more: all of a turn count together. */
  settleSoon(): void {
    if (this.#isSoon || this.#isSettled) return;
    this.#isSoon = true;
    setImmediate(() => {
      this.#isSoon = false;
      this.settle();
    });
  }

  settle(): void {
    if (!this.#isSettled) this.#settle();
  }

  /** There is nothing to withhold or to limit. */
  get #isSettled(): boolean {
    return this.#isDisposed || (this.#stored <= this.#acknowledged && this.#limit === null);
  }

  #settle(): void {
    const now = this.#options.now();
    const readers = this.#options.readers(now);
    const may = this.#options.end() + this.#allowed(readers, now);
    const upTo = Math.min(this.#stored, may - MAX_UNACKED_BYTES) as Offset;
    if (upTo > this.#acknowledged) {
      this.#acknowledged = upTo;
      this.#keeper?.ack(upTo);
    }
    const isLimited = readers.some(({ isNear }) => isNear) && may + LIMIT_STEP_BYTES < this.#acknowledged + MAX_UNACKED_BYTES;
    if (!isLimited) this.#limitTo(null);
    else if (this.#limit === null || Math.abs(may - this.#limit) >= LIMIT_STEP_BYTES) this.#limitTo(may as Offset);
    // An idle near client keeps something withheld, and nobody awake: who has something to read may stop reading.
    if (this.#isSettled || readers.every(({ isIdle }) => isIdle)) this.#stopLooking();
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

  #allowed(readers: readonly Reader[], now: number): number {
    const { fastest, steady, isStarving } = allowedBytes(readers);
    const elapsed = now - this.#lookedAt;
    this.#lookedAt = now;
    this.#patienceMs += this.#isWaiting ? -elapsed : elapsed * PATIENCE.share;
    this.#patienceMs = Math.min(PATIENCE.mostMs, Math.max(0, this.#patienceMs));
    const isWorthIt = this.#patienceMs > 0;
    this.#isWaiting = isWorthIt && isStarving && steady < fastest;
    return isWorthIt ? steady : fastest;
  }

  #limitTo(offset: Offset | null): void {
    if (offset === this.#limit) return;
    this.#limit = offset;
    this.#keeper?.limit(offset);
  }

  #stopLooking(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
