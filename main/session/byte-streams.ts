/**
 * The byte streams of one connection, as either side has them: each with its own credit, so that none holds up another.
 *
 * Invariant 7 among streams: a reader that takes nothing costs its own window and no more. Terminals go first: a stream
 * sends only while little is queued on the connection and on the way (stream-pace.ts), so that a frame of a terminal never
 * waits behind more than that.
 * Pure. Source: windows per channel as in SSH (RFC 4254, section 5.2).
 */
import type { Clock } from '#protocol/clock.ts';
import { CmdopError } from '#protocol/errors.ts';
import { encodeStreamHeader } from '#protocol/frames.ts';
import type { StreamEvent } from '#protocol/streams.ts';
import { type ByteStream, Stream } from './byte-stream.ts';
import { StreamArrivals } from './stream-arrivals.ts';
import { StreamPace } from './stream-pace.ts';

/** Open at a time on one connection: what bounds their memory, with the window. */
export const MAX_STREAMS = 256;
/** Largest STREAM frame that is sent, bytes: how long a frame of a terminal waits for the rest of one. */
const CHUNK_BYTES = 64 * 1024;
/** Smallest piece that a longer one is cut into, bytes. */
const PIECE_BYTES = 4 * 1024;
/** Whoever has said nothing of what arrived for so long never will, milliseconds. */
const UNHEARD_MS = 500;
/** Streams send while less than this is queued on the connection, bytes. */
const SHORT_QUEUE_BYTES = 256 * 1024;

/** The connection that streams share. */
export interface StreamPort {
  readonly queuedBytes: number;
  send(...parts: Uint8Array[]): void;
  /** See Transport. */
  sendThen?(done: () => void, ...parts: Uint8Array[]): void;
  /** A message about a stream; never lost, in order with what is sent. */
  tellStream(event: StreamEvent): void;
}

export class ByteStreams {
  readonly #port: StreamPort;
  readonly #streams = new Map<number, Stream>();
  /** With bytes to send and credit for them, in turn. */
  readonly #ready = new Set<Stream>();
  readonly #clock: Clock;
  readonly #pace = new StreamPace();
  readonly #arrivals: StreamArrivals;
  #cancelUnheard: (() => void) | null = null;
  #nextId = 1;
  #isPumping = false;
  #closedWith: CmdopError | null = null;

  constructor(port: StreamPort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
    this.#arrivals = new StreamArrivals(clock, (bytes) => port.tellStream({ event: 'streams.arrived', params: { bytes } }));
  }

  get count(): number {
    return this.#streams.size;
  }
  /** Why no stream is open any more, and none will be. */
  get closedWith(): CmdopError | null {
    return this.#closedWith;
  }

  /** The host's side of a new stream. Throws `stream-limit`. */
  open(): ByteStream {
    if (this.#streams.size >= MAX_STREAMS) {
      throw new CmdopError('stream-limit', `this connection has ${MAX_STREAMS} streams open already: end one of them first`);
    }
    return this.adopt(this.#nextId++);
  }

  /** The client's side of the stream that an answer names. */
  adopt(id: number): ByteStream {
    const stream = new Stream(id, {
      tell: (event) => this.#port.tellStream(event),
      ready: (ready) => {
        this.#ready.add(ready);
        this.pump();
      },
      gone: (gone) => {
        this.#ready.delete(gone);
        this.#streams.delete(gone.id);
      },
    });
    this.#streams.set(id, stream);
    if (this.#closedWith) stream.cut(this.#closedWith);
    return stream;
  }

  /** A STREAM frame came; of a stream that is over it is dropped. */
  received(id: number, bytes: Uint8Array): void {
    if (!this.#closedWith && bytes.length > 0) this.#arrivals.came(bytes.length);
    this.#streams.get(id)?.received(bytes);
  }

  told({ event, params }: StreamEvent): void {
    if (event === 'streams.arrived') {
      this.#pace.arrived(params.bytes, this.#clock.now());
      this.pump();
      return;
    }
    const stream = this.#streams.get(params.stream);
    switch (event) {
      case 'stream.window':
        stream?.widened(params.bytes);
        return;
      case 'stream.end':
        stream?.otherEnded();
        return;
      case 'stream.reset':
        stream?.cut(new CmdopError('stream-cut', params.message));
        return;
    }
  }

  /** The connection's queue has emptied. One frame goes in any case: a terminal that floods does not stop a stream. */
  drained(): void {
    if (this.#port.queuedBytes >= SHORT_QUEUE_BYTES) this.#sendOne();
    this.pump();
  }

  pump(): void {
    if (this.#isPumping) return; // a writer was told of room and wrote: the loop below sees it
    this.#isPumping = true;
    while (this.#port.queuedBytes < SHORT_QUEUE_BYTES && this.#sendOne());
    this.#isPumping = false;
  }

  /** The other side may have none any more, and hears why, as long as it is there. */
  refuse(error: CmdopError): void {
    if (this.#closedWith) return;
    for (const stream of [...this.#streams.values()]) stream.reset(error.message);
    this.close(error);
  }

  /** The connection has ended. */
  close(error: CmdopError): void {
    if (this.#closedWith) return;
    this.#closedWith = error;
    this.#arrivals.dispose();
    this.#cancelUnheard?.();
    for (const stream of [...this.#streams.values()]) stream.cut(error);
  }

  #unheard(): void {
    this.#pace.unheard();
    this.pump();
  }

  #sendOne(): boolean {
    const [stream] = this.#ready;
    const { room } = this.#pace;
    if (!stream || room <= 0) return false;
    this.#ready.delete(stream);
    // The first piece is short: how long it takes is the way, and not its length.
    const { bytes, done } = stream.take(this.#pace.isHeard ? Math.min(CHUNK_BYTES, Math.max(PIECE_BYTES, room)) : PIECE_BYTES);
    if (bytes.length > 0) {
      this.#pace.sent(bytes.length, this.#clock.now());
      if (!this.#pace.isHeard) this.#cancelUnheard ??= this.#clock.after(UNHEARD_MS, () => this.#unheard());
      const header = encodeStreamHeader(stream.id, bytes.length);
      if (done && this.#port.sendThen) this.#port.sendThen(done, header, bytes);
      else this.#port.send(header, bytes);
    }
    // Before its writer is told of the room: that one may write at once.
    if (stream.canSend) this.#ready.add(stream);
    stream.sent();
    return true;
  }
}
