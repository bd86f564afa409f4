/**
 * One session as the host holds it: who is attached, its output and input, its end. The object with one identity that
 * every client works on.
 */
import { formatAddress, LOCAL_HOST } from '#protocol/address.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Channel, ClientId, Epoch, Offset, Seq, SessionId } from '#protocol/ids.ts';
import type { EventParams, Params, Result } from '#protocol/messages.ts';
import type { Actor, Control, SessionEnd, SessionSummary, Size } from '#protocol/shapes.ts';
import { decideSize } from '#session/window-size.ts';
import type { ClientConnection } from './client-connection.ts';
import type { Journal, JournalKind } from './journal.ts';
import type { KeeperLink, KeeperListener } from './keeper-link.ts';
import type { Records, StoredSession } from './records.ts';
import type { OscEvent } from './screen-messages.ts';
import { type Attached, SessionClients } from './session-clients.ts';
import type { CommandsNote, SessionCommands } from './session-commands.ts';
import { type InputSource, SessionInput, type Unit } from './session-input.ts';
import type { SessionOutput } from './session-output.ts';
import { sendSnapshot } from './subscriber.ts';

/** Longest title kept, characters: a program may set any. */
const MAX_TITLE_CHARACTERS = 256;

/** What a keeper remembers for the next host. */
export type SessionNote = { commands: CommandsNote; epoch: Epoch; lastHolder: ClientId | null };

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
  remembered: { epoch: Epoch; lastHolder: ClientId | null };
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
  readonly #input: SessionInput;
  readonly #clients = new SessionClients();
  readonly #keeper: KeeperLink | null;
  /** Since the end: resolves when its keeper is gone as well. */
  #leaving: Promise<void> = Promise.resolve();

  constructor(options: LiveSessionOptions) {
    this.#options = options;
    this.stored = options.stored;
    this.output = options.output;
    this.commands = options.commands;
    this.#keeper = options.keeper;
    this.#input = new SessionInput({
      session: options.stored.id,
      journal: options.journal,
      records: options.records,
      now: options.clock.now,
      remembered: options.remembered,
      ledger: options.keeper?.hello.ledger ?? [],
      outputEnd: () => this.output.end,
      write: (client, seq, bytes) => this.#keeper?.write(client, seq, bytes),
      accepted: (source, unit) => this.#accepted(source, unit),
      controlMoved: (by) => this.#controlMoved(by),
    });
    if (options.keeper) this.output.from(options.keeper, options.keeper.hello.end as Offset);
  }

  get id(): SessionId {
    return this.stored.id;
  }
  get name(): string {
    return this.stored.name;
  }
  get isRunning(): boolean {
    return this.stored.end === null;
  }
  /** It was found or made running, whether or not its program has ended since. */
  get hasKeeper(): boolean {
    return this.#keeper !== null;
  }
  get keeperPid(): number | null {
    return this.isRunning ? (this.#keeper?.hello.keeperPid ?? null) : null;
  }
  get shellPid(): number | null {
    return this.isRunning ? (this.#keeper?.hello.shellPid ?? null) : null;
  }

  summary(): SessionSummary {
    const { id, name, command, title, size, createdAt, endedAt, end } = this.stored;
    return {
      id,
      name,
      address: formatAddress({ host: LOCAL_HOST, session: name }),
      state: end ? 'ended' : 'running',
      end,
      command,
      cwd: this.commands.cwd ?? this.stored.cwd,
      title,
      size,
      createdAt,
      endedAt,
      running: end ? null : this.commands.running,
      attached: this.#clients.presence(),
      control: this.#input.control(),
      outputEnd: this.output.end,
    };
  }

  /** What the keeper says, from `KeeperLink.listen` on. */
  readonly keeperListener: KeeperListener = {
    output: (offset, bytes) => this.output.append(offset, bytes),
    applied: (client, seq) => this.#applied(client, seq),
    exited: ({ code, signal }) => this.#ended({ reason: signal ? 'killed' : 'exited', code, signal }),
    lost: () => this.#ended({ reason: 'keeper-lost', code: null, signal: null }),
  };

  /** Output up to here is stored: the keeper may forget it. */
  outputStored(offset: Offset): void {
    this.output.storedUpTo(offset);
  }

  async attach(
    connection: ClientConnection,
    wanted: Omit<Params<'session.attach'>, 'session'> & { channel: Channel },
    answer: (result: Result<'session.attach'>) => void,
  ): Promise<void> {
    const { client, actor } = connection.who;
    const { channel, role, size } = wanted;
    // A client that comes again over a new link: the old one is dead, whether its end was noticed or not.
    const old = this.#clients.of(client);
    if (old) this.#drop(old);
    const start = await this.output.begin({ have: wanted.have, scrollback: wanted.scrollback });
    if (connection.isClosed) return;
    const newer = this.#clients.of(client); // it asked twice at once: the last one counts
    if (newer) this.#drop(newer);
    // From here on in one turn: the answer, then the stream, with nothing between them.
    const attached = this.#clients.add({ client, actor, role, connection, channel, size, since: this.#options.clock.wallNow() });
    if (wanted.epoch !== undefined && this.isRunning) this.#input.resume(attached, wanted.epoch);
    this.#record(attached, 'attach', { client, role, mode: start.mode });
    answer({
      channel,
      mode: start.mode,
      offset: start.offset,
      end: Math.max(this.output.end, start.offset) as Offset,
      size: start.size,
      snapshotBytes: start.text.length,
      role,
      applied: this.#input.applied(client),
      refused: [],
      control: this.#input.control(),
      session: this.summary(),
    });
    if (start.mode === 'snapshot') sendSnapshot(connection, { channel, offset: start.offset, text: start.text });
    attached.subscriber = this.output.subscribe({ channel, port: connection, start });
    this.#fitSize(attached);
    attached.subscriber.pump();
    if (this.stored.end) connection.event('session.ended', { channel, end: this.stored.end });
    this.#options.events.changed(this);
  }

  /** The client said goodbye to this session: it will resend nothing. */
  detach(channel: Channel): void {
    const attached = this.#clients.at(channel);
    if (!attached) return;
    this.#drop(attached);
    this.#input.forget(attached);
    this.#keeper?.forget(attached.client);
  }

  /** The link broke: what the client had in flight may come again. */
  cut(channel: Channel): void {
    const attached = this.#clients.at(channel);
    if (attached) this.#drop(attached);
  }

  input(channel: Channel, unit: Unit): void {
    const attached = this.#clients.at(channel);
    if (!attached) return;
    const refused = this.isRunning
      ? this.#input.unit(attached, unit)
      : { seq: unit.seq, reason: 'session-ended' as const, message: `not typed: ${this.name} has ended`, controlKept: false };
    if (refused) attached.connection.event('input.refused', { channel, ...refused });
  }

  acknowledged(channel: Channel, offset: Offset): void {
    this.output.acknowledged(channel, offset);
  }

  drained(channel: Channel): void {
    this.#clients.at(channel)?.subscriber?.pump();
  }

  take(channel: Channel, force: boolean): Control {
    const attached = this.#attachedAt(channel);
    if (!this.isRunning) throw new CmdopError('session-ended', `${this.name} has ended: nobody can type there`);
    if (attached.role === 'observer') {
      throw new CmdopError('observer', `${attached.actor.name} observes ${this.name}; attach as operator to take control`);
    }
    const result = this.#input.take(attached, force);
    if (result.granted) return this.#input.control();
    throw new CmdopError('control-held', this.#input.heldMessage(result), { holder: result.holder.actor, freeInMs: result.freeInMs });
  }

  release(channel: Channel): Control {
    this.#input.release(this.#attachedAt(channel));
    return this.#input.control();
  }

  resize(channel: Channel, size: Size): void {
    const attached = this.#attachedAt(channel);
    this.#clients.resized(attached, size);
    this.#fitSize(attached);
  }

  rename(name: string, by: Actor): void {
    this.#record({ actor: by }, 'rename', { from: this.name, to: name });
    this.stored.name = name;
    this.#save();
  }

  signal(name: string, by: Actor): void {
    if (!this.isRunning) throw new CmdopError('session-ended', `${this.name} has ended already`);
    this.#record({ actor: by }, 'signal', { signal: name });
    this.#keeper?.signal(name);
  }

  /** The terminal's own answer to a query of the program. */
  reply(bytes: Uint8Array): void {
    if (this.isRunning) this.#keeper?.write('', 0 as Seq, bytes);
  }

  osc(osc: OscEvent): void {
    if (!this.commands.osc(osc)) return;
    const { cwd } = this.commands;
    if (cwd === null || cwd === this.stored.cwd) this.#options.events.changed(this);
    else {
      this.stored.cwd = cwd; // also known when everything is killed at once
      this.#save();
    }
  }

  titled(title: string): void {
    this.stored.title = title.slice(0, MAX_TITLE_CHARACTERS);
    this.#options.events.changed(this);
  }

  /** Tells the keeper what the next host must know, also where the journal is lost. */
  keepNote(): void {
    const note: SessionNote = { commands: this.commands.note, ...this.#input.remembered };
    this.#keeper?.note(Buffer.from(JSON.stringify(note)));
  }

  /** Nobody looks at an ended session: its screen can be drawn again. */
  closeIdleScreen(): void {
    if (!this.isRunning && this.#clients.size === 0) this.output.closeScreen();
  }

  /** Resolves when the keeper of a session that has ended is gone as well. */
  get left(): Promise<void> {
    return this.#leaving;
  }

  /** Makes room for the session's next life: clients attach anew, storage is closed. For a session that has ended. */
  async retire(): Promise<void> {
    for (const attached of [...this.#clients.all()]) {
      this.#clients.remove(attached);
      this.output.unsubscribe(attached.channel);
      this.#record(attached, 'detach', { client: attached.client });
    }
    this.output.closeScreen();
    await this.output.dispose();
  }

  /** Leaves the session to the next host. */
  async dispose(): Promise<void> {
    this.#keeper?.close();
    await this.output.dispose();
    this.#save();
  }

  #accepted(source: InputSource, unit: Unit): void {
    this.commands.input({ ...unit, client: source.client, actor: source.actor.id });
    this.#clients.written(source.client, unit.seq, unit.bytes.length);
    if (!this.#clients.isTypingNews(source.client, this.#options.clock.now())) return;
    this.#options.events.typing({ session: this.id, actor: source.actor.id, client: source.client });
  }

  #applied(client: ClientId, seq: Seq): void {
    this.#input.written(client, seq);
    this.#clients.taken(client, seq);
    const attached = this.#clients.of(client);
    attached?.connection.event('input.applied', { channel: attached.channel, seq });
  }

  #controlMoved(by: ClientId | null): void {
    this.keepNote();
    const control = this.#input.control();
    // The one who asked has the answer to its request.
    this.#clients.tell('control.changed', (channel) => ({ channel, control }), by);
    const holder = this.#clients.of(this.#input.controller);
    if (holder) this.#fitSize(holder);
    this.#options.events.changed(this);
  }

  #fitSize(cause: { actor: Actor }): void {
    if (!this.isRunning) return;
    const size = decideSize(this.#clients.all(), this.#input.controller);
    const current = this.output.size;
    if (!size || (size.cols === current.cols && size.rows === current.rows)) return;
    this.#record(cause, 'resize', { cols: size.cols, rows: size.rows });
    this.stored.size = size;
    this.output.resize(size);
    this.#keeper?.resize(size);
    this.#save();
  }

  #drop(attached: Attached): void {
    this.#clients.remove(attached);
    this.output.unsubscribe(attached.channel);
    this.#record(attached, 'detach', { client: attached.client });
    this.#fitSize(attached);
    this.#options.events.changed(this);
    this.closeIdleScreen();
  }

  #ended(end: SessionEnd): void {
    if (this.stored.end) return;
    this.stored.end = end;
    this.stored.endedAt = this.#options.clock.wallNow();
    this.stored.cwd = this.commands.cwd ?? this.stored.cwd;
    this.commands.sessionEnded(end.code);
    this.#record(null, 'session', { is: 'ended', ...end });
    this.#save();
    this.#clients.resumeAll();
    this.#clients.tell('session.ended', (channel) => ({ channel, end }));
    this.#leaving = this.#releaseKeeper();
  }

  /** The keeper may go once its last output is on disk, not before. */
  async #releaseKeeper(): Promise<void> {
    await this.output.stored();
    this.#keeper?.release();
    await this.#keeper?.closed;
  }

  #attachedAt(channel: Channel): Attached {
    const attached = this.#clients.at(channel);
    if (!attached) throw new CmdopError('bad-request', `channel ${channel} is not attached to ${this.name}`);
    return attached;
  }

  #save(): void {
    this.#options.records.saveSession(this.stored);
    this.#options.events.changed(this);
  }

  #record(by: { actor: Actor } | null, kind: JournalKind, payload: Record<string, unknown>): void {
    const { journal } = this.#options;
    const { id = null, interface: interfaceKind = null } = by?.actor ?? {};
    journal.append({ session: this.id, actor: id, interface: interfaceKind, kind, outputOffset: this.output.end, payload });
  }
}
