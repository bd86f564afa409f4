/**
 * One session as the host holds it: who is attached, its output and input, its end. The object with one identity that
 * every client works on.
 */
import { formatAddress, LOCAL_HOST } from '#protocol/address.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Channel, ClientId, Epoch, Offset, Seq, SessionId } from '#protocol/ids.ts';
import type { Actor, Attachment, Control, EventParams, Result, Role, SessionEnd, SessionSummary, Size } from '#protocol/messages.ts';
import { decideSize } from '#session/window-size.ts';
import type { ClientConnection } from './client-connection.ts';
import type { Journal, JournalKind } from './journal.ts';
import type { KeeperLink, KeeperListener } from './keeper-link.ts';
import type { Records, StoredSession } from './records.ts';
import type { OscEvent } from './screen-messages.ts';
import type { Screens } from './screens.ts';
import type { CommandsNote, SessionCommands } from './session-commands.ts';
import { type InputSource, SessionInput, type Unit } from './session-input.ts';
import type { SessionOutput } from './session-output.ts';
import { type Subscriber, sendSnapshot } from './subscriber.ts';

/** Input written and not yet taken by the program, bytes, above which its sender is not read any more. */
const MAX_UNTAKEN_BYTES = 1024 * 1024;
/** Typing is told at most this often for one client, milliseconds. */
const TYPING_EVERY_MS = 1_000;

export type Attached = {
  readonly connection: ClientConnection;
  readonly client: ClientId;
  readonly actor: Actor;
  readonly channel: Channel;
  readonly since: number;
  role: Role;
  size: Size | undefined;
  /** Grows with every attach and resize of the session. */
  order: number;
  subscriber: Subscriber | null;
  typingToldAt: number;
};

/** What a keeper remembers for the next host. */
export type SessionNote = { commands: CommandsNote; epoch: Epoch; lastHolder: ClientId | null };

