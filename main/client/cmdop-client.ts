/** The client engine of one host: one connection that comes back by itself, requests over it, and the streams of its sessions. */
import { CmdopError } from '#protocol/errors.ts';
import type { ClientId } from '#protocol/ids.ts';
import type { Method, ParamsInput, Result } from '#protocol/messages.ts';
import type { Actor, SessionSummary } from '#protocol/shapes.ts';
import type { Grant } from '#protocol/sharing.ts';
import { PROTOCOL } from '#protocol/versions.ts';
import type { ByteStream } from '#session/byte-stream.ts';
import type { AttachOptions, ClientOptions, ClientState } from './client-options.ts';
import { Connection, type ConnectionEvent, type StreamMethod } from './connection.ts';
import { GatheredSessions } from './gathered-sessions.ts';
import type { SessionSink } from './session-sink.ts';
import { SessionStream } from './session-stream.ts';
import { isOfStream, tellStream } from './stream-events.ts';

/** First and longest wait between attempts to connect, milliseconds. */
const BACKOFF_MS = { first: 100, longest: 8_000 };
/** A connection that breaks is looked for again at once, but not more often than this, milliseconds: a host may crash in circles. */
const AT_ONCE_EVERY_MS = 1_000;
/** While another build takes the host's place: attempts are this far apart and go on for so long, milliseconds; then it counts as offline. */
const UPGRADE_MS = { retry: 25, longest: 30_000 };

