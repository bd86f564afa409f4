/** Asks the replay worker for screens of the past. The thread begins with the first question and ends when none comes for a while. */
import { Worker } from 'node:worker_threads';
import { CmdopError } from '#protocol/errors.ts';
import type { ReplayAnswer, ReplayQuery, ReplayScreen } from './replay-messages.ts';

/** A thread that nobody asks for so long is ended, milliseconds. */
const IDLE_MS = 60_000;
/** Questions that wait: who seeks faster is told so. */
const MAX_WAITING = 64;
/** MiB: a segment and a terminal or two. */
const MAX_HEAP = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16 };

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './replay-worker.ts' : './replay-worker.mjs', import.meta.url);

type Waiting = { resolve(screen: ReplayScreen): void; reject(error: CmdopError): void };

export class ReplayScreens {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | null = null;
  #next = 1;

  /** Rejects with `busy` and `internal`. */
  draw(query: Omit<ReplayQuery, 'id'>): Promise<ReplayScreen> {
    if (this.#waiting.size >= MAX_WAITING)
      return Promise.reject(new CmdopError('busy', `${MAX_WAITING} screens of the past are asked for already: wait for one`));
    const id = this.#next++;
    if (this.#idle) clearTimeout(this.#idle);
    this.#idle = null;
    this.#worker ??= this.#start();
    const answer = new Promise<ReplayScreen>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#worker.postMessage({ ...query, id } satisfies ReplayQuery);
    return answer;
  }

  dispose(): void {
    if (this.#idle) clearTimeout(this.#idle);
    this.#end('the host ends');
  }

  #start(): Worker {
    const worker = new Worker(WORKER, { name: 'cmdop replay', resourceLimits: MAX_HEAP });
    let failure = 'its thread ended';
    worker.on('message', (answer: ReplayAnswer) => this.#answered(answer));
    worker.on('error', (error) => {
      failure = error.message;
    });
    worker.on('exit', () => {
      if (worker === this.#worker) this.#end(failure);
    });
    return worker;
  }

  #answered(answer: ReplayAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('screen' in answer) waiting?.resolve(answer.screen);
    else waiting?.reject(new CmdopError('internal', `the screen cannot be drawn: ${answer.message}`));
    if (this.#waiting.size === 0) this.#idle = setTimeout(() => this.#end('nobody asks'), IDLE_MS).unref();
  }

  #end(why: string): void {
    void this.#worker?.terminate();
    this.#worker = null;
    for (const waiting of this.#waiting.values()) waiting.reject(new CmdopError('internal', `the screen cannot be drawn: ${why}`));
    this.#waiting.clear();
  }
}
