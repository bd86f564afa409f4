/** One connection to a host, from the magic to its end: requests with their answers, events and frames in order. */
import type { Clock } from '#protocol/clock.ts';
import { CmdopError } from '#protocol/errors.ts';
import { encodeInput, encodeMessage, type Frame, FrameReader, MAGIC, MAX_NOISE_BYTES } from '#protocol/frames.ts';
import type { Channel } from '#protocol/ids.ts';
import {
  EVENTS,
  type EventName,
  type EventParams,
  envelope,
  METHODS,
  type Method,
  type ParamsInput,
  type Result,
} from '#protocol/messages.ts';
import { STREAM_EVENTS, type StreamEvent, streamAnswer } from '#protocol/streams.ts';
import type { Transport } from '#protocol/transport.ts';
import type { ByteStream } from '#session/byte-stream.ts';
import { ByteStreams } from '#session/byte-streams.ts';
import type { SentUnit } from './input-outbox.ts';
import { LinkWatch } from './link-watch.ts';

/** Requests whose answer is a stream. */
export type StreamMethod = { [M in Method]: Result<M> extends { stream: number } ? M : never }[Method];

export type ConnectionEvent = { [E in EventName]: { event: E; params: EventParams<E> } }[EventName];

export type ConnectionListener = {
  event(event: ConnectionEvent): void;
  output(frame: Extract<Frame, { kind: 'output' | 'snapshot' }>): void;
  /** The host said nothing to two pings; only for display. */
  responsive(isResponsive: boolean): void;
  closed(error: CmdopError): void;
};

type Waiting = { method: Method; resolve: (result: never) => void; reject: (error: CmdopError) => void };

export class Connection {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #listener: ConnectionListener;
  readonly #waiting = new Map<number, Waiting>();
  readonly #frames = new FrameReader(MAX_NOISE_BYTES);
  readonly #streams: ByteStreams;
  #nextId = 1;
  #isClosed = false;
  readonly #watch: LinkWatch;
  #latencyMs: number | null = null;
  #receivedBytes = 0;

