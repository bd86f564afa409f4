/**
 * A session's input from the client to the verdict: the gate, the policy before it, what is known of accepted input after
 * it, and secrets apart.
 */
import type { Channel, ClientId, Seq, SessionId } from '#protocol/ids.ts';
import type { EventParams, Result } from '#protocol/messages.ts';
import type { AgentEvent } from '#session/agent-state.ts';
import { AgentInput } from '../agents/agent-input.ts';
import type { PolicyDesk } from '../agents/input-judge.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records } from '../journal/records.ts';
import type { KeeperLink } from '../keepers/keeper-link.ts';
import { Delegation } from './delegation.ts';
import { RetoldInput } from './retold-input.ts';
import type { Attached, SessionClients } from './session-clients.ts';
import type { SessionCommands } from './session-commands.ts';
import type { SessionControl } from './session-control.ts';
import { type AcceptedUnit, type InputSource, SessionInput, type Unit } from './session-input.ts';
import { interrupt } from './session-interrupt.ts';
import { SessionKicks } from './session-kicks.ts';
import type { SessionLife } from './session-life.ts';
import type { SessionOutput } from './session-output.ts';
import type { Person, SessionRoles } from './session-roles.ts';
import type { Tty } from './tty-state.ts';
import { UnreadInput } from './unread-input.ts';

export type SessionTypingOptions = {
  stored: { readonly id: SessionId; readonly name: string };
  life: SessionLife;
  roles: SessionRoles;
  control: SessionControl;
  clients: SessionClients;
  commands: SessionCommands;
  output: SessionOutput;
  journal: Journal;
  records: Records;
  /** Null for a session that has ended. */
  keeper: KeeperLink | null;
  /** Where clients reach the keeper. */
  keeperSocket: string;
  /** See DelegationOptions. */
  delegatesAfter?: number | undefined;
  desk: PolicyDesk;
  /** Null for a session that has ended. */
  tty: Tty | null;
  clock: { now(): number };
  events: { typing(params: EventParams<'actor.typing'>): void };
  agentSaw(event: AgentEvent): void;
};

export class SessionTyping {
  readonly #options: SessionTypingOptions;
  readonly input: SessionInput;
  readonly kicks: SessionKicks;
  readonly agents: AgentInput;
  readonly unread: UnreadInput;
  readonly delegation: Delegation;
  readonly #retold: RetoldInput;

  constructor(options: SessionTypingOptions) {
    const { stored, commands, control, keeper, journal, records, output, clock } = options;
    this.#options = options;
    const input = new SessionInput({
      session: stored.id,
      journal,
      lease: control.lease,
      now: clock.now,
      ledger: keeper?.hello.ledger ?? [],
      refused: keeper ? records.keptRefusals(stored.id) : [],
      outputEnd: () => output.end,
      write: (client, seq, bytes) => keeper?.write(client, seq, bytes),
      passing: (source, unit) => this.unread.passing(source, unit),
      accepted: (source, unit, isSecret) => this.#accepted(source, unit, isSecret),
      holds: (source, unit) => this.agents.holds(source, unit),
      isSecret: () => this.#isSecret(),
      explain: (reason, actor) => control.explain(reason, actor),
    });
    this.input = input;
    const kicks = new SessionKicks({ input, roles: options.roles });
    this.kicks = kicks;
    this.unread = new UnreadInput({ ...options, session: stored.id, input, kicks });
    this.#retold = new RetoldInput({ session: stored.id, records, input, commands });
    this.delegation = new Delegation({
      ...options,
      lease: control.lease,
      socket: options.keeperSocket,
      input,
      leavesPeopleAlone: () => options.desk.rules().leavesPeopleAlone,
      retold: this.#retold,
    });
    this.agents = new AgentInput({
      session: { id: stored.id, name: () => stored.name },
      desk: options.desk,
      now: clock.now,
      context: () => commands.context(() => options.tty?.read()?.isCanonical ?? null),
      isSecret: () => this.#isSecret(),
      fault: (source, unit) => input.fault(source, unit),
      admit: (source, unit, approval) => input.admit(source, unit, approval),
      refuse: (source, unit, refusal) => {
        const refused = input.refused(source, unit, refusal);
        const attached = options.clients.of(source.client);
        attached?.connection.event('input.refused', { channel: attached.channel, ...refused });
      },
    });
    commands.onContext(() => this.agents.contextChanged());
  }