export type LiveSessionOptions = {
  stored: StoredSession;
  output: SessionOutput;
  commands: SessionCommands;
  screens: Screens;
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
  readonly #stored: StoredSession;
  readonly #options: LiveSessionOptions;
  readonly output: SessionOutput;
  readonly commands: SessionCommands;
  readonly #input: SessionInput;
  readonly #attached = new Map<Channel, Attached>();
  #keeper: KeeperLink | null;
  #order = 0;
  #title: string;
  /** Written and not yet applied, oldest first. */
  #untaken: { client: ClientId; seq: Seq; bytes: number }[] = [];
  #untakenBytes = 0;
  readonly #pausedConnections = new Set<ClientConnection>();

  constructor(options: LiveSessionOptions) {
    this.#options = options;
    this.#stored = options.stored;
    this.#title = options.stored.title;
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
      write: (client, seq, bytes) => this.#write(client, seq, bytes),
      accepted: (source, unit) => this.#accepted(source, unit),
      controlMoved: (by) => this.#controlMoved(by),
    });
    if (options.keeper) this.output.from(options.keeper);
  }

  get id(): SessionId {
    return this.#stored.id;
  }
  get name(): string {
    return this.#stored.name;
  }
  get isRunning(): boolean {
    return this.#stored.end === null;
  }
  get keeperPid(): number | null {
    return this.isRunning ? (this.#keeper?.hello.keeperPid ?? null) : null;
  }
  get shellPid(): number | null {
    return this.isRunning ? (this.#keeper?.hello.shellPid ?? null) : null;
  }
  get stored(): StoredSession {
    return this.#stored;
  }
  get isAttached(): boolean {
    return this.#attached.size > 0;
  }

  summary(): SessionSummary {
    const { id, name, command, size, createdAt, endedAt, end } = this.#stored;
    return {
      id,
      name,
      address: formatAddress({ host: LOCAL_HOST, session: name }),
      state: end ? 'ended' : 'running',
      end,
      command,
      cwd: this.commands.cwd ?? this.#stored.cwd,
      title: this.#title,
      size,
      createdAt,
      endedAt,
      running: end ? null : this.commands.running,
      attached: [...this.#attached.values()].map(
        (a): Attachment => ({ client: a.client, actor: a.actor, role: a.role, since: a.since, ...(a.size ? { size: a.size } : {}) }),
      ),
      control: this.#input.control(),
      outputEnd: this.output.end,
    };
  }

  /** What the keeper says, from `KeeperLink.listen` on. */
  readonly keeperListener: KeeperListener = {
    output: (offset, bytes) => this.output.append(offset, bytes),
    applied: (client, seq) => this.#applied(client, seq),
    exited: ({ code, signal }) => void this.#ended({ reason: signal ? 'killed' : 'exited', code, signal }),
    lost: () => void this.#ended({ reason: 'keeper-lost', code: null, signal: null }),
  };

  /** Output up to here is stored: the keeper may forget it. */
  outputStored(offset: Offset): void {
    this.#keeper?.ack(offset);
    this.output.caughtUp();
  }

  async attach(
    connection: ClientConnection,
    wanted: {
      channel: Channel;
      role: 'operator' | 'observer';
      have: Offset | undefined;
      epoch: Epoch | undefined;
      size: Size | undefined;
      scrollback: number;
    },
    answer: (result: Result<'session.attach'>) => void,
  ): Promise<void> {
    const { client, actor } = connection.who;
    const source: InputSource = { client, actor, role: wanted.role };
    // A client that comes again over a new link: the old one is dead, whether its end was noticed or not.
    for (const old of [...this.#attached.values()]) if (old.client === client) this.#drop(old);
    const start = await this.output.begin({ have: wanted.have, scrollback: wanted.scrollback });
    if (connection.isClosed) return;
    // From here on in one turn: the answer, then the stream, with nothing between them.
    const attached: Attached = {
      ...source,
      connection,
      channel: wanted.channel,
      since: this.#options.clock.wallNow(),
      size: wanted.size,
      order: ++this.#order,
      subscriber: null,
      typingToldAt: Number.NEGATIVE_INFINITY,
    };
    this.#attached.set(wanted.channel, attached);
    if (wanted.epoch !== undefined && this.isRunning) this.#input.resume(source, wanted.epoch);
    this.#record(source, 'attach', { client, role: wanted.role, mode: start.mode });
    answer({
      channel: wanted.channel,
      mode: start.mode,
      offset: start.offset,
      end: this.output.end,
      size: start.size,
      snapshotBytes: start.text.length,
      role: wanted.role,
      applied: this.#input.applied(client),
      refused: [],
      control: this.#input.control(),
      session: this.summary(),
    });
    if (start.mode === 'snapshot') sendSnapshot(connection, { channel: wanted.channel, offset: start.offset, text: start.text });
    attached.subscriber = this.output.subscribe({ channel: wanted.channel, port: connection, start });
    this.#fitSize(source);
    attached.subscriber.pump();
    if (this.#stored.end) connection.event('session.ended', { channel: wanted.channel, end: this.#stored.end });
    this.#options.events.changed(this);
  }

  /** The client said goodbye to this session: it will resend nothing. */
  detach(channel: Channel): void {
    const attached = this.#attached.get(channel);
    if (!attached) return;
    this.#drop(attached);
    this.#input.forget(attached);
    this.#keeper?.forget(attached.client);
  }

  /** The link broke: what the client had in flight may come again. */
  cut(channel: Channel): void {
    const attached = this.#attached.get(channel);
    if (attached) this.#drop(attached);
  }

  input(channel: Channel, unit: Unit): void {
    const attached = this.#attached.get(channel);
    if (!attached) return;
    if (!this.isRunning) {
      attached.connection.event('input.refused', {
        channel,
        seq: unit.seq,
        reason: 'session-ended',
        message: `not typed: ${this.name} has ended`,
        controlKept: false,
      });
      return;
    }
    const refused = this.#input.unit(attached, unit);
    if (refused) attached.connection.event('input.refused', { channel, ...refused });
  }

  acknowledged(channel: Channel, offset: Offset): void {
    this.#attached.get(channel)?.subscriber?.ack(offset);
  }

  drained(channel: Channel): void {
    this.#attached.get(channel)?.subscriber?.pump();
  }

  take(channel: Channel, force: boolean): Control {
    const attached = this.#attachedAt(channel);
    if (!this.isRunning) throw new CmdopError('session-ended', `${this.name} has ended: nobody can type there`);
    if (attached.role === 'observer')
      throw new CmdopError('observer', `${attached.actor.name} observes ${this.name}; attach as operator to take control`);
    const result = this.#input.take(attached, force);
    if (!result.granted)
      throw new CmdopError('control-held', this.#input.heldMessage(result), { holder: result.holder.actor, freeInMs: result.freeInMs });
    return this.#input.control();
  }

  release(channel: Channel): Control {
    this.#input.release(this.#attachedAt(channel));
    return this.#input.control();
  }

  resize(channel: Channel, size: Size): void {
    const attached = this.#attachedAt(channel);
    attached.size = size;
    attached.order = ++this.#order;
    this.#fitSize(attached);
  }

  rename(name: string, by: Actor): void {
    this.#record({ actor: by }, 'rename', { from: this.#stored.name, to: name });
    this.#stored.name = name;
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
    if (this.commands.osc(osc)) this.#options.events.changed(this);
  }

  titled(title: string): void {
    this.#title = title.slice(0, 256);
    this.#options.events.changed(this);
  }

  /** Tells the keeper what the next host must know, also where the journal is lost. */
  keepNote(): void {
    const { epoch, lastHolder } = this.#input.remembered;
    const note: SessionNote = { commands: this.commands.note, epoch, lastHolder };
    this.#keeper?.note(Buffer.from(JSON.stringify(note)));
  }

  /** Leaves the session to the next host. */
  async dispose(): Promise<void> {
    this.#keeper?.close();
    await this.output.dispose();
    this.#save();
  }

  #write(client: ClientId, seq: Seq, bytes: Uint8Array): void {
    this.#untaken.push({ client, seq, bytes: bytes.length });
    this.#untakenBytes += bytes.length;
    this.#keeper?.write(client, seq, bytes);
  }

  #accepted(source: InputSource, unit: Unit): void {
    this.commands.input({ ...unit, client: source.client, actor: source.actor.id });
    const attached = [...this.#attached.values()].find(({ client }) => client === source.client);
    if (!attached) return;
    const now = this.#options.clock.now();
    if (now - attached.typingToldAt >= TYPING_EVERY_MS) {
      attached.typingToldAt = now;
      this.#options.events.typing({ session: this.id, actor: source.actor.id, client: source.client });
    }
    if (this.#untakenBytes > MAX_UNTAKEN_BYTES && !this.#pausedConnections.has(attached.connection)) {
      this.#pausedConnections.add(attached.connection);
      attached.connection.pause();
    }
  }

  #applied(client: ClientId, seq: Seq): void {
    this.#input.written(client, seq);
    // Units are written in order, so what lies before this one was written too, or by a host that is gone.
    const index = this.#untaken.findIndex((unit) => unit.client === client && unit.seq === seq);
    for (const unit of this.#untaken.splice(0, index + 1)) this.#untakenBytes -= unit.bytes;
    for (const attached of this.#attached.values()) {
      if (attached.client === client) attached.connection.event('input.applied', { channel: attached.channel, seq });
    }
    if (this.#untakenBytes < MAX_UNTAKEN_BYTES / 2 && this.#pausedConnections.size > 0) this.#resumeConnections();
  }

  #resumeConnections(): void {
    for (const connection of this.#pausedConnections) connection.resume();
    this.#pausedConnections.clear();
  }

  #controlMoved(by: ClientId | null): void {
    this.keepNote();
    const control = this.#input.control();
    for (const attached of this.#attached.values()) {
      // The one who asked has the answer to its request.
      if (attached.client !== by) attached.connection.event('control.changed', { channel: attached.channel, control });
    }
    const holder = [...this.#attached.values()].find(({ client }) => client === this.#input.controller);
    if (holder) this.#fitSize(holder);
    this.#options.events.changed(this);
  }

  #fitSize(cause: { actor: Actor }): void {
    if (!this.isRunning) return;
    const size = decideSize(this.#attached.values(), this.#input.controller);
    const current = this.output.size;
    if (!size || (size.cols === current.cols && size.rows === current.rows)) return;
    this.#record(cause, 'resize', { cols: size.cols, rows: size.rows });
    this.#stored.size = size;
    this.output.resize(size);
    this.#keeper?.resize(size);
    this.#save();
  }

  #drop(attached: Attached): void {
    this.#attached.delete(attached.channel);
    this.output.unsubscribe(attached.channel);
    if (this.#pausedConnections.delete(attached.connection)) attached.connection.resume();
    this.#record(attached, 'detach', { client: attached.client });
    this.#fitSize(attached);
    this.#options.events.changed(this);
    this.closeIdleScreen();
  }

  /** Nobody looks at an ended session: its screen can be drawn again. */
  closeIdleScreen(): void {
    if (!this.isRunning && this.#attached.size === 0) this.output.closeScreen();
  }

  async #ended(end: SessionEnd): Promise<void> {
    if (this.#stored.end) return;
    this.#stored.end = end;
    this.#stored.endedAt = this.#options.clock.wallNow();
    this.#stored.cwd = this.commands.cwd ?? this.#stored.cwd;
    this.#stored.title = this.#title;
    this.commands.sessionEnded(end.code);
    this.#record(null, 'session', { is: 'ended', ...end });
    this.#save();
    this.#resumeConnections();
    for (const { connection, channel } of this.#attached.values()) connection.event('session.ended', { channel, end });
    // The keeper may go once its last output is on disk, not before.
    await this.output.stored();
    this.#keeper?.release();
    this.#options.events.changed(this);
  }

  #attachedAt(channel: Channel): Attached {
    const attached = this.#attached.get(channel);
    if (!attached) throw new CmdopError('bad-request', `channel ${channel} is not attached to ${this.name}`);
    return attached;
  }

  #save(): void {
    this.#options.records.saveSession(this.#stored);
    this.#options.events.changed(this);
  }

  #record(by: { actor: Actor } | null, kind: JournalKind, payload: Record<string, unknown>): void {
    this.#options.journal.append({
      session: this.id,
      actor: by?.actor.id ?? null,
      interface: by?.actor.interface ?? null,
      kind,
      outputOffset: this.output.end,
      payload,
    });
  }
}
