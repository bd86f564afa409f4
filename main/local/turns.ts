/** Whose turn it is where many want what costs: in the order in which they came, at a pace that leaves time for all else. Pure but for its timer. */

export class Turns {
  readonly #now: () => number;
  readonly #everyMs: number;
  readonly #atOnce: number;
  /** First come, first. */
  readonly #waiting = new Map<object, () => void>();
  /** Until when turns were given, milliseconds: a bucket of tokens as one number. */
  #givenUntil = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  /** `now`: monotonic, milliseconds. `atOnce` turns may come together, and one more after every `everyMs`. */
  constructor({ now, everyMs, atOnce }: { now: () => number; everyMs: number; atOnce: number }) {
    this.#now = now;
    this.#everyMs = everyMs;
    this.#atOnce = atOnce;
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
    for (const [who, go] of this.#waiting) {
      if (!this.#isGiven()) break;
      this.#waiting.delete(who);
      go();
    }
    if (this.#waiting.size > 0) this.#timer = setTimeout(this.#next, this.#everyMs);
  };
}
