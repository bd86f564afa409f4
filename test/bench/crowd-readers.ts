/** What one of many clients makes of the bytes it gets: counts them, keeps none, and knows when it has all. */
import { createHash } from 'node:crypto';
import { encodeMessage, FRAME, MAGIC } from '#protocol/frames.ts';

/** As a client of the engine does (main/client/session-stream.ts), bytes. */
const ACK_EVERY_BYTES = 256 * 1024;
/** Length and kind; then channel and offset where the frame is output or a snapshot. */
const HEAD_BYTES = 5;
const STREAM_HEAD_BYTES = 17;

/** The relay's first word to a client: from here on it gets everything. */
export const WELCOME = Buffer.from('!');

export interface Reader {
  /** Everything wanted has come. */
  readonly isDone: boolean;
  /** Attached: what is printed from now on arrives. */
  readonly isReady: boolean;
  readonly bytes: number;
  /** Output that was left out, as the other side said. */
  readonly gaps: number;
  received(bytes: Buffer): void;
}

/** Bytes as they are: so many, and the hash of them for who wants it. */
export class RawReader implements Reader {
  isReady = false;
  readonly gaps = 0;
  readonly #wantedBytes: number;
  readonly #hash = createHash('sha1');
  readonly #isChecked: boolean;
  bytes = 0;

  constructor({ wantedBytes, isChecked }: { wantedBytes: number; isChecked: boolean }) {
    this.#wantedBytes = wantedBytes;
    this.#isChecked = isChecked;
  }

  get isDone(): boolean {
    return this.bytes >= this.#wantedBytes;
  }
  /** Once, at the end; null where nobody wanted it. */
  hash(): string | null {
    return this.#isChecked ? this.#hash.digest('hex') : null;
  }
  received(bytes: Buffer): void {
    this.bytes += bytes.length;
    if (this.#isChecked) this.#hash.update(bytes);
  }
}

/** Of a multiplexer that draws: until a text is on its way to the screen. */
export class ScreenReader implements Reader {
  readonly gaps = 0;
  readonly #ready: string;
  readonly #done: string;
  #tail = '';
  isReady = false;
  isDone = false;
  bytes = 0;

  constructor({ ready, done }: { ready: string; done: string }) {
    this.#ready = ready;
    this.#done = done;
  }

  received(bytes: Buffer): void {
    this.bytes += bytes.length;
    const text = this.#tail + bytes.toString('latin1');
    if (text.includes(this.#ready)) this.isReady = true;
    if (text.includes(this.#done)) this.isDone = true;
    this.#tail = text.slice(-64);
  }
}

/** Of cmdop: the frames of one attachment, cut without copying their payload, and acknowledged. */
export class WireReader implements Reader {
  readonly #output: RawReader;
  readonly #send: (bytes: Uint8Array) => void;
  #magicBytes = MAGIC.length;
  readonly #head = Buffer.alloc(STREAM_HEAD_BYTES);
  #headBytes = 0;
  /** Of the frame that is coming: its payload, and what of it is missing, bytes. */
  #kind: number = FRAME.message;
  #missingBytes = 0;
  #message: Buffer[] = [];
  #channel = 0;
  #offset = 0;
  #ackedOffset = 0;
  /** Where the output ended when this client attached. */
  #from = 0;
  isReady = false;
  gaps = 0;

  constructor(options: { wantedBytes: number; isChecked: boolean; send: (bytes: Uint8Array) => void }) {
    this.#output = new RawReader(options);
    this.#send = options.send;
  }

  get isDone(): boolean {
    return this.#output.isDone;
  }
  get bytes(): number {
    return this.#output.bytes;
  }
  hash(): string | null {
    return this.#output.hash();
  }

  /** Says who this is and attaches; the answers come to `received`. */
  greet({ id, session }: { id: string; session: string }): void {
    this.#send(MAGIC);
    const client = { id, interface: 'cli', name: 'crowd', build: 'bench' };
    this.#send(encodeMessage({ id: 1, method: 'hello', params: { protocol: { min: 1, max: 1 }, client } }));
    this.#send(encodeMessage({ id: 2, method: 'session.attach', params: { session, role: 'observer' } }));
  }

  received(bytes: Buffer): void {
    let at = Math.min(this.#magicBytes, bytes.length);
    this.#magicBytes -= at;
    while (at < bytes.length) {
      if (this.#missingBytes === 0) at += this.#readHead(bytes.subarray(at));
      else {
        const part = bytes.subarray(at, at + this.#missingBytes);
        at += part.length;
        this.#missingBytes -= part.length;
        this.#payload(part);
      }
    }
    if (this.#offset - this.#ackedOffset < ACK_EVERY_BYTES) return;
    this.#ackedOffset = this.#offset;
    this.#send(encodeMessage({ event: 'output.ack', params: { channel: this.#channel, offset: this.#offset } }));
  }

  /** How many of `bytes` belong to the head. */
  #readHead(bytes: Buffer): number {
    const wanted = this.#headBytes >= HEAD_BYTES && this.#isStream(this.#head[4]) ? STREAM_HEAD_BYTES : HEAD_BYTES;
    const taken = bytes.copy(this.#head, this.#headBytes, 0, wanted - this.#headBytes);
    this.#headBytes += taken;
    if (this.#headBytes < wanted) return taken;
    this.#kind = this.#head[4] ?? FRAME.message;
    if (wanted === HEAD_BYTES && this.#isStream(this.#kind)) return taken;
    this.#missingBytes = this.#head.readUInt32LE(0) - (wanted - 4);
    this.#headBytes = 0;
    if (this.#kind === FRAME.snapshot) {
      this.#offset = Number(this.#head.readBigUInt64LE(9));
      this.#ackedOffset = this.#offset;
    }
    return taken;
  }

  #isStream = (kind: number | undefined) => kind === FRAME.output || kind === FRAME.snapshot;

  #payload(part: Buffer): void {
    if (this.#kind === FRAME.output) {
      // What was printed before is part of the screen, whether it comes as a snapshot or as it was.
      const known = Math.min(Math.max(this.#from - this.#offset, 0), part.length);
      if (known < part.length) this.#output.received(part.subarray(known));
      this.#offset += part.length;
    } else if (this.#kind === FRAME.message) {
      this.#message.push(Buffer.from(part)); // the chunk is used again
      if (this.#missingBytes > 0) return;
      this.#heard(JSON.parse(Buffer.concat(this.#message).toString()));
      this.#message = [];
    }
  }

  #heard(message: { id?: number; event?: string; error?: { message: string }; result?: { channel: number; end: number } }): void {
    if (message.error) throw new Error(`the host refused: ${message.error.message}`);
    if (message.event === 'output.gap') this.gaps++;
    if (message.id !== 2 || !message.result) return;
    this.#channel = message.result.channel;
    this.#from = message.result.end;
    this.isReady = true;
  }
}