  /** A unit has come. */
  unit(channel: Channel, unit: Unit): void {
    const { clients, life } = this.#options;
    const attached = clients.at(channel);
    if (!attached) return;
    const over = this.delegation.isOf(attached.client) ? null : this.delegation.recall();
    if (over) {
      clients.hold(attached, over);
      void over.then(() => this.unit(channel, unit));
      return;
    }
    const refused = life.isRunning
      ? this.input.unit(attached, unit)
      : { seq: unit.seq, reason: 'session-ended' as const, message: `not typed: ${life.name} has ended`, controlKept: false };
    if (refused) attached.connection.event('input.refused', { channel, ...refused });
  }

  /** The keeper has written a unit. */
  applied(client: ClientId, seq: Seq): void {
    const { clients } = this.#options;
    this.input.written(client, seq);
    clients.taken(client, seq);
    const attached = clients.of(client);
    if (attached) attached.connection.event('input.applied', { channel: attached.channel, seq });
    else this.kicks.applied(client, seq);
  }

  /** See `input.interrupt`. */
  async interrupt(attached: Attached): Promise<Result<'input.interrupt'>> {
    const { client, actor } = attached;
    this.agents.mustInterrupt(actor);
    const typed = (bytes: Uint8Array) => {
      const seq = this.input.accepted(client);
      this.#options.commands.input({ bytes, seq, client, actor: actor.id });
    };
    return interrupt({ ...this.#options, unread: this.unread, attached, typed });
  }

  /** The keeper is there again: whoever was stopped before may have been heard by nobody. Resolves when that is made good. */
  adopted(): Promise<void> {
    const { roles, control, stored, keeper } = this.#options;
    if (!keeper?.retells) this.#retold.all();
    if (!control.agentsPaused && !roles.hasStopped) return Promise.resolve();
    const mayType = (typist: Person) =>
      !(typist.kind === 'agent' && control.agentsPaused) && !roles.isKicked(typist) && roles.roleOf(typist) !== 'observer';
    const message = `not typed: whoever typed it was stopped in ${stored.name} before the program read it`;
    return this.unread.stop((typist) => !mayType(typist), { reason: 'not-in-control', message });
  }

  /** Agents may not act any more: of what they have typed nothing more is read. Resolves when that is so. */
  agentsPaused(): Promise<void> {
    const message = `not typed: agents were paused in ${this.#options.stored.name} before the program read it`;
    return this.unread.stop(({ kind }) => kind === 'agent', { reason: 'agents-paused', message });
  }

  /**
   * The program reads a line and does not show it. The terminal alone says so: a shell that edits its line has it give keys,
   * and the shell's marks come after what they tell of, so that by them a program that asks already is still the prompt.
   */
  #isSecret(): boolean {
    const modes = this.#options.tty?.read();
    return modes?.isCanonical === true && !modes.isEchoing;
  }

  /** A unit passed the gate. */
  #accepted(source: InputSource, unit: AcceptedUnit, isSecret: boolean): void {
    const { client, actor } = source;
    const { commands, clients, clock, events, stored, agentSaw } = this.#options;
    if (isSecret) commands.secretTyped();
    else commands.input({ ...unit, client, actor: actor.id });
    clients.written(client, unit.seq, unit.bytes.length);
    const attached = clients.of(client);
    if (attached) this.delegation.passed(attached, unit, isSecret);
    agentSaw({ is: 'input', agent: actor.kind === 'agent' ? actor.name : null });
    if (!clients.isTypingNews(client, clock.now(), isSecret)) return;
    events.typing({ session: stored.id, actor: actor.id, client, ...(isSecret ? { secret: true } : {}) });
  }
}
