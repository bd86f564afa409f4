/**
 * Connections that have not proven anything yet: few at a time. Proof takes milliseconds, so of too many the oldest goes,
 * and who has a key gets in through any crowd.
 */

import { isLoopback, networkOf } from './networks.ts';

/** At a time: in all, where nothing else is said, and from one party, of whose too many its own oldest goes. */
const MAX_STRANGERS = 64;
const MAX_STRANGERS_FROM_ONE = 16;

export type Stranger = { close(): void };

export class Strangers {
  readonly #refused: (message: string) => void;
  readonly #most: number;
  /** Oldest first, with the network that they are from, where that says anything. */
  readonly #here = new Map<Stranger, string | null>();

  /** `refused`: one had to go, and why. */
  constructor({ refused = () => {}, most = MAX_STRANGERS }: { refused?: (message: string) => void; most?: number } = {}) {
    this.#refused = refused;
    this.#most = most;
  }

  get size(): number {
    return this.#here.size;
  }

  /** `address`: where it came from, if from a network. */
  came(stranger: Stranger, address: string | null = null): void {
    const from = address === null || isLoopback(address) ? null : networkOf(address);
    this.#here.set(stranger, from);
    const fromOne = from === null ? [] : [...this.#here].filter(([, each]) => each === from);
    if (fromOne.length > MAX_STRANGERS_FROM_ONE)
      this.#turnOut(fromOne[0]?.[0], `more than ${MAX_STRANGERS_FROM_ONE} connections at a time from ${from} proved nothing`);
    if (this.#here.size <= this.#most) return;
    const [oldest] = this.#here.keys();
    this.#turnOut(oldest, `more than ${this.#most} connections at a time proved nothing`);
  }

  /** It has proven who it is, or is gone. Answers whether it was here until now. */
  left(stranger: Stranger): boolean {
    return this.#here.delete(stranger);
  }

  #turnOut(stranger: Stranger | undefined, why: string): void {
    if (!stranger) return;
    this.#here.delete(stranger);
    this.#refused(why);
    stranger.close();
  }
}
