/** A file on its way from a client: what comes while a piece is written is the next piece, and only what is written gives room. */
import { CmdopError } from '#protocol/errors.ts';
import type { ByteStream } from '#session/byte-stream.ts';
import { shownName } from '#session/file-names.ts';
import type { FileThread } from './file-thread.ts';
import type { Job } from './file-work.ts';
import type { OpenedWrite } from './file-writer.ts';
import { sentence } from './sending.ts';
import type { Finished, Transfer, TransferParts } from './transfer.ts';

export class Receiving implements Transfer {
  readonly #parts: TransferParts;
  readonly #thread: FileThread;
  readonly #stream: ByteStream;
  readonly #file: Job & OpenedWrite;
  readonly #release: () => void;
  #waiting: Uint8Array[] = [];
  #received: number;
  /** The writes so far, one after another; rejects with what went wrong. */
  #writing: Promise<void> | null = null;
  #failure: CmdopError | null = null;
  readonly #ended = Promise.withResolvers<void>();
  #isOver = false;

  constructor(options: { parts: TransferParts; thread: FileThread; stream: ByteStream; file: Job & OpenedWrite }) {
    this.#parts = options.parts;
    this.#thread = options.thread;
    this.#stream = options.stream;
    this.#file = options.file;
    this.#received = options.file.from;
    this.#release = options.thread.hold();
    this.#stream.listen({
      received: (bytes) => {
        this.#waiting.push(bytes);
        this.#writing ??= this.#write();
      },
      ended: () => this.#ended.resolve(),
      writable: () => {},
      closed: (error) => {
        this.#ended.resolve();
        if (error) void this.#giveUp();
      },
    });
  }

  async finish(hash: string): Promise<Finished> {
    const { path, job } = this.#file;
    // Its last bytes may wait for other streams of the connection.
    await this.#ended.promise;
    while (this.#writing) await this.#writing;
    if (this.#failure) throw this.#failure;
    if (this.#isOver) throw new CmdopError('stream-cut', `${shownName(path)} was cut: send it again`);
    this.#isOver = true;
    try {
      this.#parts.mustGoOn();
      const finished = await this.#thread.ask('finish', { job, hash });
      this.#parts.note({ is: 'written', path, bytes: finished.size, hash });
      return finished;
    } catch (error) {
      await this.#thread.ask('abandon', { job, keep: true }).catch(() => {}); // it is over already, or its thread is gone
      this.#parts.note({ is: 'not written', path, why: sentence(error) });
      throw error;
    } finally {
      this.#over();
    }
  }

  async cut(message: string): Promise<void> {
    this.#stream.reset(message);
    await this.#giveUp();
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#failure) {
      const bytes = joined(this.#waiting);
      const { length } = bytes;
      this.#waiting = [];
      try {
        this.#parts.mustGoOn();
        await this.#thread.ask('write', { job: this.#file.job, bytes });
        this.#received += length;
        this.#stream.used(length);
      } catch (error) {
        this.#failure = error instanceof CmdopError ? error : new CmdopError('storage', sentence(error));
        this.#stream.reset(this.#failure.message);
      }
    }
    this.#writing = null;
  }

  /** What came stays for the next attempt. */
  async #giveUp(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting = [];
    while (this.#writing) await this.#writing;
    const { job, path } = this.#file;
    await this.#thread.ask('abandon', { job, keep: true }).catch(() => {}); // its thread is gone
    this.#parts.note({
      is: 'written',
      path,
      received: this.#received,
      cut: true,
      ...(this.#failure ? { why: this.#failure.message } : {}),
    });
    this.#over();
  }

  #over(): void {
    this.#release();
    this.#stream.end();
    this.#parts.over();
  }
}

/** In memory of its own, which can be given away. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.allocUnsafeSlow(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
