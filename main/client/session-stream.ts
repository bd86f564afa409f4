/**
 * One attachment to a session, across any number of connections: output by offset, input by unit.
 *
 * Invariant 2: what is handed to the sink, in order, gives the host's screen: after a snapshot the bytes from its
 * offset, after a reconnect the bytes from where this stream stands, resizes at exactly their place.
 */
import type { CmdopError } from '#protocol/errors.ts';
import type { Frame } from '#protocol/frames.ts';
import type { Channel, ClientId, Offset, SessionId } from '#protocol/ids.ts';
import type { EventParams, ParamsInput, Result } from '#protocol/messages.ts';
import type { Control, Role, SessionEnd, SessionSummary, Size } from '#protocol/shapes.ts';
import type { Connection } from './connection.ts';
import { InputOutbox, type OutboxAction, type Verdict } from './input-outbox.ts';

/** Bytes parsed before the host is told, bytes: a quarter of its send window (DESIGN, section 4). */
const ACK_EVERY_BYTES = 256 * 1024;
/** Largest single input unit, bytes; a larger paste becomes several. */
const MAX_UNIT_BYTES = 256 * 1024;

/** Where a stream delivers; calls come in stream order. `parsed` must be called when the bytes were parsed. */
export type SessionSink = {
  /** Reset the terminal, give it this size, write this text. */
  snapshot(text: Uint8Array, size: Size, parsed: () => void): void;
  output(bytes: Uint8Array, parsed: () => void): void;
  resized(size: Size): void;
  /** Output in this range was skipped, because this client was too slow or away too long. A snapshot follows. */
  gap(range: { from: Offset; to: Offset }): void;
  /** A unit was refused; `bytes` is what was typed. */
  refused(refusal: Extract<Verdict, { verdict: 'refused' }>, bytes: Uint8Array): void;
  /** Control, role, pending input or the state of the attachment changed. */
  changed(): void;
  ended(end: SessionEnd): void;
  /** The session cannot be attached (any more): it does not exist, or the role is not granted. */
  failed(error: CmdopError): void;
};

export type AttachOptions = {
  role?: 'operator' | 'observer';
  size?: Size;
  /** Lines of scrollback wanted above the screen. */
  scrollback?: number;
};

export class SessionStream {
  readonly #session: string;
  readonly #clientId: ClientId;
  readonly #sink: SessionSink;
  readonly #outbox = new InputOutbox();
  readonly #options: AttachOptions;
  readonly #onDispose: () => void;
  #size: Size | undefined;
  #connection: Connection | null = null;
  #channel: Channel | null = null;
  #received: Offset | null = null;
  #parsed = 0 as Offset;
  #acked = 0 as Offset;
  #control: Control | null = null;
  #role: Role = 'operator';
  #summary: SessionSummary | null = null;
  #end: SessionEnd | null = null;
  #isDisposed = false;
  /** Who waits for a unit's verdict, by the unit's bytes. */
  readonly #awaitingVerdict = new Map<Uint8Array, (verdict: Verdict) => void>();
  /** The snapshot whose frames are to come: the terminal's size, and how many bytes of text are missing. */
  #snapshot: { size: Size; isBegun: boolean; missingBytes: number } | null = null;

  constructor(options: { session: string; clientId: ClientId; attach: AttachOptions; sink: SessionSink; onDispose: () => void }) {
    this.#clientId = options.clientId;
    this.#session = options.session;
    this.#sink = options.sink;
    this.#options = options.attach;
    this.#size = options.attach.size;
    this.#onDispose = options.onDispose;
  }

