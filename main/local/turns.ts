/** Whose turn it is where many want what costs, at a pace that leaves time for all else. Pure but for its timer. */

export class Turns {
  readonly #now: () => number;
  readonly #everyMs: number;
  readonly #atOnce: number;
  readonly #fromBothEnds: boolean;
  /** As they came. */
  readonly #waiting = new Map<object, () => void>();
  /** Until when turns were given, milliseconds: a bucket of tokens as one number. */
  #givenUntil = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #isForTheLast = false;

  /**
   * `now`: monotonic, milliseconds. `atOnce` turns may come together, and one more after every `everyMs`: to the first who
   * came, or with `fromBothEnds` to the last and the first alternately, so that nobody waits behind a crowd of strangers.
   */
  constructor(options: { now: () => number; everyMs: number; atOnce: number; fromBothEnds?: boolean }) {
    this.#now = options.now;
    this.#everyMs = options.everyMs;
    this.#atOnce = options.atOnce;
    this.#fromBothEnds = options.fromBothEnds ?? false;
  }

  /** Null where it is the turn of `who` now. Each waits for one at a time; the turn of one who has left never comes. */
  wait(who: object): Promise<void> | null {
    if (this.#waiting.size === 0 && this.#isGiven()) return null;
    return new Promise((resolve) => {
      this.#waiting.set(who, resolve);
      this.#timer ??= setTimeout(this.#next, this.#everyMs);
    });
  }

  left(who: object): void {
    this.#waiting.delete(who);
  }

  #isGiven(): boolean {
    const now = this.#now();
    const until = Math.max(this.#givenUntil, now) + this.#everyMs;
    if (until > now + this.#atOnce * this.#everyMs) return false;
    this.#givenUntil = until;
    return true;
  }

  #next = (): void => {
    this.#timer = null;
    while (this.#waiting.size > 0 && this.#isGiven()) this.#go();
    if (this.#waiting.size > 0) this.#timer = setTimeout(this.#next, this.#everyMs);
  };

  #go(): void {
    this.#isForTheLast = this.#fromBothEnds && !this.#isForTheLast;
    const all = [...this.#waiting];
    const [who, go] = all.at(this.#isForTheLast ? -1 : 0) ?? [];
    if (who) this.#waiting.delete(who);
    go?.();
  }
}
