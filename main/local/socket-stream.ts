/** A TCP connection and a byte stream, joined: bytes, ends and cuts of one are those of the other. */
import { connect, type Socket } from 'node:net';
import type { ByteStream } from '#session/byte-stream.ts';

/** Smaller pieces are put together while the socket is behind, bytes: each one queued costs more than it holds. */
const SMALL_BYTES = 4 * 1024;
const JOINED_BYTES = 64 * 1024;
/** Of a read, bytes; and how many buffers for reads are kept: fresh ones would keep the garbage collector at work. */
const READ_BYTES = 64 * 1024;
const MAX_FREE = 32;
/** What is queued may still go for so long, milliseconds. */
const CUT_MS = 500;

export type JoinListener = {
  /** So many bytes went from the socket into the stream. */
  sent?(bytes: number): void;
  /** So many came out of the stream and were given to the socket. */
  received?(bytes: number): void;
  closed?(): void;
};

/** Where the bytes of a socket come from: `done` gives their memory back. Answers false to be held until the socket is resumed. */
type Reader = { read: (bytes: Uint8Array, done?: () => void) => boolean };
const readers = new WeakMap<Socket, Reader>();

/** A connection that reads into buffers used again and again. Half-open, and paused until it is joined. Rejects if nobody answers. */
export function connectTcp(at: { host: string; port: number }, timeoutMs: number): Promise<Socket> {
  const free: Uint8Array[] = [];
  const reader: Reader = { read: () => true };
  const onread = {
    buffer: () => free.pop() ?? new Uint8Array(READ_BYTES),
    callback: (length: number, buffer: Uint8Array) =>
      reader.read(buffer.subarray(0, length), () => {
        if (free.length < MAX_FREE) free.push(buffer);
      }),
  };
  return new Promise((resolve, reject) => {
    const socket = connect({ ...at, allowHalfOpen: true, onread });
    readers.set(socket, reader);
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.setTimeout(0);
      resolve(socket.pause());
    });
  });
}

/** `socket` must allow a half-open connection, and not have been read from. */
export function joinSocket(stream: ByteStream, socket: Socket, listener: JoinListener = {}): void {
  const writer = new BatchWriter(socket, (bytes) => stream.used(bytes));
  const read = (bytes: Uint8Array, done?: () => void): boolean => {
    listener.sent?.(bytes.length);
    return stream.write(bytes, done);
  };
  socket.setNoDelay(true);
  const reader = readers.get(socket);
  if (reader) reader.read = read;
  else
    socket.on('data', (bytes: Buffer) => {
      if (!read(bytes)) socket.pause();
    });
  socket.on('end', () => stream.end());
  socket.on('error', (error: Error) => stream.reset(`the connection broke: ${error.message}`));
  socket.on('close', () => {
    // After both ends this is nothing new.
    if (!socket.readableEnded || !socket.writableFinished) stream.reset('the connection was closed');
  });
  stream.listen({
    received: (bytes) => {
      listener.received?.(bytes.length);
      writer.write(bytes);
    },
    ended: () => writer.end(),
    writable: () => socket.resume(),
    closed: (error) => {
      if (error) cutSocket(socket);
      listener.closed?.();
    },
  });
  socket.resume();
}

/** Its other side sees a cut, not an end. Whoever does not read what is still queued holds it no longer than a moment. */
export function cutSocket(socket: Socket): void {
  if (socket.destroyed) return;
  socket.resetAndDestroy();
  setTimeout(() => socket.destroy(), CUT_MS).unref();
}

/** What comes in one turn of the event loop goes in one call of the system. */
class BatchWriter {
  readonly #socket: Socket;
  readonly #used: (bytes: number) => void;
  #isCorked = false;
  #joined = Buffer.alloc(0);
  #joinedBytes = 0;
  #pending = 0;

  constructor(socket: Socket, used: (bytes: number) => void) {
    this.#socket = socket;
    this.#used = used;
  }

  write(bytes: Uint8Array): void {
    const isSmall = bytes.length < SMALL_BYTES && this.#pending > 0;
    if (!isSmall || this.#joinedBytes + bytes.length > JOINED_BYTES) this.#flush();
    if (!isSmall) {
      this.#give(bytes);
      return;
    }
    if (this.#joined.length === 0) this.#joined = Buffer.allocUnsafe(JOINED_BYTES);
    this.#joined.set(bytes, this.#joinedBytes);
    this.#joinedBytes += bytes.length;
  }

  end(): void {
    this.#flush();
    this.#socket.end();
  }

  #give(bytes: Uint8Array): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      setImmediate(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#pending++;
    this.#socket.write(bytes, () => {
      this.#pending--;
      this.#used(bytes.length);
      if (this.#pending === 0) this.#flush();
    });
  }

  #flush(): void {
    if (this.#joinedBytes === 0) return;
    const bytes = this.#joined.subarray(0, this.#joinedBytes);
    this.#joined = Buffer.alloc(0);
    this.#joinedBytes = 0;
    this.#give(bytes);
  }
}
