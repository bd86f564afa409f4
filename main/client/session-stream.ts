/** One attachment to a session, across any number of connections: output by offset, input by unit. */
import { CmdopError } from '#protocol/errors.ts';
import type { Frame } from '#protocol/frames.ts';
import type { Channel, ClientId, Offset, SessionId } from '#protocol/ids.ts';
import type { EventParams, ParamsInput, Result } from '#protocol/messages.ts';
import type { Control, Role, SessionEnd, SessionSummary, Size } from '#protocol/shapes.ts';
import { lastVerdicts } from '#protocol/shapes.ts';
import type { AttachOptions } from './client-options.ts';
import type { Connection } from './connection.ts';
import type { Verdict } from './input-outbox.ts';
import type { OpenKeeper } from './input-route.ts';
import type { SessionSink } from './session-sink.ts';
import { type Link, type OutputRange, StreamInput } from './stream-input.ts';
import { StreamOutput } from './stream-output.ts';

export type StreamOptions = {
  session: string;
  clientId: ClientId;
  openKeeper: OpenKeeper | undefined;
  attach: AttachOptions;
  sink: SessionSink;
  onDispose: () => void;
};

export class SessionStream {
  readonly #session: string;
  readonly #sink: SessionSink;
  readonly #input: StreamInput;
  readonly #output: StreamOutput;
  readonly #options: AttachOptions;
  readonly #onDispose: () => void;
  readonly #takesDelegation: boolean;
  #size: Size | undefined;
  #connection: Connection | null = null;
  #channel: Channel | null = null;
  #role: Role = 'operator';
  #summary: SessionSummary | null = null;
  #end: SessionEnd | null = null;
  #isDisposed = false;
  #waiting: string | null = null;
  /** Only verdicts come yet. */
  #isKicked = false;

