/** One byte stream of a connection, as either side has it: what is written waits for credit, what is read gives it. Pure. */
import { CmdopError } from '#protocol/errors.ts';
import type { StreamEvent } from '#protocol/streams.ts';

/** May be on its way or unread in one direction of a stream, bytes. Part of the protocol: never lower. */
export const STREAM_WINDOW_BYTES = 1024 * 1024;
/** Written and not yet sent: above the first a writer should wait, below the second it is told to go on; bytes. */
const HELD_BYTES = { full: 512 * 1024, low: 128 * 1024 };
/** The other side is told of used bytes once they are this share of the window. */
const TOLD_SHARE = 1 / 4;

export type StreamListener = {
  /** Call `used` once they are; until then they count against the window. */
  received(bytes: Uint8Array): void;
  /** The other side sends no more. */
  ended(): void;
  /** After `write` answered false: there is room again. */
  writable(): void;
  /** Called once, last: both sides have ended, or with why it was cut. */
  closed(error?: CmdopError): void;
};

export interface ByteStream {
  readonly id: number;
  readonly isClosed: boolean;
  /** Called once; what came before is delivered then. */
  listen(listener: StreamListener): void;
  /**
   * Queues bytes, which must not be changed until `done` is called, if it ever is. False: wait for `writable` before the
   * next. Dropped after `end` or a cut.
   */
  write(bytes: Uint8Array, done?: () => void): boolean;
  /** So many of the received bytes are used up. */
  used(byteLength: number): void;
  /** Nothing more is written; what is queued still goes. */
  end(): void;
  /** Cuts it in both directions, and tells the other side why in a sentence. */
  reset(message: string): void;
}

type Held = { bytes: Uint8Array; done: (() => void) | undefined };

/** What a stream asks of the connection's table. */
type Hooks = { tell(event: StreamEvent): void; ready(stream: Stream): void; gone(stream: Stream): void };

export class Stream implements ByteStream {
  readonly id: number;
  readonly #hooks: Hooks;
  #listener: StreamListener | null = null;
  /** Came before anybody listened. */
  #early: Uint8Array[] = [];
  #held: Held[] = [];
  #heldBytes = 0;
  #credit = STREAM_WINDOW_BYTES;
  /** Received and not yet told to be used, and of these what is used. */
  #unread = 0;
  #used = 0;
  #isWaiting = false;
  #isEnding = false;
  #hasEnded = false;
  #otherHasEnded = false;
  #isClosed = false;
  #closedWith: CmdopError | undefined;

  constructor(id: number, hooks: Hooks) {
    this.id = id;
    this.#hooks = hooks;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }
  get canSend(): boolean {
    return !this.#isClosed && this.#heldBytes > 0 && this.#credit > 0;
  }

  listen(listener: StreamListener): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) listener.received(bytes);
    if (this.#otherHasEnded) listener.ended();
    if (this.#isClosed) listener.closed(this.#closedWith);
  }

  write(bytes: Uint8Array, done?: () => void): boolean {
    if (this.#isClosed || this.#isEnding || bytes.length === 0) return true;
    this.#held.push({ bytes, done });
    this.#heldBytes += bytes.length;
    if (this.canSend) this.#hooks.ready(this);
    this.#isWaiting = this.#heldBytes >= HELD_BYTES.full;
    return !this.#isWaiting;
  }

  used(byteLength: number): void {
    if (this.#isClosed) return;
    this.#used = Math.min(this.#unread, this.#used + byteLength);
    if (this.#used < STREAM_WINDOW_BYTES * TOLD_SHARE || this.#otherHasEnded) return;
    const bytes = this.#used;
    this.#unread -= bytes;
    this.#used = 0;
    this.#hooks.tell({ event: 'stream.window', params: { stream: this.id, bytes } });
  }

  end(): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#isEnding = true;
    if (this.#heldBytes === 0) this.#tellEnd();
  }

  reset(message: string): void {
    if (this.#isClosed) return;
    this.#hooks.tell({ event: 'stream.reset', params: { stream: this.id, message: message.slice(0, 1000) } });
    this.cut(new CmdopError('stream-cut', message));
  }

  received(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#unread += bytes.length;
    if (this.#otherHasEnded || this.#unread > STREAM_WINDOW_BYTES) {
      this.reset(this.#otherHasEnded ? 'bytes came after the end of the stream' : 'more bytes came than the window allows');
      return;
    }
    if (this.#listener) this.#listener.received(bytes);
    else this.#early.push(bytes);
  }

  widened(bytes: number): void {
    this.#credit = Math.min(STREAM_WINDOW_BYTES, this.#credit + bytes);
    if (this.canSend) this.#hooks.ready(this);
  }

  otherEnded(): void {
    if (this.#otherHasEnded) return;
    this.#otherHasEnded = true;
    this.#listener?.ended();
    this.#closeIfOver();
  }

  /** Over at once, whatever is queued. */
  cut(error: CmdopError): void {
    this.#close(error);
  }

  /** The next bytes to send, one piece of what was written. */
  take(max: number): Held {
    const first = this.#held[0];
    if (!first || this.#isClosed) return { bytes: new Uint8Array(0), done: undefined };
    const bytes = first.bytes.subarray(0, Math.min(max, this.#credit));
    const isWhole = bytes.length === first.bytes.length;
    if (isWhole) this.#held.shift();
    else this.#held[0] = { ...first, bytes: first.bytes.subarray(bytes.length) };
    this.#heldBytes -= bytes.length;
    this.#credit -= bytes.length;
    return { bytes, done: isWhole ? first.done : undefined };
  }

  /** What `take` gave is with the connection. */
  sent(): void {
    if (this.#heldBytes === 0 && this.#isEnding) this.#tellEnd();
    if (!this.#isWaiting || this.#heldBytes > HELD_BYTES.low) return;
    this.#isWaiting = false;
    this.#listener?.writable();
  }

  #tellEnd(): void {
    if (this.#hasEnded || this.#isClosed) return;
    this.#hasEnded = true;
    this.#hooks.tell({ event: 'stream.end', params: { stream: this.id } });
    this.#closeIfOver();
  }

  #closeIfOver(): void {
    if (this.#hasEnded && this.#otherHasEnded) this.#close();
  }

  #close(error?: CmdopError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closedWith = error;
    this.#held = [];
    this.#heldBytes = 0;
    this.#hooks.gone(this);
    this.#listener?.closed(error);
  }
}
