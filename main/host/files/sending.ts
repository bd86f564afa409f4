/** A file on its way to a client: read piece by piece as the stream takes it, never further ahead than the stream's own room. */
import { CmdopError } from '#protocol/errors.ts';
import type { ByteStream } from '#session/byte-stream.ts';
import { shownName } from '#session/file-names.ts';
import type { OpenedRead } from './file-reader.ts';
import type { FileThread } from './file-thread.ts';
import type { Job } from './file-work.ts';
import type { Finished, Transfer, TransferParts } from './transfer.ts';

/** Read at a time, bytes. */
const PIECE_BYTES = 256 * 1024;

export class Sending implements Transfer {
  readonly #parts: TransferParts;
  readonly #thread: FileThread;
  readonly #stream: ByteStream;
  readonly #file: Job & OpenedRead;
  readonly #from: number;
  readonly #release: () => void;
  #sent = 0;
  /** Of the whole file, once it is read. */
  #hash: string | null = null;
  #isOver = false;
  #hasRoom: () => void = () => {};

  constructor(options: { parts: TransferParts; thread: FileThread; stream: ByteStream; file: Job & OpenedRead; from: number }) {
    this.#parts = options.parts;
    this.#thread = options.thread;
    this.#stream = options.stream;
    this.#file = options.file;
    this.#from = options.from;
    this.#release = options.thread.hold();
    this.#stream.listen({
      received: () => this.#stream.reset('this stream only sends'),
      ended: () => {},
      writable: () => this.#hasRoom(),
      closed: (error) => {
        this.#hasRoom();
        if (error) this.#end();
      },
    });
  }

  /** Resolves when all is with the stream, or it was cut. */
  async run(): Promise<void> {
    const { job } = this.#file;
    let isWhole = false;
    try {
      let ahead = this.#thread.ask('read', { job, max: PIECE_BYTES });
      for (;;) {
        const bytes = await ahead;
        if (this.#stream.isClosed) break;
        if (bytes.length === 0) {
          isWhole = true;
          break;
        }
        this.#parts.mustGoOn();
        this.#sent += bytes.length;
        const hasRoom = this.#stream.write(bytes);
        // While this piece goes, the next is read: one, whatever the other side takes.
        ahead = this.#thread.ask('read', { job, max: PIECE_BYTES });
        ahead.catch(() => {}); // the loop sees it, unless the stream is over
        if (!hasRoom) await this.#room();
      }
    } catch (error) {
      this.#stream.reset(sentence(error));
    }
    this.#hash = await this.#thread.ask('closeRead', { job, isWhole }).catch(() => null); // the thread is gone, and the file with it
    this.#release();
    if (isWhole && this.#hash !== null) this.#stream.end();
    else this.#stream.reset('the file could not be read to its end: try again');
  }

  async finish(hash: string): Promise<Finished> {
    const { path, size } = this.#file;
    if (this.#hash === null) throw new CmdopError('bad-request', `${shownName(path)} is not read to its end yet`);
    if (hash !== this.#hash) {
      this.#end();
      throw new CmdopError('file-changed', `${shownName(path)} did not arrive as it was sent (its hash differs): copy it again`);
    }
    this.#isOver = true;
    this.#parts.note({ is: 'read', path, bytes: size, ...(this.#from > 0 ? { from: this.#from } : {}), hash });
    this.#parts.over();
    return { path, size, hash };
  }

  async cut(message: string): Promise<void> {
    this.#stream.reset(message);
    this.#end();
  }

  /** It did not come to its end, as far as anybody said; what went is on record all the same. */
  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { path, size } = this.#file;
    this.#parts.note({ is: 'read', path, bytes: size, from: this.#from, sent: this.#sent, cut: true });
    this.#parts.over();
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#hasRoom = resolve;
      if (this.#stream.isClosed) resolve();
    });
  }
}

export const sentence = (error: unknown): string =>
  error instanceof CmdopError
    ? error.message
    : `cmdop host: unexpected failure (${error instanceof Error ? error.message : String(error)}); see the host log`;
