/** One session as the host holds it: the object with one identity that every client works on. */
import { CmdopError } from '#protocol/errors.ts';
import type { Channel, ClientId, Epoch, Offset, Seq, SessionId } from '#protocol/ids.ts';
import type { EventParams, Params, Result } from '#protocol/messages.ts';
import type { Actor, Role, SessionEnd, SessionSummary, Size } from '#protocol/shapes.ts';
import { type AgentEvent, AgentTracker } from '#session/agent-state.ts';
import type { PolicyDesk } from '../agents/input-judge.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records, StoredSession } from '../journal/records.ts';
import type { KeeperLink, KeeperListener } from '../keepers/keeper-link.ts';
import { keeperNote } from '../keepers/left-with-keeper.ts';
import type { OscEvent } from '../screen/screen-messages.ts';
import { type Attached, SessionClients } from './session-clients.ts';
import type { SessionCommands } from './session-commands.ts';
import { SessionControl } from './session-control.ts';
import type { Unit } from './session-input.ts';
import { SessionLife } from './session-life.ts';
import type { SessionOutput } from './session-output.ts';
import { SessionPresence } from './session-presence.ts';
import { defaultAccess, type Person, personOf, SessionRoles } from './session-roles.ts';
import { SessionSize } from './session-size.ts';
import { summaryOf } from './session-summary.ts';
import { SessionTyping } from './session-typing.ts';
import type { Tty } from './tty-state.ts';

export type LiveSessionOptions = {
  stored: StoredSession;
  output: SessionOutput;
  commands: SessionCommands;
  journal: Journal;
  records: Records;
  /** Monotonic and wall clock, milliseconds. */
  clock: { now(): number; wallNow(): number };
  /** Null for a session that has ended. */
  keeper: KeeperLink | null;
  keeperSocket: string;
  delegatesAfter?: number | undefined;
  remembered: { epoch: Epoch; lastHolder: ClientId | null };
  /** Agents are paused in every session. */
  agentsPaused: boolean;
  desk: PolicyDesk;
  /** Null for a session that has ended. */
  tty: Tty | null;
  /** Who else may come here. */
  shared(): SessionSummary['shared'];
  events: LiveSessionEvents;
};

export type LiveSessionEvents = {
  /** The summary is different now. */
  changed(session: LiveSession): void;
  typing(params: EventParams<'actor.typing'>): void;
};

export class LiveSession {
  readonly stored: StoredSession;
  readonly output: SessionOutput;
  readonly commands: SessionCommands;
  readonly #options: LiveSessionOptions;
  readonly control: SessionControl;
  readonly roles: SessionRoles;
  readonly size: SessionSize;
  readonly #life: SessionLife;
  readonly #clients = new SessionClients();
  readonly #agent = new AgentTracker();
  readonly #presence: SessionPresence;
  readonly typing: SessionTyping;

  constructor(options: LiveSessionOptions) {
    this.#options = options;
    this.stored = options.stored;
    this.output = options.output;
    this.commands = options.commands;
    const { output, keeper, records } = options;
    const clients = this.#clients;
    options.stored.access ??= defaultAccess();
    const { access } = options.stored;
    const life = new SessionLife({ ...options, changed: () => options.events.changed(this), noted: () => this.keepNote() });
    const roles = new SessionRoles(life, access);
    const control = new SessionControl({
      life,
      access,
      roles,
      clients,
      records,
      remembered: options.remembered,
      agentsPausedEverywhere: options.agentsPaused,
      outputEnd: () => output.end,
      changed: () => this.#controlChanged(),
      takenOver: (by) => this.typing.unread.takenOver(by),
    });
    const over = () => this.typing.delegation.over();
    const size = new SessionSize({ life, access, clients, output, over, controller: () => control.controller });
    const agentSaw = (event: AgentEvent) => this.agentSaw(event);
    const typing = new SessionTyping({ ...options, life, roles, control, clients, agentSaw });
    this.control = control;
    this.roles = roles;
    this.size = size;
    this.#life = life;
    this.typing = typing;
    const { input, kicks, agents, unread } = typing;
    const summary = () => this.summary();
    const acting = { input, kicks, agents, unread, agentSaw };
    this.#presence = new SessionPresence({ life, records, clients, control, roles, output, size, summary, ...acting });
    if (keeper) output.from(keeper, keeper.hello.end as Offset);
  }

