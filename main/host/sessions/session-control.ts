/** Who acts in a session, as clients ask for it. The rules are in #session/control-lease.ts; here they take effect. */
import { CmdopError } from '#protocol/errors.ts';
import type { ClientId, Epoch, Offset } from '#protocol/ids.ts';
import type { Actor, Control, ControlMode, Role } from '#protocol/shapes.ts';
import { type Contender, ControlLease, type RememberedControl, type TakeResult } from '#session/control-lease.ts';
import { dropOldest } from '#session/input-ledger.ts';
import type { Records } from '../journal/records.ts';
import type { SessionAccess } from '../journal/stored-shapes.ts';
import { deniedError, refusalMessage } from './control-sentences.ts';
import type { Attached, SessionClients } from './session-clients.ts';
import type { InputSource, Refused } from './session-input.ts';
import type { SessionLife } from './session-life.ts';
import { mustBeHuman, personOf, type SessionRoles } from './session-roles.ts';

/** The same client's wish for control is shown at most so often, milliseconds. */
const REQUEST_EVERY_MS = 5_000;

export type OutputRange = { from: Offset; to: Offset };
type Taken = { control: Control; missed?: OutputRange };
type How = 'typing' | 'take-over' | 'release' | 'grant' | 'mode' | 'pause' | 'role';
/** Who made a change; `client` where it was asked for over an attachment, which has the answer then. */
type Cause = { actor: Actor; client?: ClientId };

export type SessionControlOptions = {
  life: SessionLife;
  access: SessionAccess;
  roles: SessionRoles;
  clients: SessionClients;
  records: Records;
  remembered: RememberedControl;
  /** Whether agents are paused in every session, at the start. */
  agentsPausedEverywhere: boolean;
  outputEnd(): Offset;
  /** Control is different now: the keeper must remember it, and the size may follow. */
  changed(): void;
  /** See UnreadInput. */
  takenOver(by: Actor): Promise<void> | null;
};

export class SessionControl {
  readonly #options: SessionControlOptions;
  readonly lease: ControlLease;
  /** Where the output ended when an agent lost control. */
  readonly #lostAt = new Map<ClientId, Offset>();
  readonly #requestedAt = new Map<ClientId, number>();
  #isPausedEverywhere: boolean;
  #yielding: Promise<void> | null = null;

  constructor(options: SessionControlOptions) {
    this.#options = options;
    this.#isPausedEverywhere = options.agentsPausedEverywhere;
    this.lease = new ControlLease({
      ...options.remembered,
      mode: options.access.controlMode,
      agentsPaused: options.access.agentsPaused || options.agentsPausedEverywhere,
    });
  }

  get controller(): ClientId | null {
    return this.lease.holder?.client ?? null;
  }
  get agentsPaused(): boolean {
    return this.lease.agentsPaused;
  }
  /** What a later host must know to judge a client that comes back. */
  get remembered(): RememberedControl {
    return { epoch: this.lease.epoch, lastHolder: this.lease.lastHolder };
  }

  control(): Control {
    const { holder, mode, epoch } = this.lease;
    const actor = holder && this.#options.records.actor(holder.actor);
    return { mode, epoch, holder: holder && actor ? { actor, client: holder.client } : null };
  }

  /** As `take`, once nothing that an agent had under way is read any more: at once, where there is nothing. Rejects with why not. */
  async takeOver(attached: Attached, force: boolean, answer: (taken: Taken) => void): Promise<void> {
    const taken = this.take(attached, force);
    await this.#whenYielded(attached, taken.control.epoch, () => answer(taken));
  }