  get sessionId(): SessionId | null {
    return this.#summary?.id ?? null;
  }
  get channel(): Channel | null {
    return this.#channel;
  }
  /** The session as it was at the last attach answer. */
  get summary(): SessionSummary | null {
    return this.#summary;
  }
  get isAttached(): boolean {
    return this.#channel !== null;
  }
  get role(): Role {
    return this.#role;
  }
  get control(): Control | null {
    return this.#control;
  }
  get hasControl(): boolean {
    return this.#outbox.hasControl;
  }
  /** Input without a verdict: units and bytes. */
  get pending(): { units: number; bytes: number } {
    return { units: this.#outbox.pendingUnits, bytes: this.#outbox.pendingBytes };
  }
  get end(): SessionEnd | null {
    return this.#end;
  }
  /** Where the parsed output ends. */
  get offset(): Offset {
    return this.#parsed;
  }

  /** Types one unit. Settles with its verdict; of several units for a large paste, with the last one's. */
  type(bytes: Uint8Array): Promise<Verdict> {
    if (this.#isDisposed) return Promise.resolve({ seq: null, verdict: 'refused', reason: 'dropped', message: 'detached' });
    let verdict = Promise.resolve<Verdict>({ seq: null, verdict: 'applied' });
    for (let at = 0; at < bytes.length; at += MAX_UNIT_BYTES) {
      const unit = bytes.slice(at, at + MAX_UNIT_BYTES);
      verdict = new Promise((resolve) => this.#awaitingVerdict.set(unit, resolve));
      const actions = this.#outbox.type(unit);
      if (this.#end) actions.push(...this.#outbox.ended('not typed: the session has ended'));
      this.#perform(actions);
    }
    this.#sink.changed();
    return verdict;
  }

  /** Drops held input that was not sent yet. */
  dropPending(): void {
    this.#perform(this.#outbox.drop('dropped', 'dropped'));
    this.#sink.changed();
  }

  async takeControl(): Promise<void> {
    const { connection, channel } = this.#attached();
    if (!connection) return;
    await connection.request('control.take', { channel, force: true }, ({ control }) => this.#granted(control));
  }

  async releaseControl(): Promise<void> {
    const { connection, channel } = this.#attached();
    if (!connection) return;
    await connection.request('control.release', { channel }, ({ control }) => this.controlChanged({ channel, control }));
  }

  /** The window of this client has this size now; the session follows if this client decides. */
  resize(size: Size): void {
    if (this.#size?.cols === size.cols && this.#size.rows === size.rows) return;
    this.#size = size;
    const { connection, channel } = this.#attached();
    connection?.request('session.resize', { channel, size }).catch(() => {}); // the next attach carries it
  }

  /** Ends the attachment; the session goes on. */
  detach(): void {
    if (this.#isDisposed) return;
    const { connection, channel } = this.#attached();
    connection?.request('session.detach', { channel }).catch(() => {}); // the connection's end does the same
    this.dispose();
  }

  /** @internal */
  async attachOver(connection: Connection): Promise<void> {
    if (this.#isDisposed || this.#end) return;
    this.#connection = connection;
    const epoch = this.#outbox.epoch;
    const params: ParamsInput<'session.attach'> = {
      // Once known, the id: a name may have passed to another session.
      session: this.#summary?.id ?? this.#session,
      role: this.#options.role ?? 'operator',
      scrollback: this.#options.scrollback ?? 0,
      ...(this.#received === null ? {} : { have: this.#received }),
      ...(epoch === null ? {} : { epoch }),
      ...(this.#size ? { size: this.#size } : {}),
    };
    try {
      await connection.request('session.attach', params, (answer) => {
        if (this.#isCurrent(connection)) this.#answered(answer);
      });
    } catch (error) {
      if (!this.#isCurrent(connection)) return;
      if ((error as CmdopError).code !== 'disconnected') this.#sink.failed(error as CmdopError);
    }
  }

  #answered(answer: Result<'session.attach'>): void {
    this.#channel = answer.channel;
    this.#summary = answer.session;
    this.#role = answer.role;
    this.#control = answer.control;
    if (answer.mode === 'resume') {
      this.#received = answer.offset;
      this.#sink.resized(answer.size);
    } else {
      if (this.#received !== null && this.#received < answer.offset) this.#sink.gap({ from: this.#received, to: answer.offset });
      this.#expectSnapshot(answer.size, answer.snapshotBytes);
    }
    this.#acked = answer.offset;
    const hasControl = this.#clientId === answer.control.holder?.client;
    this.#perform(this.#outbox.attached({ applied: answer.applied, refused: answer.refused, hasControl, epoch: answer.control.epoch }));
    this.#sink.changed();
  }

  /** @internal */
  frame(frame: Extract<Frame, { kind: 'output' | 'snapshot' }>): void {
    const end = (frame.offset + frame.bytes.length) as Offset;
    if (frame.kind === 'snapshot') {
      const snapshot = this.#snapshot;
      if (!snapshot) return;
      snapshot.missingBytes -= frame.bytes.length;
      if (snapshot.missingBytes <= 0) this.#snapshot = null;
      if (snapshot.isBegun) {
        this.#sink.output(frame.bytes, () => {});
        return;
      }
      snapshot.isBegun = true;
      this.#received = frame.offset;
      this.#parsed = frame.offset;
      this.#acked = frame.offset;
      this.#sink.snapshot(frame.bytes, snapshot.size, () => this.#wasParsed(frame.offset));
      return;
    }
    this.#received = end;
    this.#sink.output(frame.bytes, () => this.#wasParsed(end));
  }

  /** @internal */
  applied({ seq }: EventParams<'input.applied'>): void {
    this.#perform(this.#outbox.applied(seq));
    this.#sink.changed();
  }

  /** @internal */
  refused({ seq, reason, message, controlKept }: EventParams<'input.refused'>): void {
    this.#perform(this.#outbox.refused({ seq, reason, message, controlKept }));
    this.#sink.changed();
  }

  /** @internal */
  controlChanged({ control }: EventParams<'control.changed'>): void {
    this.#control = control;
    this.#perform(this.#outbox.controlMoved(control.epoch));
    this.#sink.changed();
  }

  /** @internal */
  roleChanged({ role }: EventParams<'role.changed'>): void {
    this.#role = role;
    this.#sink.changed();
  }

  /** @internal */
  resized({ size }: EventParams<'session.resized'>): void {
    this.#sink.resized(size);
  }

  /** @internal */
  gap({ from, to, size, snapshotBytes }: EventParams<'output.gap'>): void {
    this.#expectSnapshot(size, snapshotBytes);
    this.#sink.gap({ from, to });
  }

  /** @internal */
  ended({ end }: EventParams<'session.ended'>): void {
    this.#end = end;
    this.#perform(this.#outbox.ended('not typed: the session has ended'));
    this.#sink.ended(end);
    this.#sink.changed();
  }

  /** @internal The connection is gone. */
  cut(): void {
    this.#connection = null;
    this.#channel = null;
    this.#outbox.cut();
    this.#sink.changed();
  }

  /** @internal */
  dispose(): void {
    this.#isDisposed = true;
    this.#channel = null;
    this.#perform(this.#outbox.ended('detached'));
    this.#onDispose();
  }

  #expectSnapshot(size: Size, missingBytes: number): void {
    this.#snapshot = { size, isBegun: false, missingBytes };
  }

  #wasParsed(offset: Offset): void {
    this.#parsed = offset;
    const { connection, channel } = this.#attached();
    if (!connection || this.#parsed - this.#acked < ACK_EVERY_BYTES) return;
    this.#acked = this.#parsed;
    connection.notify('output.ack', { channel, offset: this.#parsed });
  }

  #perform(actions: OutboxAction[]): void {
    for (const action of actions) {
      switch (action.do) {
        case 'send': {
          const { connection, channel } = this.#attached();
          connection?.sendInput(channel, action.unit);
          break;
        }
        case 'take':
          void this.#takeByTyping();
          break;
        case 'settle':
          this.#awaitingVerdict.get(action.bytes)?.(action.verdict);
          this.#awaitingVerdict.delete(action.bytes);
          if (action.verdict.verdict === 'refused') this.#sink.refused(action.verdict, action.bytes);
          break;
      }
    }
  }

  async #takeByTyping(): Promise<void> {
    const { connection, channel } = this.#attached();
    if (!connection) return;
    try {
      await connection.request('control.take', { channel }, ({ control }) => this.#granted(control));
    } catch (error) {
      if (!this.#isCurrent(connection)) return;
      this.#perform(this.#outbox.denied((error as CmdopError).message));
      this.#sink.changed();
    }
  }

  #granted(control: Control): void {
    this.#control = control;
    this.#perform(this.#outbox.granted(control.epoch));
    this.#sink.changed();
  }

  #attached(): { connection: Connection; channel: Channel } | { connection: null; channel: null } {
    if (!this.#connection || this.#channel === null) return { connection: null, channel: null };
    return { connection: this.#connection, channel: this.#channel };
  }

  #isCurrent = (connection: Connection): boolean => this.#connection === connection && !this.#isDisposed;
}
