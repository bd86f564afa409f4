/**
 * Who may try to come in now: bounds on what strangers cost, whatever they send. Pure.
 *
 * Strangers share one allowance each address (an IPv6 network of 64 bits is one), and all of them another; who proves a
 * key gives its share back.
 */
import { networkOf } from '#local/networks.ts';

/** Connections that have proved nothing yet, at a time: in all, and from one address. */
const MAX_STRANGERS = 64;
const MAX_STRANGERS_FROM_ONE = 16;
/** Guests at a time, in all. */
export const MAX_GUESTS = 64;
/** Failures that an address may have at once, and how soon one is forgiven, milliseconds. */
const FAILURES = 40;
const FORGIVEN_EVERY_MS = 1_000;
/** Addresses remembered; beyond that the one that was quiet longest is forgotten. */
const MAX_ADDRESSES = 1024;

type Known = { strangers: number; failures: number; at: number };

export class Doorkeeper {
  readonly #known = new Map<string, Known>();
  #strangers = 0;
  #guests = 0;

  /** Whether a connection from `address` is heard. One that is becomes a stranger until `left` or `proved`. */
  admits(address: string, now: number): boolean {
    const known = this.#of(address, now);
    if (this.#strangers >= MAX_STRANGERS || known.strangers >= MAX_STRANGERS_FROM_ONE || known.failures >= FAILURES) return false;
    known.strangers++;
    this.#strangers++;
    return true;
  }

  /** A stranger went without having proved anything. */
  left(address: string, now: number): void {
    const known = this.#of(address, now);
    known.strangers = Math.max(0, known.strangers - 1);
    known.failures++;
    this.#strangers--;
  }

  /** A stranger proved an invited key; false where the house is full, and it stays a stranger. */
  proved(address: string, now: number): boolean {
    if (this.#guests >= MAX_GUESTS) return false;
    const known = this.#of(address, now);
    known.strangers = Math.max(0, known.strangers - 1);
    known.failures = 0;
    this.#strangers--;
    this.#guests++;
    return true;
  }

  /** A guest went. */
  guestLeft(): void {
    this.#guests--;
  }

  #of(address: string, now: number): Known {
    const network = networkOf(address);
    const known = this.#known.get(network) ?? { strangers: 0, failures: 0, at: now };
    const forgiven = Math.floor((now - known.at) / FORGIVEN_EVERY_MS);
    if (forgiven > 0) {
      known.failures = Math.max(0, known.failures - forgiven);
      known.at += forgiven * FORGIVEN_EVERY_MS;
    }
    this.#known.delete(network);
    this.#known.set(network, known); // the newest last
    if (this.#known.size > MAX_ADDRESSES) this.#forgetOne();
    return known;
  }

  #forgetOne(): void {
    for (const [network, { strangers }] of this.#known) {
      if (strangers > 0) continue;
      this.#known.delete(network);
      return;
    }
  }
}