  get id(): SessionId {
    return this.stored.id;
  }
  get name(): string {
    return this.stored.name;
  }
  get isRunning(): boolean {
    return this.#life.isRunning;
  }
  /** It was found or made running, whether or not its program has ended since. */
  get hasKeeper(): boolean {
    return this.#life.keeper !== null;
  }
  get keeperPid(): number | null {
    return this.isRunning ? (this.#life.keeper?.hello.keeperPid ?? null) : null;
  }
  get shellPid(): number | null {
    return this.isRunning ? (this.#life.keeper?.hello.shellPid ?? null) : null;
  }

  summary(): SessionSummary {
    const { stored, commands, control, size, output } = this;
    const shared = this.#options.shared();
    const parts = { stored, commands, control, size, output, clients: this.#clients, agent: this.#agent };
    return { ...summaryOf(parts), ...(shared ? { shared } : {}) };
  }

  /** Something that tells what the agent here does. */
  agentSaw(event: AgentEvent): void {
    if (this.#agent.take(event, this.#options.clock.wallNow())) this.#options.events.changed(this);
  }

  /** What the keeper says, from `KeeperLink.listen` on. */
  readonly keeperListener: KeeperListener = {
    output: (offset, bytes) => this.output.append(offset, bytes),
    applied: (client, seq) => this.typing.applied(client, seq),
    refused: (client, seq) => this.typing.unread.refused(client, seq),
    typed: (unit) => this.typing.delegation.typed(unit),
    recalled: () => this.typing.delegation.recalled(),
    dropped: (units) => this.typing.unread.dropped(units),
    ending: () => this.#options.tty?.release(),
    exited: ({ code, signal }) => this.#ended({ reason: signal ? 'killed' : 'exited', code, signal }),
    lost: () => this.#ended({ reason: 'keeper-lost', code: null, signal: null }),
  };

  attach(
    connection: ClientConnection,
    wanted: Omit<Params<'session.attach'>, 'session'> & { channel: Channel },
    answer: (result: Result<'session.attach'>) => void,
  ): Promise<void> {
    return this.#presence.attach(connection, wanted, answer);
  }

  /** The client said goodbye to this session: it will resend nothing. */
  detach(channel: Channel): void {
    this.#presence.detach(channel);
  }

  /** The link broke: what the client had in flight may come again. */
  cut(channel: Channel): void {
    const recalled = this.recall();
    if (recalled) void recalled.then(() => this.#presence.cut(channel));
    else this.#presence.cut(channel);
  }

  /** Null: at once. Else resolves when nobody types past this host any more, and what was typed so is known. */
  recall(): Promise<void> | null {
    return this.typing.delegation.recall();
  }

  input(channel: Channel, unit: Unit): void {
    this.typing.unit(channel, unit);
  }

  acknowledged(channel: Channel, offset: Offset): void {
    this.output.acknowledged(channel, offset);
  }

  drained(channel: Channel): void {
    this.#clients.at(channel)?.subscriber?.pump();
  }

  resize(channel: Channel, size: Size): void {
    const attached = this.attachedAt(channel);
    this.#clients.resized(attached, size);
    this.size.fit(attached);
  }

  /** Resolves when nothing more of an observer reaches the program. */
  async setRole(actor: Actor, role: Role, by: Actor): Promise<void> {
    this.roles.set(actor, role, by);
    for (const attached of [...this.#clients.all()]) {
      if (personOf(attached.actor) !== personOf(actor)) continue;
      this.control.roleChanged(attached, this.roles.granted(attached.actor, attached.asked), by);
      this.size.fit({ actor: by });
    }
    const message = `not typed: ${actor.name} was made an observer of ${this.name} before the program read it`;
    const isMeant = (typist: Person) => role === 'observer' && personOf(typist) === personOf(actor);
    await this.typing.unread.stop(isMeant, { reason: 'observer', message });
  }

  /** Whether its keeper says anything within `ms`. */
  async isAnswered(ms: number): Promise<boolean> {
    return !this.isRunning || (await this.#life.keeper?.answers(ms)) !== false;
  }

  /** The connections of everybody who is attached. */
  get connections(): Set<ClientConnection> {
    return new Set([...this.#clients.all()].map(({ connection }) => connection));
  }

  /** See `session.kick`. */
  kick(actor: Actor, by: Actor): Promise<number> {
    return this.#presence.kick(actor, by);
  }

  /** A guest's time is over, at `channel`: nothing of it that has not passed the gate does any more. */
  putOut(channel: Channel, message: string): void {
    this.#presence.putOut(channel, message);
  }

  rename(name: string, by: Actor): void {
    this.#life.rename(name, by);
  }

  signal(name: string, by: Actor): void {
    this.#life.signal(name, by);
  }

  /** The terminal's own answer to a query of the program. */
  reply(bytes: Uint8Array): void {
    if (this.isRunning) this.#life.keeper?.write('', 0 as Seq, bytes);
  }

  osc(osc: OscEvent): void {
    if (!this.commands.osc(osc)) return;
    const { cwd } = this.commands;
    if (cwd === null || cwd === this.stored.cwd) this.#life.changed();
    else {
      this.stored.cwd = cwd; // also known when everything is killed at once
      this.#life.save();
    }
  }

  titled(title: string): void {
    this.#life.titled(title);
  }

  /** Tells the keeper what the next host must know, also where the journal is lost. */
  keepNote(): void {
    this.#life.keeper?.note(keeperNote({ commands: this.commands.note, ...this.control.remembered, access: this.stored.access }));
  }

  closeIdleScreen(): void {
    this.#presence.closeIdleScreen();
  }

  /** Resolves when the keeper of a session that has ended is gone as well. */
  get left(): Promise<void> {
    return this.#life.left;
  }

  /** Makes room for the session's next life: clients attach anew, storage is closed. For a session that has ended. */
  async retire(): Promise<void> {
    this.size.dispose();
    this.#presence.retire();
    await this.output.dispose();
  }

  /** Leaves the session to the next host. */
  async dispose(): Promise<void> {
    this.size.dispose();
    this.#options.tty?.release();
    this.#life.keeper?.close();
    await this.output.dispose();
    this.#life.save();
  }

  #controlChanged(): void {
    this.keepNote();
    this.typing.agents.recheck();
    const holder = this.#clients.of(this.control.controller);
    if (holder) this.size.fit(holder);
    this.#life.changed();
  }

  #ended(end: SessionEnd): void {
    this.#options.tty?.release();
    this.typing.delegation.recalled();
    if (this.stored.end) return;
    this.size.dispose();
    this.commands.sessionEnded(end.code);
    this.#life.end(end, this.commands.cwd);
    this.typing.agents.ended();
    this.#options.desk.approvals.sessionEnded(this.id);
    this.#clients.resumeAll();
    this.#clients.tell('session.ended', (channel) => ({ channel, end }));
    this.typing.kicks.sessionEnded();
    this.#life.releaseKeeper();
  }

  /** Throws `bad-request` if nobody is. */
  attachedAt(channel: Channel): Attached {
    const attached = this.#clients.at(channel);
    if (!attached) throw new CmdopError('bad-request', `channel ${channel} is not attached to ${this.name}`);
    return attached;
  }
}
