/** Threads that pack files beside the one that reads them, so that a big folder takes half the time. */
import { Worker } from 'node:worker_threads';
import { programPath } from '#local/runtime.ts';
import type { Batch, PackedBatch } from './packing.ts';

const THREADS = 2;
/** Given to a thread and not answered yet: bounds the memory. */
const MAX_UNDER_WAY = 4;

type Thread = { worker: Worker; failure: Error | null; waiting: { resolve(packed: PackedBatch): void; reject(error: Error): void }[] };

export class PackingThreads {
  readonly #threads: Thread[] = Array.from({ length: THREADS }, () => {
    const worker = new Worker(programPath('packing-thread'));
    const thread: Thread = { worker, failure: null, waiting: [] };
    worker.on('message', (packed: PackedBatch) => thread.waiting.shift()?.resolve(packed));
    worker.on('error', (error: Error) => {
      thread.failure = error;
      for (const { reject } of thread.waiting.splice(0)) reject(error);
    });
    return thread;
  });

  pack(batch: Batch): Promise<PackedBatch> {
    const thread = this.#idlest();
    if (thread.failure) return Promise.reject(thread.failure); // it has ended, and answers nothing any more
    return new Promise((resolve, reject) => {
      thread.waiting.push({ resolve, reject });
      thread.worker.postMessage(batch);
    });
  }

  get isBusy(): boolean {
    return this.#idlest().waiting.length >= MAX_UNDER_WAY;
  }

  dispose(): void {
    for (const { worker } of this.#threads) void worker.terminate();
  }

  #idlest(): Thread {
    const [first, ...others] = this.#threads;
    if (!first) throw new Error('there are threads');
    return others.reduce((best, each) => (each.waiting.length < best.waiting.length ? each : best), first);
  }
}
