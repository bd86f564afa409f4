/**
 * Who may write to a session: one holder at a time, and an epoch that grows at every change of hands; in mode `open`
 * every operator, without a holder. Pure: time comes in as an argument. Modes: DESIGN, section 5.
 *
 * Invariant 3 rests on this: once a unit of a client is refused here, every later unit sent under the same epoch is
 * refused too, so that "applied up to n" never covers a refused one. Hence whatever forbids typing moves the epoch.
 */
import type { ActorId, ClientId, Epoch } from '#protocol/ids.ts';
import type { ControlMode } from '#protocol/shapes.ts';
import { setLatest } from './input-ledger.ts';

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
  /** `freeInMs`: quiet still needed until typing takes it; null where no waiting helps. */
  | { granted: false; why: 'held'; holder: Contender; freeInMs: number | null }
  /** Nobody holds it, but in mode `locked` typing does not take it. */
  | { granted: false; why: 'locked' }
  | { granted: false; why: 'agents-paused' };

/** What a later host must know to judge a client that comes back. */
export type RememberedControl = { epoch: Epoch; lastHolder: ClientId | null };

export class ControlLease {
  #mode: ControlMode;
  #epoch: Epoch;
  #holder: Contender | null = null;
  #lastHolder: ClientId | null;
  /** Null after a restart: not known. */
  #lastKind: Contender['kind'] | null = null;
  #activeAt = 0;
  #agentsPaused: boolean;
  /** In mode `open`: the epoch from which on units count, of humans, of agents, and of single clients. */
  #openSince: { human: Epoch; agent: Epoch };
  readonly #fences = new Map<ClientId, Epoch>();

  /** After a restart: the epoch and last holder that the journal remembers. Control itself is never restored. */
  constructor(remembered: RememberedControl & { mode?: ControlMode; agentsPaused?: boolean }) {
    this.#mode = remembered.mode ?? 'turns';
    this.#epoch = remembered.epoch;
    this.#lastHolder = remembered.lastHolder;
    this.#agentsPaused = remembered.agentsPaused ?? false;
    this.#openSince = { human: remembered.epoch, agent: remembered.epoch };
  }

  get mode(): ControlMode {
    return this.#mode;
  }
  get epoch(): Epoch {
    return this.#epoch;
  }
  get lastHolder(): ClientId | null {
    return this.#lastHolder;
  }
  /** Null in mode `open`. */
  get holder(): Contender | null {
    return this.#holder;
  }
  /** Whoever had control last, and has not given it up, is an agent or may be one. */
  get isAgents(): boolean {
    return this.#lastHolder !== null && this.#lastKind !== 'human';
  }
  get agentsPaused(): boolean {
    return this.#agentsPaused;
  }

  /** Whether a unit that `client` sent under `epoch` may run now, or why not. */
  judge(unit: { client: ClientId; kind: Contender['kind']; epoch: Epoch }): 'ok' | 'agents-paused' | 'not-in-control' | 'stale-epoch' {
    if (unit.kind === 'agent' && this.#agentsPaused) return 'agents-paused';
    if (this.#mode === 'open') {
      const since = Math.max(this.#openSince[unit.kind], this.#fences.get(unit.client) ?? 0);
      return unit.epoch < since || unit.epoch > this.#epoch ? 'stale-epoch' : 'ok';
    }
    if (this.#holder?.client !== unit.client) return 'not-in-control';
    return unit.epoch === this.#epoch ? 'ok' : 'stale-epoch';
  }

  /**
   * Control for `contender`, who asked by typing, or with `force` by the take-over key.
   * Nobody takes it from a human who is typing, except by force; an agent never takes it from a human; a human takes it
   * from an agent by typing, in every mode.
   */
  take(contender: Contender, options: { force: boolean; now: number }): TakeResult {
    if (contender.kind === 'agent' && this.#agentsPaused) return { granted: false, why: 'agents-paused' };
    if (this.#mode === 'open') return { granted: true, epoch: this.#epoch, moved: false };
    const holder = this.#holder;
    if (holder?.client === contender.client) {
      this.#activeAt = options.now;
      return { granted: true, epoch: this.#epoch, moved: false };
    }
    if (!holder && this.#mode === 'locked' && !options.force) return { granted: false, why: 'locked' };
    if (holder && !this.#yields(holder, contender, options)) {
      const isHopeless = this.#mode === 'locked' || (contender.kind === 'agent' && holder.kind === 'human');
      return { granted: false, why: 'held', holder, freeInMs: isHopeless ? null : TURN_QUIET_MS - (options.now - this.#activeAt) };
    }
    this.#give(contender, options.now);
    return { granted: true, epoch: this.#epoch, moved: true };
  }

  /** Control for `contender` by the word of somebody who may give it. False in mode `open`, and for agents while paused. */
  grant(contender: Contender, now: number): boolean {
    if (this.#mode === 'open' || (contender.kind === 'agent' && this.#agentsPaused)) return false;
    if (this.#holder?.client !== contender.client) this.#give(contender, now);
    return true;
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
    if (this.#mode === 'open' || (contender.kind === 'agent' && this.#agentsPaused)) return false;
    this.#holder = contender;
    this.#lastKind = contender.kind;
    this.#activeAt = now;
    return true;
  }

  /** True if it was another one. To and from `open` nobody holds control, and what was typed before does not run. */
  setMode(mode: ControlMode): boolean {
    if (mode === this.#mode) return false;
    if (mode === 'open' || this.#mode === 'open') {
      this.#takeAway();
      this.#fences.clear();
      this.#openSince = { human: this.#epoch, agent: this.#epoch };
    }
    this.#mode = mode;
    return true;
  }

  /** No agent may act from now on, and nothing that one typed before runs later. True if control or the epoch moved. */
  pauseAgents(): boolean {
    this.#agentsPaused = true;
    if (this.#mode === 'open') {
      this.#nextEpoch();
      this.#openSince = { ...this.#openSince, agent: this.#epoch };
      return true;
    }
    // Nobody holds it, but an agent may be away that would come back to it; a human stays.
    const mayComeBack = !this.#holder && this.#lastHolder !== null && this.#lastKind !== 'human';
    if (this.#holder?.kind !== 'agent' && !mayComeBack) return false;
    this.#takeAway();
    return true;
  }

  resumeAgents(): void {
    this.#agentsPaused = false;
  }

  /**
   * What `client` may do has changed: nothing that it typed before runs later, and it has no control. True if control or
   * the epoch moved.
   */
  fence(client: ClientId): boolean {
    if (this.#mode !== 'open') return this.release(client);
    this.#nextEpoch();
    setLatest(this.#fences, client, this.#epoch);
    return true;
  }

  /** The client is gone for good. */
  forget(client: ClientId): void {
    this.#fences.delete(client);
  }

  #give(contender: Contender, now: number): void {
    this.#nextEpoch();
    this.#holder = contender;
    this.#lastHolder = contender.client;
    this.#lastKind = contender.kind;
    this.#activeAt = now;
  }

  #takeAway(): void {
    this.#nextEpoch();
    this.#holder = null;
    this.#lastHolder = null;
  }

  #nextEpoch(): void {
    this.#epoch = (this.#epoch + 1) as Epoch;
  }

  #yields(holder: Contender, contender: Contender, { force, now }: { force: boolean; now: number }): boolean {
    if (contender.kind === 'agent' && holder.kind === 'human') return false;
    if (contender.kind === 'human' && holder.kind === 'agent') return true;
    if (force) return true;
    if (this.#mode === 'locked') return false;
    return contender.person === holder.person || now - this.#activeAt >= TURN_QUIET_MS;
  }
}
