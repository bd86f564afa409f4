/**
 * One client at the host, from the magic to its end: greeting, requests in, answers, events and output out.
 * Everything a client sends is untrusted: it is validated here, and what does not fit costs that client its connection.
 */
import { systemClock } from '#local/clock.ts';
import { CmdopError, toWireError } from '#protocol/errors.ts';
import { type Frame, FrameReader, MAGIC } from '#protocol/frames.ts';
import { EVENTS, type EventName, type EventParams, envelope, METHODS, type Method, type Params, type Result } from '#protocol/messages.ts';
import type { Origin } from '#protocol/shapes.ts';
import { STREAM_EVENTS, type StreamEvent, type StreamEventName } from '#protocol/streams.ts';
import type { Transport } from '#protocol/transport.ts';
import { ByteStreams, type StreamPort } from '#session/byte-streams.ts';
import { ClientVigil } from '#session/client-vigil.ts';
import { BeforeHello } from './before-hello.ts';
import type { Entry, Greeted } from './client-entry.ts';
import { originIn } from './client-origin.ts';
import { answerFrame, errorFrame, eventFrame } from './fitting-frames.ts';
import type { OutputPort } from './output/subscriber.ts';

/** A client that takes nothing may leave this much unread, bytes, beyond output; then it is cut off and may come back. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
/** A stranger is told so late why it is let go of, milliseconds, and not read meanwhile: whoever guesses waits. */
const REFUSED_AFTER_MS = 250;

/** What a client that is put out still hears: what has become of its input. */
const LAST_WORDS: ReadonlySet<EventName> = new Set(['input.applied', 'input.refused', 'share.ended', 'session.kicked']);

export type Answer<M extends Method> = (result: Result<M>) => void;
/** Calls `answer` once; what it sends after that call reaches the client after the answer. */
export type Handler<M extends Method> = (connection: ClientConnection, params: Params<M>, answer: Answer<M>) => void | Promise<void>;
export type Handlers = { [M in Method]: Handler<M> };

export type ClientPeer = {
  handlers: Handlers;
  /** The request as a guest may do it, untouched for everybody else; throws where it may not be done. */
  request<M extends Method>(connection: ClientConnection, method: M, params: Params<M>): Params<M>;
  /** Null where the request may be done at once; throws or rejects where it may not. */
  permit<M extends Method>(connection: ClientConnection, method: M, params: Params<M>): Promise<void> | null;
  /** A guest's request is answered with an error. */
  guestRefused(connection: ClientConnection, request: { method: string; params: unknown; error: unknown }): void;
  input(connection: ClientConnection, frame: Extract<Frame, { kind: 'input' }>): void;
  acknowledged(connection: ClientConnection, ack: EventParams<'output.ack'>): void;
  drained(connection: ClientConnection): void;
  closed(connection: ClientConnection): void;
};

export class ClientConnection implements OutputPort, StreamPort {
  readonly #transport: Transport;
  readonly #peer: ClientPeer;
  readonly entry: Entry;
  readonly #frames = new FrameReader();
  #greeted: Greeted | null = null;
  /** Null once greeted. */
  #before: BeforeHello | null;
  readonly #vigil = new ClientVigil();
  /** Opened by requests of this client; they end with its connection. */
  readonly streams = new ByteStreams(this, systemClock);
  /** Undefined until the first frame: whatever the client says itself comes too late to be taken for the bridge's word. */
  #origin: Origin | null | undefined;
  #isHeld = false;
  #isClosed = false;
  #ending: NodeJS.Timeout | null = null;
  /** Gets `session.changed` and the like. */
  isWatching = false;
  /** Why it was let go of; null where that was not for what it said, or did not say. */
  refusedFor: string | null = null;

  constructor(transport: Transport, peer: ClientPeer, entry: Entry = { is: 'owner' }) {
    this.#transport = transport;
    this.#peer = peer;
    this.entry = entry;
    if (entry.is === 'granted') this.#origin = entry.origin; // whatever such a client says itself does not count
    this.#before = new BeforeHello(entry, (late) => this.#refuse(0, late));
    transport.listen({
      received: (bytes) => this.#received(bytes),
      drained: () => {
        this.#peer.drained(this);
        this.streams.drained();
      },
      closed: () => this.close(),
    });
    transport.send(MAGIC);
  }

