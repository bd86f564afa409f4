/** The thread of files as the host's main thread sees it: started when somebody asks, ended when nobody did for a while. */
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { programPath } from '#local/runtime.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { FileAnswer, FileArgument, FileQuestion, FromFileThread } from './file-work.ts';

/** A thread costs some 10 MB, and is started in 40 ms: kept this long after the last answer, milliseconds. */
const IDLE_MS = 20_000;

type Waiting = { resolve: (answer: never) => void; reject: (error: Error) => void };

export class FileThread {
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  /** Files that are open in it. */
  #open = 0;
  #idle: NodeJS.Timeout | null = null;

  /** Bytes of an argument are given away. Rejects with a CmdopError for whatever the file or the system is to blame for. */
  ask<Q extends FileQuestion>(question: Q, argument: FileArgument<Q>): Promise<FileAnswer<Q>> {
    if (this.#idle) clearTimeout(this.#idle);
    this.#idle = null;
    const id = this.#nextId++;
    const bytes = 'bytes' in argument && argument.bytes.buffer instanceof ArrayBuffer ? [argument.bytes.buffer] : [];
    return new Promise((resolve, reject) => {
      const worker = this.#worker ?? this.#start();
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, question, argument }, bytes);
    });
  }

  /** While a file is open in it the thread stays. */
  hold(): () => void {
    this.#open++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#open--;
      this.#restLater();
    };
  }

  dispose(): void {
    if (this.#idle) clearTimeout(this.#idle);
    this.#lost(this.#worker, new CmdopError('disconnected', 'the host ends: try again'));
  }

  #start(): Worker {
    const worker = new Worker(pathToFileURL(programPath('file-worker')), { name: 'files' });
    this.#worker = worker;
    worker.on('message', (message: FromFileThread) => this.#answered(message));
    worker.on('error', (error) => {
      console.error('the thread of files failed:', error);
      this.#lost(worker, new CmdopError('internal', 'cmdop host: the thread of files failed; see the host log'));
    });
    return worker;
  }

  #answered(message: FromFileThread): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('answer' in message) waiting?.resolve(message.answer as never);
    else if (message.fault) waiting?.reject(new CmdopError(message.fault.code, message.fault.message));
    else waiting?.reject(new Error(message.message));
    this.#restLater();
  }

  #restLater(): void {
    if (this.#open > 0 || this.#waiting.size > 0 || this.#idle) return;
    this.#idle = setTimeout(() => {
      this.#idle = null;
      if (this.#open === 0 && this.#waiting.size === 0) this.#lost(this.#worker, new CmdopError('internal', 'the thread of files rests'));
    }, IDLE_MS);
    this.#idle.unref();
  }

  #lost(worker: Worker | null, error: CmdopError): void {
    if (!worker || worker !== this.#worker) return;
    this.#worker = null;
    void worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