export class CmdopClient {
  readonly #options: ClientOptions;
  readonly #streams = new Set<SessionStream>();
  #connection: Connection | null = null;
  #state: ClientState = { is: 'connecting' };
  #attempt = 0;
  #triedAtOnceAt = Number.NEGATIVE_INFINITY;
  #cancelRetry: () => void = () => {};
  /** Ends the attempt to connect that runs. */
  #attempting = new AbortController();
  /** The host said that another build takes over; until then a lost link is no news to anyone. */
  #upgradeEndsAt = Number.NEGATIVE_INFINITY;
  /** Unix time of the last byte before the last loss. */
  #lastByteAt: number | null = null;
  #actor: Actor | null = null;
  #hello: Result<'hello'> | null = null;
  /** While the list of sessions comes. */
  #gathering: GatheredSessions | null = null;
  #connected: Promise<void>;
  #resolveConnected: () => void = () => {};
  #rejectConnected: (error: CmdopError) => void = () => {};

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#connected = this.#newPromise();
    void this.#connect();
  }

  get state(): ClientState {
    return this.#state;
  }
  /** Who the host says we are; null before the first connection. */
  get actor(): Actor | null {
    return this.#actor;
  }
  get host(): Result<'hello'>['host'] | null {
    return this.#hello?.host ?? null;
  }
  /** What we may do there; null for owners, and before the first connection. */
  get guest(): Grant | null {
    return this.#hello?.guest ?? null;
  }
  get clientId(): ClientId {
    return this.#options.identity.id;
  }
  /** Round trip, milliseconds, or null. */
  get latencyMs(): number | null {
    return this.#connection?.latencyMs ?? null;
  }
  /** Bytes received over the present connection, and how long ago the last one came, milliseconds; null while offline. */
  get traffic(): { receivedBytes: number; silentMs: number } | null {
    return this.#connection?.traffic ?? null;
  }
  /** What carries the bytes: `unix socket`, `websocket`… or null while offline. */
  get transportKind(): string | null {
    return this.#connection?.transportKind ?? null;
  }

  /** Resolves when connected; rejects when closed, or at the first failure where `reconnect` is false. */
  whenConnected(): Promise<void> {
    return this.#connected;
  }

  /** Waits for the connection, then asks. Rejects with the host's error, or `disconnected` if the link breaks meanwhile. */
  async request<M extends Method>(method: M, params: ParamsInput<M>): Promise<Result<M>> {
    return (await this.#now()).request(method, params);
  }

  /** All sessions of the host that we may see, in the order in which they were made. Rejects as `request` does. */
  async sessions(): Promise<SessionSummary[]> {
    return new GatheredSessions().list(await this.#now());
  }

  /** Waits for the connection, then opens a byte stream by a request. It ends with the connection and does not come back. */
  async openStream<M extends StreamMethod>(method: M, params: ParamsInput<M>): Promise<{ stream: ByteStream; answer: Result<M> }> {
    return (await this.#now()).openStream(method, params);
  }

  /** Attaches now or as soon as connected, and again after every reconnect, until `detach` or the session's end. */
  attach(session: string, sink: SessionSink, options: AttachOptions = {}): SessionStream {
    const stream: SessionStream = new SessionStream({
      session,
      clientId: this.clientId,
      openKeeper: this.#options.openKeeper,
      attach: options,
      sink,
      onDispose: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    if (this.#connection && this.#state.is === 'connected') void stream.attachOver(this.#connection);
    return stream;
  }

  /** Tries to connect at once. An attempt that runs is given up: it may wait for an answer from a dead network. */
  reconnectNow(): void {
    if (this.#state.is !== 'offline' && this.#state.is !== 'connecting') return;
    this.#cancelRetry();
    this.#attempt = 0;
    void this.#connect();
  }

  /**
   * There is a network again or another one, or the machine woke up: a link that seems to hold has to show within a few
   * round trips that it does, and what waits to be tried is tried at once, unless a person must act first.
   */
  networkChanged(): void {
    if (this.#state.is === 'connected') this.#connection?.probe();
    else if (this.#state.is !== 'offline' || !this.#state.isHeld) this.reconnectNow();
  }

  close(): void {
    if (this.#state.is === 'closed') return;
    this.#cancelRetry();
    this.#setState({ is: 'closed' });
    this.#attempting.abort();
    this.#connection?.close();
    this.#rejectConnected(new CmdopError('disconnected', 'closed by this client'));
  }

  async #connect(): Promise<void> {
    this.#attempting.abort();
    this.#connection = null; // one that is greeted halfway ends with its attempt
    this.#attempting = new AbortController();
    const { signal } = this.#attempting;
    if (this.#state.is === 'offline') this.#setState({ ...this.#state, retryAt: null, isHeld: false });
    let connection: Connection | null = null;
    try {
      const transport = await this.#options.connect(signal);
      if (this.#isClosed() || signal.aborted) {
        transport.close();
        return;
      }
      const created = new Connection({
        transport,
        clock: this.#options.clock,
        listener: {
          event: (event) => this.#event(event),
          output: (frame) => this.#streamOf(frame.channel)?.frame(frame),
          responsive: (isResponsive) => {
            if (this.#state.is === 'connected' && this.#state.isResponsive !== isResponsive)
              this.#setState({ is: 'connected', isResponsive });
          },
          closed: (error) => {
            if (!signal.aborted) this.#lost(created, error);
          },
        },
      });
      connection = created;
      signal.addEventListener('abort', () => created.close());
      await this.#greet(created, signal);
    } catch (error) {
      const cause = asCmdopError(error);
      // Its listener hears why, unless it has closed already.
      if (connection) connection.close(cause);
      else if (!signal.aborted) this.#lost(null, cause);
    }
  }

  async #greet(connection: Connection, signal: AbortSignal): Promise<void> {
    const hello = await connection.request('hello', { protocol: PROTOCOL, client: this.#options.identity });
    if (this.#isClosed() || signal.aborted) return;
    this.#hello = hello;
    this.#actor = hello.actor;
    this.#connection = connection;
    if (this.#options.watch) {
      this.#gathering = new GatheredSessions();
      await this.#gathering.watch(connection, (state) => this.#options.onWatch?.(state));
      this.#gathering = null;
    }
    if (this.#connection !== connection) return; // lost meanwhile
    this.#attempt = 0;
    this.#upgradeEndsAt = Number.NEGATIVE_INFINITY;
    this.#setState({ is: 'connected', isResponsive: true });
    for (const stream of [...this.#streams]) void stream.attachOver(connection);
    this.#resolveConnected();
  }

  #lost(connection: Connection | null, error: CmdopError): void {
    if (this.#isClosed() || (connection !== this.#connection && this.#connection !== null)) return;
    const wasConnected = this.#connection !== null;
    if (this.#connection) this.#lastByteAt = this.#connection.lastByteAt;
    this.#connection = null;
    for (const stream of this.#streams) if (wasConnected) stream.cut();
    const isUpgrading = this.#options.clock.now() < this.#upgradeEndsAt;
    // Whoever was only about to say hello says it to the next host, even if it would not come back after a loss.
    if (this.#options.reconnect === false && (wasConnected || !isUpgrading)) {
      this.#setState({ is: 'closed' });
      this.#rejectConnected(error);
      return;
    }
    if (wasConnected) this.#connected = this.#newPromise();
    const { clock } = this.#options;
    if (isUpgrading) {
      this.#cancelRetry();
      this.#cancelRetry = clock.after(wasConnected ? 0 : UPGRADE_MS.retry, () => void this.#connect());
      if (wasConnected) this.#setState({ is: 'connecting' });
      return;
    }
    const since = this.#state.is === 'offline' ? this.#state.since : (this.#lastByteAt ?? clock.wallNow());
    if (this.#options.isHeldBy?.(error)) {
      this.#cancelRetry();
      this.#setState({ is: 'offline', since, retryAt: null, isHeld: true, error });
      return;
    }
    const delayMs = wasConnected && this.#mayTryAtOnce() ? 0 : this.#backoffMs();
    this.#cancelRetry();
    this.#cancelRetry = clock.after(delayMs, () => void this.#connect());
    this.#setState({ is: 'offline', since, retryAt: clock.wallNow() + delayMs, isHeld: false, error });
  }

  #mayTryAtOnce(): boolean {
    const now = this.#options.clock.now();
    if (now - this.#triedAtOnceAt < AT_ONCE_EVERY_MS) return false;
    this.#triedAtOnceAt = now;
    return true;
  }

  #backoffMs(): number {
    return Math.min(BACKOFF_MS.longest, BACKOFF_MS.first * 2 ** this.#attempt++) * (0.5 + this.#options.random() / 2);
  }

  #event(event: ConnectionEvent): void {
    this.#gathering?.heard(event);
    if (isOfStream(event)) {
      const stream = this.#streamOf(event.params.channel);
      if (stream) tellStream(stream, event);
      return;
    }
    if (event.event === 'attach.waiting') {
      for (const stream of this.#streams) stream.mustWait(event.params);
      return;
    }
    const isUpgrade = event.event === 'host.stopping' && event.params.reason === 'upgrade';
    if (isUpgrade) this.#upgradeEndsAt = this.#options.clock.now() + UPGRADE_MS.longest;
    this.#options.onEvent?.(event);
  }

  async #now(): Promise<Connection> {
    await this.#connected;
    if (!this.#connection) throw new CmdopError('disconnected', 'not connected to the host');
    return this.#connection;
  }

  #streamOf(channel: number): SessionStream | null {
    for (const stream of this.#streams) if (stream.channel === channel) return stream;
    return null;
  }

  #newPromise(): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      this.#resolveConnected = resolve;
      this.#rejectConnected = reject;
    });
    promise.catch(() => {}); // whoever waits sees it; nobody has to wait
    return promise;
  }

  #setState(state: ClientState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }

  #isClosed = (): boolean => this.#state.is === 'closed';
}

function asCmdopError(error: unknown): CmdopError {
  if (error instanceof CmdopError) return error;
  return new CmdopError('host-unreachable', `the host cannot be reached: ${error instanceof Error ? error.message : String(error)}`);
}
