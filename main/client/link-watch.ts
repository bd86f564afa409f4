/** Whether the host is still at the other end of a connection: asked when it is silent, given up when it stays so. */
import type { Clock } from '#protocol/clock.ts';

/** After this long without a byte we ask whether the host is there, milliseconds (DESIGN: liveness). */
const PING_AFTER_MS = 5_000;
/** After this long without a byte the connection is given up, milliseconds. */
const CLOSE_AFTER_MS = 20_000;
/** A timer later than this was held up by sleep or load on our side, milliseconds. */
const OWN_DELAY_MS = 2_000;
/** How long a host whose link may have died can be silent until it has answered: at least, milliseconds, and in round trips. */
const PROBE = { leastMs: 2_000, roundTrips: 4 };
/** As OWN_DELAY_MS, of a probe: a hidden page runs its timers once a second. */
const PROBE_DELAY_MS = 1_000;

export type LinkWatchOptions = {
  clock: Clock;
  /** Asks the host for a sign of life; resolves with its answer. */
  ping(): Promise<unknown>;
  /** Round trip, milliseconds; null while it is not known. */
  latencyMs(): number | null;
  /** The host said nothing to two pings; only for display. */
  responsive(isResponsive: boolean): void;
  /** It is given up: nothing came for so long, milliseconds. */
  dead(silentMs: number): void;
};

export class LinkWatch {
  readonly #options: LinkWatchOptions;
  readonly #clock: Clock;
  /** Unix time of the last byte; of the beginning before the first. */
  #lastByteAt: number;
  /** Silence is counted from here: the last byte, or the end of a sleep of ours, in which nothing could be heard. */
  #silentFrom: number;
  #cancelTimer: () => void = () => {};
  /** Null while no probe runs. */
  #cancelProbe: (() => void) | null = null;
  #isStopped = false;

  constructor(options: LinkWatchOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#lastByteAt = this.#clock.wallNow();
    this.#silentFrom = this.#clock.now();
    this.#watch();
  }

  get lastByteAt(): number {
    return this.#lastByteAt;
  }

  heard(): void {
    this.#lastByteAt = this.#clock.wallNow();
    this.#silentFrom = this.#clock.now();
  }

  /** The link may have died: the host has to answer, and is given up soon if nothing comes meanwhile. */
  probe(): void {
    if (this.#isStopped || this.#cancelProbe) return;
    this.#silentFrom = this.#clock.now();
    this.#awaitSign();
    this.#options.ping().then(
      () => this.#endProbe(),
      () => {}, // its failure is the close
    );
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
    this.#endProbe();
  }

  #awaitSign(): void {
    const from = this.#silentFrom;
    const patienceMs = Math.max(PROBE.leastMs, PROBE.roundTrips * (this.#options.latencyMs() ?? 0));
    const dueAt = from + patienceMs;
    this.#cancelProbe = this.#clock.after(dueAt - this.#clock.now(), () => {
      const now = this.#clock.now();
      if (this.#silentFrom > from) this.#awaitSign();
      else if (now <= dueAt + PROBE_DELAY_MS) this.#options.dead(now - from);
      else {
        this.#cancelProbe = null;
        this.probe();
      }
    });
  }

  #endProbe(): void {
    this.#cancelProbe?.();
    this.#cancelProbe = null;
  }

  #watch(): void {
    const { now: setAt, wall: wallSetAt } = this.#times();
    this.#cancelTimer = this.#clock.after(PING_AFTER_MS, () => {
      const { now, wall } = this.#times();
      const tookMs = now - setAt;
      // On some systems the monotonic clock stands still in a sleep, and only the other tells of it.
      const hasSlept = tookMs > PING_AFTER_MS + OWN_DELAY_MS || wall - wallSetAt > tookMs + OWN_DELAY_MS;
      if (hasSlept) this.#silentFrom = now;
      const silentMs = now - this.#silentFrom;
      if (silentMs >= CLOSE_AFTER_MS) {
        this.#options.dead(silentMs);
        return;
      }
      this.#options.responsive(silentMs < 2 * PING_AFTER_MS + OWN_DELAY_MS);
      if (hasSlept) this.probe();
      else if (silentMs >= PING_AFTER_MS - OWN_DELAY_MS) this.#options.ping().catch(() => {}); // its failure is the close
      if (!this.#isStopped) this.#watch();
    });
  }

  #times(): { now: number; wall: number } {
    return { now: this.#clock.now(), wall: this.#clock.wallNow() };
  }
}