  constructor(options: { transport: Transport; clock: Clock; listener: ConnectionListener }) {
    this.#transport = options.transport;
    this.#clock = options.clock;
    this.#listener = options.listener;
    const { transport } = options;
    this.#streams = new ByteStreams(
      {
        get queuedBytes() {
          return transport.queuedBytes;
        },
        send: (...parts) => transport.send(...parts),
        ...(transport.sendThen ? { sendThen: (done: () => void, ...parts: Uint8Array[]) => transport.sendThen?.(done, ...parts) } : {}),
        tellStream: (event) => transport.send(encodeMessage(event)),
      },
      this.#clock,
    );
    this.#transport.listen({
      received: (bytes) => this.#received(bytes),
      drained: () => this.#streams.drained(),
      closed: (error) =>
        this.#close(
          new CmdopError('disconnected', error ? `the connection to the host broke: ${error.message}` : 'the host closed the connection'),
        ),
    });
    this.#transport.send(MAGIC);
    this.#watch = new LinkWatch({
      clock: this.#clock,
      ping: () => this.request('ping', {}),
      latencyMs: () => this.#latencyMs,
      responsive: (isResponsive) => this.#listener.responsive(isResponsive),
      dead: (silentMs) => this.#close(new CmdopError('disconnected', `the host has said nothing for ${Math.round(silentMs / 1000)} s`)),
    });
  }

  /** Round trip of the last request, milliseconds; null before the first. */
  get latencyMs(): number | null {
    return this.#latencyMs;
  }

  get traffic(): { receivedBytes: number; silentMs: number } {
    return { receivedBytes: this.#receivedBytes, silentMs: Math.max(0, this.#clock.wallNow() - this.lastByteAt) };
  }

  /** Unix time of the last byte that came: what is shown of the host is as old as that. */
  get lastByteAt(): number {
    return this.#watch.lastByteAt;
  }

  get transportKind(): string {
    return this.#transport.kind;
  }

  /**
   * Rejects with a CmdopError: the host's own, or `disconnected`.
   * `onResult` is called in stream order, before any frame or event that follows the answer; a promise would be later.
   */
  request<M extends Method>(method: M, params: ParamsInput<M>, onResult?: (result: Result<M>) => void): Promise<Result<M>> {
    if (this.#isClosed) return Promise.reject(new CmdopError('disconnected', 'not connected to the host'));
    const id = this.#nextId++;
    const sentAt = this.#clock.now();
    return new Promise<Result<M>>((resolve, reject) => {
      this.#waiting.set(id, {
        method,
        resolve: (result) => {
          if (method === 'ping' || method === 'hello') this.#latencyMs = this.#clock.now() - sentAt;
          onResult?.(result);
          resolve(result);
        },
        reject,
      });
      this.#transport.send(encodeMessage({ id, method, params }));
    });
  }

  /** What comes through the stream follows the answer. Rejects as `request` does; the stream ends with this connection. */
  async openStream<M extends StreamMethod>(method: M, params: ParamsInput<M>): Promise<{ stream: ByteStream; answer: Result<M> }> {
    const opened: ByteStream[] = [];
    const answer = await this.request(method, params, (result) => opened.push(this.#streams.adopt(streamAnswer.parse(result).stream)));
    const [stream] = opened;
    if (!stream) throw new CmdopError('internal', `${method} was answered without a stream`);
    return { stream, answer };
  }

  sendInput(channel: Channel, unit: SentUnit): void {
    this.#transport.send(encodeInput({ channel, ...unit }));
  }

  notify(event: 'output.ack', params: EventParams<'output.ack'>): void {
    this.#transport.send(encodeMessage({ event, params }));
  }

  /** The link may have died unseen: if it does not show soon that it holds, it is given up. */
  probe(): void {
    this.#watch.probe();
  }

  close(error = new CmdopError('disconnected', 'closed by this client')): void {
    this.#close(error);
  }

  #received(bytes: Uint8Array): void {
    this.#receivedBytes += bytes.length;
    this.#watch.heard();
    try {
      for (const frame of this.#frames.push(bytes)) {
        if (this.#isClosed) return;
        this.#frame(frame);
      }
    } catch (error) {
      if (!(error instanceof CmdopError)) throw error;
      this.#close(error);
    }
  }

  #frame(frame: Frame): void {
    switch (frame.kind) {
      case 'output':
      case 'snapshot':
        this.#listener.output(frame);
        return;
      case 'message':
        this.#message(frame.json);
        return;
      case 'stream':
        this.#streams.received(frame.stream, frame.bytes);
        return;
      case 'input':
      case 'origin':
      case 'unknown':
        return; // a newer host may send kinds we do not know
    }
  }

  #message(json: string): void {
    const parsed = envelope.safeParse(parseJson(json));
    if (!parsed.success) throw new CmdopError('bad-frame', `the host sent a message that is none: ${json.slice(0, 200)}`);
    const message = parsed.data;
    if ('event' in message) {
      if (!isEventName(message.event)) return; // from a newer host
      const params = EVENTS[message.event].safeParse(message.params);
      if (!params.success) throw new CmdopError('bad-frame', `the host sent a broken ${message.event}: ${params.error.issues[0]?.message}`);
      const event = { event: message.event, params: params.data } as ConnectionEvent;
      if (isStreamEvent(event)) this.#streams.told(event);
      else this.#listener.event(event);
      return;
    }
    if ('method' in message) return; // hosts do not ask
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    this.#waiting.delete(message.id);
    if ('error' in message) {
      waiting.reject(CmdopError.from(message.error));
      return;
    }
    const result = METHODS[waiting.method].result.safeParse(message.result);
    if (result.success) waiting.resolve(result.data as never);
    else
      waiting.reject(
        new CmdopError('bad-request', `the host answered ${waiting.method} in a form this client does not know: update this client`),
      );
  }

  #close(error: CmdopError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch.stop();
    this.#transport.close();
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    this.#streams.close(error);
    this.#listener.closed(error);
  }
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // the schema refuses it with a sentence
  }
}

const isStreamEvent = (event: ConnectionEvent): event is StreamEvent => Object.hasOwn(STREAM_EVENTS, event.event);
const isEventName = (name: string): name is EventName => Object.hasOwn(EVENTS, name);
