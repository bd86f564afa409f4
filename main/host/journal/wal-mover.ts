/** Moves the journal's WAL into its database beside the host's loop, while much is written at once. */
import { Worker } from 'node:worker_threads';

export class WalMover {
  readonly #worker: Worker;
  #isDead = false;
  #work: Promise<void> = Promise.resolve();
  #done: () => void = () => {};

  constructor(file: string) {
    this.#worker = new Worker(THREAD, { workerData: file });
    this.#worker.unref();
    this.#worker.on('message', () => this.#done());
    this.#worker.on('error', (error) => console.error('journal:', error)); // it is moved all the same, later, by the journal
    this.#worker.on('exit', () => {
      this.#isDead = true;
      this.#done();
    });
  }

  /** Resolves once all of it is moved, or could not be. */
  move(): Promise<void> {
    return this.#tell('move');
  }

  /** And makes its file empty: who writes meanwhile waits for that. */
  empty(): Promise<void> {
    return this.#tell('empty');
  }

  async dispose(): Promise<void> {
    await this.#work; // not in the middle of it
    await this.#worker.terminate();
  }

  /** One at a time. */
  #tell(how: 'move' | 'empty'): Promise<void> {
    this.#work = this.#work.then(() => {
      if (this.#isDead) return;
      return new Promise<void>((resolve) => {
        this.#done = resolve;
        this.#worker.postMessage(how);
      });
    });
    return this.#work;
  }
}

const THREAD = new URL(import.meta.url.endsWith('.ts') ? './wal-thread.ts' : './wal-thread.mjs', import.meta.url);
