/**
 * How many stream bytes may be on their way at once: so many that a slow link is full, and that a frame of a terminal waits
 * behind little more than QUEUE_MS of them, whatever buffers lie between. Pure. After BBR (Cardwell et al., 2016): what was delivered
 * of late, times the shortest time on the way, which is measured anew now and then with little on the way.
 */

/** What may wait on the way beside what travels, milliseconds of the link. */
const QUEUE_MS = 50;
/** And this much more of what travels: what is told comes in pieces, and a rate that rises must show. */
const MORE = 1.25;
/** To begin with, and never less, bytes. */
const LEAST_BYTES = 16 * 1024;
/** What the newest rate counts beside those before; alone where as much waited, milliseconds: the link has become narrow. */
const NEWEST_SHARE = 1 / 3;
const LATE_MS = 4 * QUEUE_MS;
/** Of a piece that took no time, milliseconds. */
const LEAST_MS = 1e-6;
/** How long a shortest time counts, milliseconds. */
const SHORTEST_SPAN_MS = 15_000;

type Watched = {
  /** Where the piece ends, when it went, and what had arrived then. */
  readonly end: number;
  readonly at: number;
  readonly arrived: number;
  /** Meanwhile as much was on the way as may be: what arrived is what the link takes. */
  isFull: boolean;
};

export class StreamPace {
  #sent = 0;
  #arrived = 0;
  #limit = LEAST_BYTES;
  /** The piece that is watched on its way. */
  #watched: Watched | null = null;
  /** The limit doubles until something waits. */
  #isStarting = true;
  /** Little is sent until a piece that went meanwhile has arrived. */
  #isProbing = false;
  #shortestMs = Number.POSITIVE_INFINITY;
  #shortestAt = 0;
  /** Bytes a millisecond that the link takes. */
  #rate = 0;

  /** Bytes that may be sent now; below 0 where the limit has shrunk. */
  get room(): number {
    return this.#limit - (this.#sent - this.#arrived);
  }
  /** Whether the other side has ever said what arrived. */
  get isHeard(): boolean {
    return this.#arrived > 0;
  }

  sent(bytes: number, now: number): void {
    this.#sent += bytes;
    this.#watched ??= { end: this.#sent, at: now, arrived: this.#arrived, isFull: false };
    if (this.room <= 0) this.#watched.isFull = true;
  }

  /** The other side says nothing of this: it is an older one, and its windows alone count. */
  unheard(): void {
    if (!this.isHeard) this.#limit = Number.POSITIVE_INFINITY;
  }

  /** The other side has so many bytes in all; what it cannot have is not believed. */
  arrived(total: number, now: number): void {
    if (total <= this.#arrived || total > this.#sent) return;
    if (!this.isHeard) this.#limit = LEAST_BYTES;
    this.#arrived = total;
    const watched = this.#watched;
    if (!watched || total < watched.end) return;
    this.#watched = null;
    this.#measured({ tookMs: now - watched.at, bytes: total - watched.arrived, isFull: watched.isFull, now });
  }

  #measured({ tookMs, bytes, isFull, now }: { tookMs: number; bytes: number; isFull: boolean; now: number }): void {
    const hasProbed = this.#isProbing;
    if (tookMs <= this.#shortestMs || hasProbed) {
      this.#shortestMs = tookMs;
      this.#shortestAt = now;
    }
    const isWaiting = tookMs > this.#shortestMs + QUEUE_MS;
    const rate = bytes / Math.max(tookMs, LEAST_MS);
    // A sender that had little to send says nothing of the link, unless it was late.
    const says = !hasProbed && (isFull || isWaiting);
    if (rate > this.#rate && (!says || this.#isStarting)) this.#rate = rate;
    else if (says) this.#rate += (rate - this.#rate) * (tookMs > this.#shortestMs + LATE_MS ? 1 : NEWEST_SHARE);
    if (isWaiting) this.#isStarting = false;
    const fitting = this.#rate * (this.#shortestMs * MORE + QUEUE_MS);
    this.#isProbing = !this.#isStarting && now - this.#shortestAt > SHORTEST_SPAN_MS;
    if (this.#isProbing) this.#limit = LEAST_BYTES;
    else if (this.#isStarting) this.#limit = isFull ? Math.max(fitting, 2 * this.#limit) : Math.max(fitting, this.#limit);
    else this.#limit = Math.max(LEAST_BYTES, fitting);
  }
}