  /** Throws why not. */
  take(attached: Attached, force: boolean): Taken {
    this.#mustType(attached);
    const result = this.#tryTake(attached, force);
    if (result.granted) return { control: this.control(), ...this.#missed(attached.client) };
    throw deniedError(result, { control: this.control(), name: this.#options.life.name, actor: attached.actor });
  }

  release(source: InputSource): Control {
    const before = this.lease.holder;
    if (this.lease.release(source.client)) this.#moved(source, 'release', before);
    return this.control();
  }

  /** The client is back after a broken link. */
  resume(attached: Attached, epoch: Epoch): void {
    if (attached.role !== 'observer') this.lease.resume(contender(attached), epoch, this.#options.life.clock.now());
  }

  /** Takes what is free, else lets every human operator know that it is wanted. */
  async request(attached: Attached, reason: string, answer: (result: Taken & { granted: boolean }) => void): Promise<void> {
    const { life, clients } = this.#options;
    this.#mustType(attached);
    const result = this.#tryTake(attached, false);
    if (result.granted) {
      const taken = { granted: true, control: this.control(), ...this.#missed(attached.client) };
      return this.#whenYielded(attached, result.epoch, () => answer(taken));
    }
    if (result.why === 'agents-paused') throw deniedError(result, { control: this.control(), name: life.name, actor: attached.actor });
    const { client, actor } = attached;
    const now = life.clock.now();
    if (now - (this.#requestedAt.get(client) ?? Number.NEGATIVE_INFINITY) >= REQUEST_EVERY_MS) {
      this.#requestedAt.set(client, now);
      dropOldest(this.#requestedAt);
      life.record(attached, 'request', { client, reason });
      for (const other of clients.all()) {
        if (other.client === client || other.actor.kind === 'agent' || other.role === 'observer') continue;
        other.connection.event('control.requested', { channel: other.channel, by: actor, client, reason });
      }
    }
    answer({ granted: false, control: this.control() });
  }

  /** Gives control to the client attached last of those that `isMeant`. Only the human who holds it, and human owners, may. */
  grant(isMeant: (attached: Attached) => boolean, named: string, by: Cause): Control {
    const { life, clients, roles } = this.#options;
    const before = this.lease.holder;
    mustBeHuman(by.actor);
    if (before?.person !== personOf(by.actor)) roles.mustOwn(by.actor);
    roles.mustAct(by.actor, this.agentsPaused);
    const [to] = [...clients.all()]
      .filter((attached) => isMeant(attached) && attached.role !== 'observer')
      .toSorted((a, b) => b.order - a.order);
    if (!to) throw new CmdopError('actor-not-found', `no ${named} is attached to ${life.name} as an operator: \`cmdop who ${life.name}\``);
    if (this.lease.mode === 'open') throw new CmdopError('bad-request', `in mode open every operator of ${life.name} has control already`);
    const { epoch, isAgents } = this.lease;
    if (!this.lease.grant(contender(to), life.clock.now())) throw new CmdopError('agents-paused', this.explain('agents-paused', to.actor));
    if (this.lease.epoch !== epoch) this.#moved(by, 'grant', before);
    if (this.lease.epoch !== epoch && isAgents && to.actor.kind === 'human') this.#yieldTo(by.actor);
    return this.control();
  }

  setMode(mode: ControlMode, by: Actor): void {
    const { access, life, roles } = this.#options;
    roles.mustOwn(by);
    const before = this.lease.holder;
    if (!this.lease.setMode(mode)) return;
    access.controlMode = mode;
    life.saveAccess();
    this.#moved({ actor: by }, 'mode', before);
  }

  /** In this session: see `agents.pause`. */
  pauseHere(isPaused: boolean, by: Actor): void {
    const { access, life } = this.#options;
    access.agentsPaused = isPaused;
    life.saveAccess();
    this.#applyPause(by, 'session');
  }

  /** In every session. */
  pauseEverywhere(isPaused: boolean, by: Actor): void {
    this.#isPausedEverywhere = isPaused;
    this.#applyPause(by, 'everywhere');
  }

  /** What a client may do has changed: it takes effect with its next unit. */
  roleChanged(attached: Attached, role: Role, by: Actor): void {
    const { life } = this.#options;
    if (attached.role === role) return;
    const isFenced = attached.role === 'observer' || role === 'observer';
    attached.role = role;
    const before = this.lease.holder;
    if (isFenced && this.lease.fence(attached.client)) this.#moved({ actor: by }, 'role', before);
    attached.connection.event('role.changed', { channel: attached.channel, role });
    life.changed();
  }

  /** The client left for good and will send nothing again, or must not. */
  forget(source: InputSource, by: Cause = source): void {
    const before = this.lease.holder;
    if (this.lease.release(source.client)) this.#moved(by, by === source ? 'release' : 'role', before);
    this.lease.forget(source.client);
    this.#requestedAt.delete(source.client);
  }

  /** Why the gate refused a unit of `actor`, as a sentence. */
  explain(reason: Refused['reason'], actor: Actor): string {
    return refusalMessage(reason, { control: this.control(), name: this.#options.life.name, actor });
  }

  #mustType(attached: Attached): void {
    const { life } = this.#options;
    if (!life.isRunning) throw new CmdopError('session-ended', `${life.name} has ended: nobody can type there`);
    if (attached.role === 'observer') {
      throw new CmdopError('observer', `${attached.actor.name} observes ${life.name}; attach as operator to take control`);
    }
  }

  #tryTake(attached: Attached, force: boolean): TakeResult {
    const before = this.lease.holder;
    const wasAgents = this.lease.isAgents;
    const result = this.lease.take(contender(attached), { force, now: this.#options.life.clock.now() });
    if (!result.granted || !result.moved) return result;
    this.#moved(attached, force ? 'take-over' : 'typing', before);
    if (wasAgents && attached.actor.kind === 'human') this.#yieldTo(attached.actor);
    return result;
  }

  #yieldTo(person: Actor): void {
    const yielding = this.#options.takenOver(person);
    this.#yielding = yielding;
    void yielding?.then(() => {
      if (this.#yielding === yielding) this.#yielding = null;
    });
  }

  /** Whoever took control types nothing before that: who types knows the epoch from the answer alone. */
  async #whenYielded(attached: Attached, epoch: Epoch, answer: () => void): Promise<void> {
    if (this.#yielding) {
      await this.#yielding;
      // Much may have happened meanwhile.
      const { client, actor, role } = attached;
      const isHere = this.#options.clients.of(client) === attached && role !== 'observer' && this.#options.life.isRunning;
      if (!isHere || this.lease.judge({ client, kind: actor.kind, epoch }) !== 'ok') {
        throw new CmdopError('control-held', this.explain('not-in-control', actor));
      }
    }
    answer();
  }

  #applyPause(by: Actor, where: 'session' | 'everywhere'): void {
    const { access, life } = this.#options;
    const isPaused = access.agentsPaused || this.#isPausedEverywhere;
    const isNews = isPaused !== this.lease.agentsPaused;
    const before = this.lease.holder;
    if (!isPaused) this.lease.resumeAgents();
    else if (isNews && this.lease.pauseAgents()) this.#moved({ actor: by }, 'pause', before);
    if (isNews || where === 'session') life.record({ actor: by }, 'agents', { is: isPaused ? 'paused' : 'resumed', where });
    life.changed();
  }

  /** Control or its epoch is different; whoever asked has the answer to its request. */
  #moved(cause: Cause, by: How, before: Contender | null): void {
    const { life, clients, changed, outputEnd } = this.#options;
    const { holder, epoch, mode } = this.lease;
    life.record(cause, 'control', { by, epoch, client: holder?.client ?? null, ...(by === 'mode' ? { mode } : {}) });
    if (before?.kind === 'agent' && before.client !== holder?.client && by !== 'release') {
      this.#lostAt.set(before.client, outputEnd());
      dropOldest(this.#lostAt);
    }
    const control = this.control();
    for (const { client, channel, connection } of clients.all()) {
      if (client === cause.client) continue;
      const missed = client === holder?.client ? this.#missed(client) : {};
      connection.event('control.changed', { channel, control, ...missed });
    }
    changed();
  }

  /** What an agent was not in control for, once it is again; told once. */
  #missed(client: ClientId): { missed?: OutputRange } {
    const from = this.#lostAt.get(client);
    if (from === undefined) return {};
    this.#lostAt.delete(client);
    return { missed: { from, to: this.#options.outputEnd() } };
  }
}

function contender({ client, actor }: InputSource): Contender {
  return { client, actor: actor.id, kind: actor.kind, person: personOf(actor) };
}