  get queuedBytes(): number {
    return this.#transport.queuedBytes;
  }
  /** What carries the bytes: how the client came here. */
  get via(): string {
    return this.#transport.kind;
  }
  get isClosed(): boolean {
    return this.#isClosed;
  }
  /** Nothing that the client sends counts any more. */
  get isOver(): boolean {
    return this.#isClosed || this.#ending !== null;
  }
  /** Who is there; null before the greeting. */
  get greeted(): Greeted | null {
    return this.#greeted;
  }
  /** Throws `unauthorized` before the greeting. */
  get who(): Greeted {
    if (!this.#greeted) throw new CmdopError('unauthorized', 'say hello first');
    return this.#greeted;
  }

  /** How the client came, as its bridge says, or a guest itself; null where it came straight to the socket. */
  get origin(): Origin | null {
    return this.#origin ?? null;
  }

  greet(who: Greeted): void {
    this.#before?.dispose();
    this.#before = null;
    this.#greeted = who;
  }

  send(...parts: Uint8Array[]): void {
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    this.#vigil.sent(bytes);
    this.#transport.send(...parts);
  }

  sendThen(done: () => void, ...parts: Uint8Array[]): void {
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    this.#vigil.sent(bytes);
    if (this.#transport.sendThen) this.#transport.sendThen(done, ...parts);
    else this.#transport.send(...parts);
  }

  event<E extends EventName>(event: E, params: EventParams<E>): void {
    if (this.#isClosed || (this.#ending && !LAST_WORDS.has(event))) return;
    this.tell(eventFrame(event, params));
  }

  tellStream(event: StreamEvent): void {
    this.tell(eventFrame(event.event, event.params));
  }

  /** A MESSAGE frame, made once for many; null: none that fits. Whoever reads none of them is closed. */
  tell(frame: Uint8Array | null): void {
    if (this.#isClosed || !frame) return;
    if (this.#transport.queuedBytes > MAX_UNREAD_BYTES) return this.close();
    this.#vigil.sent(frame.length);
    if (this.#transport.sendSoon) this.#transport.sendSoon(frame);
    else this.#transport.send(frame);
  }

  /** Nothing more is read from this client until `resume`: its input is not taken as fast as it comes. */
  pause(): void {
    this.#isHeld = true;
    this.#transport.pause?.();
  }
  resume(): void {
    this.#isHeld = false;
    this.#transport.resume?.();
  }

  /** Ends the connection if nobody is at its other end any more; called every LOOK_EVERY_MS. */
  look(sinceLastMs: number): void {
    if (this.#vigil.isGone({ queuedBytes: this.queuedBytes, isHeld: this.#isHeld, sinceLastMs })) this.close();
  }

  /** From now on nothing is taken from the client; what is on its way to it may still reach it before `afterMs`. */
  endAfter(afterMs: number): void {
    this.isWatching = false;
    this.streams.close(new CmdopError('disconnected', 'this client may not be here any more'));
    this.#ending ??= setTimeout(() => this.close(), afterMs);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#before?.dispose();
    if (this.#ending) clearTimeout(this.#ending);
    this.#transport.close();
    this.streams.close(new CmdopError('disconnected', 'the connection to the client has ended'));
    this.#peer.closed(this);
  }

  #received(bytes: Uint8Array): void {
    this.#vigil.heard();
    try {
      this.#before?.heard(bytes.length);
      for (const frame of this.#frames.push(bytes)) {
        if (this.isOver) return;
        this.#frame(frame);
      }
    } catch (error) {
      this.#refuse(0, error);
    }
  }

  /** Why, as far as the other side can read it; then the stream ends, and with it nothing else. */
  #refuse(id: number, error: unknown): void {
    if (this.isOver) return;
    const told = toWireError(error);
    const end = () => {
      this.tell(errorFrame(id, told));
      this.close();
    };
    this.refusedFor = told.message;
    if (!this.#before?.isStranger) return end();
    this.#before.dispose();
    this.pause();
    this.#ending = setTimeout(end, REFUSED_AFTER_MS);
  }

  #frame(frame: Frame): void {
    if (this.#origin === undefined)
      this.#origin = frame.kind === 'origin' ? originIn(frame.json, { isClaimed: this.entry.is === 'shared' }) : null;
    switch (frame.kind) {
      case 'message':
        this.#message(frame.json);
        return;
      case 'input':
        if (this.#greeted) this.#peer.input(this, frame);
        return;
      case 'stream':
        this.streams.received(frame.stream, frame.bytes);
        return;
      case 'output':
      case 'snapshot':
      case 'origin':
      case 'unknown':
        return; // a newer client may send kinds we do not know
    }
  }

  #message(json: string): void {
    const message = envelope.safeParse(parse(json)).data;
    if (!message) throw new CmdopError('bad-frame', `not a message: ${json.slice(0, 100)}`);
    if ('method' in message) return void this.#request(message.id, message.method, message.params);
    this.#before?.told();
    if ('event' in message) this.#told(message.event, message.params);
  }

  #told(event: string, rawParams: unknown): void {
    if (isStreamEvent(event)) {
      const params = STREAM_EVENTS[event].safeParse(rawParams).data;
      if (params) this.streams.told({ event, params } as StreamEvent);
      return;
    }
    const ack = event === 'output.ack' ? EVENTS['output.ack'].safeParse(rawParams).data : undefined;
    if (ack) this.#peer.acknowledged(this, ack);
  }

  async #request(id: number, method: string, rawParams: unknown): Promise<void> {
    const before = this.#before;
    try {
      if (!isMethod(method)) throw new CmdopError('unknown-method', `this host knows no ${method}: update cmdop on its machine`);
      const turn = before?.asks(method);
      if (turn) await turn;
      if (turn && this.isOver) return;
      await this.#handle(id, method, rawParams);
      before?.answered();
    } catch (error) {
      if (!(error instanceof CmdopError)) console.error(`${method} failed:`, error);
      if (this.#greeted?.grant) this.#peer.guestRefused(this, { method, params: rawParams, error });
      if (method === 'hello' || this.#before?.isLastWord(method))
        this.#refuse(id, error); // one guess a connection
      else this.tell(errorFrame(id, toWireError(error)));
    }
  }

  async #handle<M extends Method>(id: number, method: M, rawParams: unknown): Promise<void> {
    const parsed = METHODS[method].params.safeParse(rawParams ?? {});
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new CmdopError('bad-request', `${method}: ${issue?.path.join('.') || 'params'}: ${issue?.message ?? 'not valid'}`);
    }
    const handler: Handler<M> = this.#peer.handlers[method];
    const params = this.#peer.request(this, method, parsed.data as Params<M>);
    const permitted = this.#peer.permit(this, method, params);
    if (permitted) {
      await permitted;
      this.#peer.request(this, method, params); // meanwhile a guest may have been put out
    }
    await handler(this, params, (result) => {
      if (!this.isOver) this.tell(answerFrame(id, result));
    });
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // refused with the text
  }
}

const isStreamEvent = (name: string): name is StreamEventName => Object.hasOwn(STREAM_EVENTS, name);
const isMethod = (name: string): name is Method => Object.hasOwn(METHODS, name);
