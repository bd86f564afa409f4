/** How fast one client takes output: bytes acknowledged of late. Pure: time comes in as an argument. */

/** Counted over this long, milliseconds, and remembered for as long again. */
export const RATE_SPAN_MS = 250;

/** After this long without any, milliseconds, the next bytes are the beginning of something. */
const QUIET_MS = 2_000;

export class ReaderRate {
  #lastAt = Number.NEGATIVE_INFINITY;
  #beganAt = Number.NEGATIVE_INFINITY;
  #since = 0;
  #bytes = 0;
  #before = 0;
  /** Since when there is something to take; null while there is nothing. */
  #offeredAt: number | null = null;

  took(bytes: number, now: number): void {
    this.#turn(now);
    this.#bytes += bytes;
    if (bytes === 0) return;
    if (now - this.#lastAt > QUIET_MS) this.#beganAt = now;
    this.#lastAt = now;
  }

  /** There is something to take, or it has taken all there was. */
  offered(isSome: boolean, now: number): void {
    if (!isSome) this.#offeredAt = null;
    else this.#offeredAt ??= now;
  }

  /** It began to take bytes, or to have some to take, only now: how fast it is cannot be said yet. */
  isBeginning(now: number): boolean {
    return now - Math.max(this.#beganAt, this.#offeredAt ?? Number.NEGATIVE_INFINITY) < RATE_SPAN_MS;
  }

  /** Bytes taken in a span: the one that runs, or the last one if that was more. */
  recentBytes(now: number): number {
    this.#turn(now);
    return Math.max(this.#bytes, this.#before);
  }

  #turn(now: number): void {
    const elapsed = now - this.#since;
    if (elapsed < RATE_SPAN_MS) return;
    this.#before = elapsed < 2 * RATE_SPAN_MS ? this.#bytes : 0;
    this.#bytes = 0;
    this.#since = now;
  }
}
