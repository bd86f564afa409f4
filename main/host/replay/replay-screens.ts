/** Asks the replay worker for screens of the past. The thread begins with the first question and ends when none comes for a while. */
import { Worker } from 'node:worker_threads';
import { CmdopError } from '#protocol/errors.ts';
import type { PrepareProgress, ReplayAnswer, ReplayQuery, ReplayScreen, ReplaySource } from './replay-messages.ts';

/** A thread that nobody asks for so long is ended, milliseconds. */
const IDLE_MS = 60_000;
/** Questions that wait: who seeks faster is told so. */
const MAX_WAITING = 64;
/** MiB: a segment and a terminal or two. */
const MAX_HEAP = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16 };

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './replay-worker.ts' : './replay-worker.mjs', import.meta.url);

type Waiting = { heard(answer: ReplayAnswer): void; reject(error: CmdopError): void };

export class ReplayScreens {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | null = null;
  #next = 1;

  /** Rejects with `busy` and `internal`. */
  async draw(source: ReplaySource, wanted: { offset: ReplayScreen['offset']; scrollback: number }): Promise<ReplayScreen> {
    const answer = await this.#ask({ is: 'draw', source, ...wanted }).answer;
    if ('screen' in answer) return answer.screen;
    throw new CmdopError('internal', 'the screen cannot be drawn');
  }

  /** Makes the screens that are missing. Resolves with whether it came to its end; rejects with `busy` and `internal`. */
  prepare(source: ReplaySource, told: (progress: PrepareProgress) => void): { prepared: Promise<boolean>; cancel(): void } {
    const { id, answer } = this.#ask({ is: 'prepare', source }, told);
    const prepared = answer.then((last) => 'isPrepared' in last && last.isPrepared);
    return { prepared, cancel: () => this.#worker?.postMessage({ is: 'cancel', id } satisfies ReplayQuery) };
  }

  dispose(): void {
    if (this.#idle) clearTimeout(this.#idle);
    this.#end('the host ends');
  }

  #ask(query: Question, told: (progress: PrepareProgress) => void = () => {}): { id: number; answer: Promise<ReplayAnswer> } {
    const id = this.#next++;
    if (this.#waiting.size >= MAX_WAITING)
      return {
        id,
        answer: Promise.reject(new CmdopError('busy', `${MAX_WAITING} screens of the past are asked for already: wait for one`)),
      };
    if (this.#idle) clearTimeout(this.#idle);
    this.#idle = null;
    this.#worker ??= this.#start();
    const answer = new Promise<ReplayAnswer>((resolve, reject) => {
      const heard = (said: ReplayAnswer) => {
        if ('progress' in said) return told(said.progress);
        this.#waiting.delete(id);
        if ('message' in said) reject(new CmdopError('internal', `the screen cannot be drawn: ${said.message}`));
        else resolve(said);
      };
      this.#waiting.set(id, { heard, reject });
    });
    this.#worker.postMessage({ ...query, id } satisfies ReplayQuery);
    return { id, answer };
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
    this.#waiting.get(answer.id)?.heard(answer);
    if (this.#waiting.size === 0) this.#idle ??= setTimeout(() => this.#end('nobody asks'), IDLE_MS).unref();
  }

  #end(why: string): void {
    void this.#worker?.terminate();
    this.#worker = null;
    for (const waiting of this.#waiting.values()) waiting.reject(new CmdopError('internal', `the screen cannot be drawn: ${why}`));
    this.#waiting.clear();
  }
}

type Question = ReplayQuery extends infer Q ? (Q extends { is: 'draw' | 'prepare' } ? Omit<Q, 'id'> : never) : never;
