/** A byte stream as a transfer uses it: what comes is taken in order, and what goes waits for room. */
import { CmdopError } from '#protocol/errors.ts';
import type { ByteStream } from '#session/byte-stream.ts';

export class StreamFlow {
  readonly stream: ByteStream;
  readonly #pieces: Uint8Array[] = [];
  #hasEnded = false;
  #cut: CmdopError | null = null;
  #wake: () => void = () => {};
  #hasRoom = true;

  constructor(stream: ByteStream, signal?: AbortSignal) {
    this.stream = stream;
    const abort = () => stream.reset('given up');
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    stream.listen({
      received: (bytes) => {
        this.#pieces.push(bytes);
        this.#wake();
      },
      ended: () => {
        this.#hasEnded = true;
        this.#wake();
      },
      writable: () => {
        this.#hasRoom = true;
        this.#wake();
      },
      closed: (error) => {
        this.#hasEnded = true;
        this.#cut = error ?? null;
        this.#wake();
      },
    });
  }

  /** The next bytes; null at the end. Rejects where the stream was cut. Tell the stream once they are used. */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      if (this.#cut) throw this.#cut;
      const piece = this.#pieces.shift();
      if (piece) return piece;
      if (this.#hasEnded) return null;
      await this.#change();
    }
  }

  /** Resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    this.mustGoOn();
    this.#hasRoom = this.stream.write(bytes);
    while (!this.#hasRoom) {
      await this.#change();
      this.mustGoOn();
    }
  }

  /** Throws what cut it. */
  mustGoOn(): void {
    if (this.#cut) throw this.#cut;
    if (this.stream.isClosed) throw new CmdopError('stream-cut', 'the other side ended the stream');
  }

  /** Why it was cut, or null. */
  get cut(): CmdopError | null {
    return this.#cut;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
