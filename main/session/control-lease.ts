/**
 * Who may write to a session: one holder at a time, and an epoch that grows at every change of hands.
 * Pure: time comes in as an argument. Mode `turns` (DESIGN, section 5).
 */
import type { ActorId, ClientId, Epoch } from '#protocol/ids.ts';

/** Quiet after which another human takes control by just typing, milliseconds. */
export const TURN_QUIET_MS = 2_000;

export type Contender = {
  readonly client: ClientId;
  readonly actor: ActorId;
  readonly kind: 'human' | 'agent';
  /** The same for one person's desktop, terminal and browser: nobody waits for themselves. */
  readonly person: string;
};

export type TakeResult =
  | { granted: true; epoch: Epoch; moved: boolean }
  /** `freeInMs`: quiet still needed until typing takes it; null where only the holder can give it up. */
  | { granted: false; holder: Contender; freeInMs: number | null };

export class ControlLease {
  #epoch: Epoch;
  #holder: Contender | null = null;
  #lastHolder: ClientId | null;
  #activeAt = 0;

  /** After a restart: the epoch and last holder that the journal remembers. Control itself is never restored. */
  constructor(remembered: { epoch: Epoch; lastHolder: ClientId | null }) {
    this.#epoch = remembered.epoch;
    this.#lastHolder = remembered.lastHolder;
  }

  get epoch(): Epoch {
    return this.#epoch;
  }
  get lastHolder(): ClientId | null {
    return this.#lastHolder;
  }
  get holder(): Contender | null {
    return this.#holder;
  }

  /**
   * Control for `contender`, who asked by typing, or with `force` by the take-over key.
   * Nobody takes it from a human who is typing, except by force; an agent never takes it from a human.
   */
  take(contender: Contender, options: { force: boolean; now: number }): TakeResult {
    const holder = this.#holder;
    if (holder?.client === contender.client) {
      this.#activeAt = options.now;
      return { granted: true, epoch: this.#epoch, moved: false };
    }
    if (holder && !this.#yields(holder, contender, options)) {
      const quietMs = options.now - this.#activeAt;
      return { granted: false, holder, freeInMs: contender.kind === 'agent' && holder.kind === 'human' ? null : TURN_QUIET_MS - quietMs };
    }
    this.#epoch = (this.#epoch + 1) as Epoch;
    this.#holder = contender;
    this.#lastHolder = contender.client;
    this.#activeAt = options.now;
    return { granted: true, epoch: this.#epoch, moved: true };
  }

  /** The holder typed. */
  renew(now: number): void {
    this.#activeAt = now;
  }

  /** True if `client` had control and gave it up. It will not resume it. */
  release(client: ClientId): boolean {
    if (this.#holder?.client !== client) return false;
    this.#holder = null;
    this.#lastHolder = null;
    return true;
  }

  /**
   * A client is back after a broken link: it goes on if it had control last and nobody took it since
   * (`epoch` is the one it knew), so that text typed before a takeover never runs after it.
   */
  resume(contender: Contender, epoch: Epoch, now: number): boolean {
    if (this.#holder?.client === contender.client) this.#holder = null;
    if (this.#holder || this.#lastHolder !== contender.client || epoch !== this.#epoch) return false;
    this.#holder = contender;
    this.#activeAt = now;
    return true;
  }

  #yields(holder: Contender, contender: Contender, { force, now }: { force: boolean; now: number }): boolean {
    if (contender.kind === 'agent' && holder.kind === 'human') return false;
    if (contender.kind === 'human' && holder.kind === 'agent') return true;
    return force || contender.person === holder.person || now - this.#activeAt >= TURN_QUIET_MS;
  }
}
