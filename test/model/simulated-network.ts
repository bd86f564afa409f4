/** Links that lose nothing but what a cut loses, delivered one chunk at a time by whoever drives the simulation. */
import type { Clock } from '#protocol/clock.ts';
import type { Transport, TransportListener } from '#protocol/transport.ts';

/** Mulberry32: the same numbers for the same seed, everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class SimulatedClock implements Clock {
  #now = 0;
  #timers: { at: number; callback: () => void }[] = [];

  now = () => this.#now;
  wallNow = () => 1_700_000_000_000 + this.#now;

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#now = Math.max(this.#now, due.at);
      this.#timers = this.#timers.filter((timer) => timer !== due);
      due.callback();
    }
    this.#now = end;
  }
}

/** Two ends of one link. `deliver` moves the oldest chunk one way; `cut` loses what is under way in both. */
export class SimulatedLink {
  readonly a: SimulatedEnd = new SimulatedEnd(this);
  readonly b: SimulatedEnd = new SimulatedEnd(this);
  isOpen = true;

  other(end: SimulatedEnd): SimulatedEnd {
    return end === this.a ? this.b : this.a;
  }

  cut(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const end of [this.a, this.b]) {
      end.inbox.length = 0;
      end.listener?.closed(new Error('cut'));
    }
  }
}

export class SimulatedEnd implements Transport {
  readonly kind = 'simulated';
  readonly queuedBytes = 0;
  readonly inbox: Uint8Array[] = [];
  readonly #link: SimulatedLink;
  listener: TransportListener | null = null;

  constructor(link: SimulatedLink) {
    this.#link = link;
  }

  send(...parts: Uint8Array[]): void {
    if (this.#link.isOpen) this.#link.other(this).inbox.push(new Uint8Array(Buffer.concat(parts)));
  }
  listen(listener: TransportListener): void {
    this.listener = listener;
  }
  close(): void {
    this.#link.cut();
  }

  /** Hands over the oldest chunk; false if there is none. */
  deliver(): boolean {
    const chunk = this.listener ? this.inbox.shift() : undefined;
    if (chunk) this.listener?.received(chunk);
    return chunk !== undefined;
  }
}
