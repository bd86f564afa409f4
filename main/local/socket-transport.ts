/** A Transport over Node streams: a socket, or a pair of pipes such as stdin and stdout. */
import { connect, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Transport, TransportListener } from '#protocol/transport.ts';
import { ReadMemory, readingInto } from '#session/read-memory.ts';

/** How long a closed transport may still deliver what was sent before, milliseconds: a peer that never reads must not hold it. */
const FLUSH_MS = 1_000;
/** Up to here parts are copied into one piece, bytes: a call of the system for several costs more than the copy. */
const MAX_JOINED_BYTES = 4096;

/** What is gathered to go together is at most so large a piece, bytes: what is larger does not wait for others. */
const MAX_GATHERED_BYTES = 1024;

/** Where the bytes of a socket come from that `connectSocket` made. */
const readers = new WeakMap<Readable, { received: (bytes: Uint8Array) => void }>();

/** A connection for `socketTransport`: what it reads goes past Node's streams, which cost more than a keystroke's echo. */
export function connectSocket(path: string): Socket {
  const reader = { received: (_bytes: Uint8Array) => {} };
  const socket = connect({ path, onread: readingInto(new ReadMemory(), (bytes) => reader.received(bytes)) });
  readers.set(socket, reader);
  return socket.pause();
}

export function socketTransport(socket: Socket, kind = localKind()): Transport {
  socket.setNoDelay(true);
  return new StreamTransport(kind, { input: socket, output: socket });
}

const localKind = () => (process.platform === 'win32' ? 'named pipe' : 'unix socket');

/** For a process that is itself the carrier: `input` is what the other side says, `output` what it hears. */
export function pipeTransport(input: Readable, output: Writable, kind: string): Transport {
  return new StreamTransport(kind, { input, output });
}

class StreamTransport implements Transport {
  readonly kind: string;
  readonly #input: Readable;
  readonly #output: Writable;
  #listener: TransportListener | null = null;
  #isClosing = false;
  #closedWith: { error?: Error } | null = null;
  #flushTimer: NodeJS.Timeout | null = null;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;

  constructor(kind: string, { input, output }: { input: Readable; output: Writable }) {
    this.kind = kind;
    this.#input = input;
    this.#output = output;
    for (const stream of new Set<Readable | Writable>([input, output])) {
      stream.on('error', (error: Error) => this.#closed(error));
      stream.on('close', () => this.#closed());
    }
    input.on('end', () => this.#closed());
  }

  get queuedBytes(): number {
    return this.#output.writableLength + this.#gatheredBytes;
  }

  send(...parts: Uint8Array[]): void {
    this.#send(parts, this.#written);
  }

  /**
   * For what nobody waits for, such as the verdict behind an echo, which goes at once: pieces of one turn in one call, since
   * each wakes whoever carries it, an SSH server among them.
   */
  sendSoon(...parts: Uint8Array[]): void {
    if (this.#mayWait(parts)) this.#gather(parts);
    else this.#send(parts, this.#written);
  }

  sendThen(done: () => void, ...parts: Uint8Array[]): void {
    this.#send(parts, (error) => {
      done();
      this.#written(error);
    });
  }

  /** Small, and nothing is on its way behind which it would wait in any case. */
  #mayWait(parts: readonly Uint8Array[]): boolean {
    return this.#output.writableLength === 0 && lengthOf(parts) <= MAX_GATHERED_BYTES;
  }

  #gather(parts: readonly Uint8Array[]): void {
    if (this.#isClosing || this.#closedWith) return;
    if (this.#gathered.length === 0) process.nextTick(this.#sendGathered);
    this.#gathered.push(...parts);
    this.#gatheredBytes += lengthOf(parts);
  }

  readonly #sendGathered = (): void => {
    if (this.#gathered.length > 0) this.#send([], this.#written);
  };

  /** `parts` behind what was gathered. */
  #send(parts: Uint8Array[], written: (error?: Error | null) => void): void {
    if (this.#isClosing || this.#closedWith) return;
    const all = this.#gathered.length > 0 ? [...this.#gathered, ...parts] : parts;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    const pieces = joinSmall(all);
    const last = pieces.length - 1;
    if (last > 0) this.#output.cork();
    // The stream's own `drain` only comes after its high-water mark was passed; ours whenever nothing is left.
    for (let i = 0; i <= last; i++) {
      const piece = pieces[i];
      if (piece) this.#output.write(piece, i === last ? written : undefined);
    }
    if (last > 0) this.#output.uncork();
  }

  listen(listener: TransportListener): void {
    this.#listener = listener;
    const closedWith = this.#closedWith;
    if (closedWith) {
      queueMicrotask(() => listener.closed(closedWith.error));
      return;
    }
    const received = (bytes: Uint8Array) => {
      if (!this.#isClosing && !this.#closedWith) listener.received(bytes);
    };
    const reader = readers.get(this.#input);
    if (reader) reader.received = received;
    else this.#input.on('data', received);
    this.#input.resume(); // it may have been held until somebody listens
  }

  pause(): void {
    this.#input.pause();
  }

  resume(): void {
    this.#input.resume();
  }

  close(): void {
    if (this.#isClosing || this.#closedWith) return;
    this.#sendGathered();
    this.#isClosing = true;
    this.#output.end(() => this.#closed());
    this.#flushTimer = setTimeout(() => this.#closed(), FLUSH_MS);
  }

  #written = (error?: Error | null): void => {
    if (!error && this.#output.writableLength === 0 && !this.#isClosing && !this.#closedWith) this.#listener?.drained();
  };

  #closed(error?: Error): void {
    if (this.#closedWith) return;
    this.#closedWith = error && !this.#isClosing ? { error } : {};
    if (this.#flushTimer) clearTimeout(this.#flushTimer);
    this.#input.destroy();
    this.#output.destroy();
    this.#listener?.closed(this.#closedWith.error);
  }
}

function joinSmall(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  if (parts.length < 2) return parts;
  const length = lengthOf(parts);
  return length <= MAX_JOINED_BYTES ? [Buffer.concat(parts, length)] : parts;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}
