/** A TCP connection and a byte stream, joined: bytes, ends and cuts of one are those of the other. */
import type { Socket } from 'node:net';
import type { ByteStream } from '#session/byte-stream.ts';

/** Smaller pieces are put together while the socket is behind, bytes: each one queued costs more than it holds. */
const SMALL_BYTES = 4 * 1024;
const JOINED_BYTES = 64 * 1024;

export type JoinListener = {
  /** So many bytes went from the socket into the stream. */
  sent?(bytes: number): void;
  /** So many came out of the stream and were given to the socket. */
  received?(bytes: number): void;
  closed?(): void;
};

/** `socket` must allow a half-open connection, and not have been read from. */
export function joinSocket(stream: ByteStream, socket: Socket, listener: JoinListener = {}): void {
  const written = new PiecewiseWriter(socket, (bytes) => stream.used(bytes));
  socket.setNoDelay(true);
  socket.on('data', (bytes: Buffer) => {
    listener.sent?.(bytes.length);
    if (!stream.write(bytes)) socket.pause();
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
      written.write(bytes);
    },
    ended: () => written.end(),
    writable: () => socket.resume(),
    closed: (error) => {
      if (error && !socket.destroyed) socket.resetAndDestroy();
      listener.closed?.();
    },
  });
  socket.resume();
}

class PiecewiseWriter {
  readonly #socket: Socket;
  readonly #used: (bytes: number) => void;
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