  constructor(options: StreamOptions) {
    this.#session = options.session;
    this.#sink = options.sink;
    this.#options = options.attach;
    this.#size = options.attach.size;
    this.#onDispose = options.onDispose;
    this.#takesDelegation = options.openKeeper !== undefined;
    this.#input = new StreamInput({
      clientId: options.clientId,
      role: () => this.#role,
      link: () => this.#link(),
      openKeeper: options.openKeeper,
      output: (frame) => this.#output.shown(frame),
      refused: (refusal, bytes) => this.#sink.refused(refusal, bytes),
      changed: () => this.#sink.changed(),
    });
    this.#output = new StreamOutput({
      sink: options.sink,
      window: options.attach.window,
      acknowledge: (offset) => {
        const link = this.#link();
        link?.connection.notify('output.ack', { channel: link.channel, offset });
        return link !== null;
      },
    });
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
  /** Why there is nothing to attach to yet, a sentence of the host; it goes on by itself. Null where that is not so. */
  get waiting(): string | null {
    return this.#waiting;
  }
  get role(): Role {
    return this.#role;
  }
  get control(): Control | null {
    return this.#input.control;
  }
  get hasControl(): boolean {
    return this.#input.hasControl;
  }
  /** Input without a verdict: units and bytes. */
  get pending(): { units: number; bytes: number } {
    return this.#input.pending;
  }
  /** What the program printed while this agent was without the control that it has again; null if nothing, or no agent. */
  get missed(): OutputRange | null {
    return this.#input.missed;
  }
  get end(): SessionEnd | null {
    return this.#end;
  }
  /** Where the parsed output ends. */
  get offset(): Offset {
    return this.#output.parsed;
  }

  /** Types one unit. Settles with its verdict; of several units for a large paste, with the last one's. */
  type(bytes: Uint8Array): Promise<Verdict> {
    if (this.#isDisposed || this.#isKicked)
      return Promise.resolve({ seq: null, verdict: 'refused', reason: 'dropped', message: 'detached' });
    const verdict = this.#input.type(bytes, { hasEnded: this.#end !== null });
    this.#sink.changed();
    return verdict;
  }

  /** Drops held input that was not sent yet. */
  dropPending(): void {
    this.#input.drop();
    this.#sink.changed();
  }

  takeControl(): Promise<void> {
    return this.#input.take();
  }

  releaseControl(): Promise<void> {
    return this.#input.release();
  }

  /** Asks whoever has control to give it. True: nobody stood in the way, it is ours. */
  requestControl(reason: string): Promise<boolean> {
    return this.#input.request(reason);
  }

  /** Ctrl-C before everything that waits, as a signal where the terminal would send one; what was not sent yet is dropped. */
  interrupt(): Promise<'signal' | 'byte'> {
    return this.#input.interrupt();
  }

  /** The window of this client has this size now; the session follows if this client decides. */
  resize(size: Size): void {
    if (this.#size?.cols === size.cols && this.#size.rows === size.rows) return;
    this.#size = size;
    const link = this.#link();
    link?.connection.request('session.resize', { channel: link.channel, size }).catch(() => {}); // the next attach carries it
  }

  /** Ends the attachment; the session goes on. */
  detach(): void {
    if (this.#isDisposed) return;
    this.#input.behindUnits();
    const link = this.#link();
    link?.connection.request('session.detach', { channel: link.channel }).catch(() => {}); // the connection's end does the same
    this.dispose();
  }

  /** @internal */
  async attachOver(connection: Connection): Promise<void> {
    if (this.#isDisposed || this.#end) return;
    this.#connection = connection;
    const epoch = this.#input.epoch;
    const params: ParamsInput<'session.attach'> = {
      session: this.#reference,
      role: this.#options.role ?? 'operator',
      knowsOwner: true,
      ...(this.#takesDelegation ? { takesDelegation: true } : {}),
      scrollback: this.#options.scrollback ?? 0,
      ...(this.#options.window === undefined ? {} : { window: this.#options.window }),
      ...(this.#output.received === null ? {} : { have: this.#output.received }),
      ...(epoch === null ? {} : { epoch }),
      ...(this.#size ? { size: this.#size } : {}),
    };
    try {
      await connection.request('session.attach', params, (answer) => {
        if (this.#isCurrent(connection)) this.#answered(answer);
        // Left while the host could not reach it.
        else connection.request('session.detach', { channel: answer.channel }).catch(() => {}); // its end does the same
      });
    } catch (error) {
      if (!this.#isCurrent(connection)) return;
      this.#waiting = null;
      if (!(error instanceof CmdopError) || error.code === 'disconnected') return;
      if (error.code === 'kicked') {
        const { applied, refused } = lastVerdicts.parse(error.data ?? {});
        for (const { seq, reason } of refused) this.#input.refused({ seq, reason: 'policy', message: reason, controlKept: true });
        this.#input.applied(applied);
        this.kicked({ accepted: applied, message: error.message });
      } else this.#sink.failed(error);
    }
  }

  #answered(answer: Result<'session.attach'>): void {
    this.#channel = answer.channel;
    this.#waiting = null;
    this.#summary = answer.session;
    this.#role = answer.role;
    this.#output.attached(answer);
    this.#input.attached(answer);
    this.#leaveIfSettled();
    this.#sink.changed();
  }

  /** @internal */
  mustWait({ session, message }: EventParams<'attach.waiting'>): void {
    if (session !== this.#reference || this.isAttached) return;
    this.#waiting = message;
    this.#sink.changed();
  }

  /** @internal */
  frame(frame: Extract<Frame, { kind: 'output' | 'snapshot' }>): void {
    this.#output.frame(frame);
  }

  /** @internal */
  applied({ seq }: EventParams<'input.applied'>): void {
    this.#input.applied(seq);
    this.#leaveIfSettled();
    this.#sink.changed();
  }

  /** @internal */
  delegated(to: EventParams<'input.delegated'>): void {
    if (!this.#isDisposed) this.#input.delegated(to);
  }

  /** @internal */
  refused({ seq, reason, message, controlKept }: EventParams<'input.refused'>): void {
    this.#input.refused({ seq, reason, message, controlKept });
    this.#sink.changed();
  }

  /** @internal */
  controlChanged(news: EventParams<'control.changed'>): void {
    this.#input.controlMoved(news);
  }

  /** @internal */
  controlRequested({ by, client, reason }: EventParams<'control.requested'>): void {
    this.#sink.requested?.({ by, client, reason });
  }

  /** @internal An owner has removed this actor: the stream is over. */
  kicked({ accepted, message }: Omit<EventParams<'session.kicked'>, 'channel'>): void {
    const isNews = !this.#isKicked;
    this.#isKicked = true;
    this.#input.removed(accepted, message);
    this.#leaveIfSettled();
    if (isNews) this.#sink.failed(new CmdopError('kicked', message));
  }

  /** @internal */
  roleChanged({ role }: EventParams<'role.changed'>): void {
    this.#role = role;
    this.#input.roleChanged();
    this.#sink.changed();
  }

  /** @internal */
  resized({ size }: EventParams<'session.resized'>): void {
    this.#sink.resized(size);
  }

  /** @internal */
  gap(news: EventParams<'output.gap'>): void {
    this.#output.gap(news);
  }

  /** @internal */
  ended({ end }: EventParams<'session.ended'>): void {
    this.#end = end;
    this.#input.sessionEnded();
    this.#sink.ended(end);
    this.#sink.changed();
  }

  /** @internal The connection is gone. */
  cut(): void {
    this.#connection = null;
    this.#channel = null;
    this.#waiting = null;
    this.#input.cut();
    this.#sink.changed();
  }

  /** @internal */
  dispose(): void {
    this.#isDisposed = true;
    this.#channel = null;
    this.#input.detached();
    this.#onDispose();
  }

  /** Removed, and all units have their verdicts: also where an owner has let us in again meanwhile. */
  #leaveIfSettled(): void {
    if (this.#isKicked && this.pending.units === 0) this.detach();
  }

  /** Once known, the id: a name may have passed to another session. */
  get #reference(): string {
    return this.#summary?.id ?? this.#session;
  }

  #link(): Link | null {
    return this.#connection && this.#channel !== null ? { connection: this.#connection, channel: this.#channel } : null;
  }

  #isCurrent = (connection: Connection): boolean => this.#connection === connection && !this.#isDisposed;
}
