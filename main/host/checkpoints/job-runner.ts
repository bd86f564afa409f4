/** Runs the jobs of checkpoints in processes of their own: one at a time in a folder, two in all, ended when nobody wants them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { z } from 'zod';
import { nodePath, programPath } from '#local/runtime.ts';
import { CmdopError, ERROR_CODES } from '#protocol/errors.ts';
import { startFailure } from '../start-failure.ts';
import type { Job, JobResult } from './job.ts';

/** At work at once, whatever is asked. */
const MAX_JOBS = 2;
/** Longest a job may take, milliseconds: a network mount, or a folder that is no project. */
const LIMIT_MS = 180_000;

const jobLine = z.union([
  z.object({ progress: z.object({ done: z.number(), total: z.number() }) }),
  z.object({ result: z.unknown() }),
  z.object({
    error: z.object({
      code: z.enum(ERROR_CODES).catch('internal'),
      message: z.string(),
      data: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
]);

export type JobOptions = { signal?: AbortSignal; progress?: (done: number, total: number) => void };
type Waiting = { folder: string; start: () => void };

export class JobRunner {
  readonly #running = new Set<ChildProcess>();
  /** Folders in which a job is at work, from the moment it may begin. */
  readonly #busy = new Set<string>();
  #waiting: Waiting[] = [];
  #isDisposed = false;

  /** Rejects with what the job says, with `timeout`, or with `disconnected` when it is not wanted any more. */
  async run<K extends Job['do']>(job: Extract<Job, { do: K }>, options: JobOptions = {}): Promise<JobResult[K]> {
    const { folder } = job.shadow;
    await new Promise<void>((start) => {
      this.#waiting.push({ folder, start });
      this.#next();
    });
    if (this.#isDisposed || options.signal?.aborted) {
      this.#free(folder);
      throw unwanted();
    }
    return (await this.#perform(job, this.#start(folder), options)) as JobResult[K];
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const child of this.#running) child.stdin?.end();
    for (const { start } of this.#waiting.splice(0)) start();
  }

  #next(): void {
    if (this.#busy.size >= MAX_JOBS) return;
    const at = this.#waiting.findIndex(({ folder }) => !this.#busy.has(folder));
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (!next) return;
    this.#busy.add(next.folder);
    next.start();
  }

  #free(folder: string): void {
    this.#busy.delete(folder);
    this.#next();
  }

  /** `detached`: a group of its own, with which its gits end. Throws where there is no program to run. */
  #start(folder: string): ChildProcess {
    try {
      return spawn(nodePath(), ['--no-warnings', programPath('checkpoint-worker')], {
        detached: true,
        stdio: ['pipe', 'pipe', 'inherit'],
        cwd: '/',
        env: environment(),
      });
    } catch (error) {
      this.#free(folder);
      throw error;
    }
  }

  #perform(job: Job, child: ChildProcess, { signal, progress }: JobOptions): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#running.add(child);
    const end = (error: CmdopError) => {
      reject(error);
      child.stdin?.end();
    };
    const timer = setTimeout(
      () =>
        end(
          new CmdopError(
            'timeout',
            `${job.shadow.folder} took longer than ${LIMIT_MS / 1000} s: it is too big, or on a slow disk; no file has changed`,
          ),
        ),
      LIMIT_MS,
    );
    const abort = () => end(unwanted());
    signal?.addEventListener('abort', abort, { once: true });
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const said = jobLine.safeParse(parse(line)).data;
        if (!said) continue;
        if ('progress' in said) progress?.(said.progress.done, said.progress.total);
        else if ('error' in said) reject(new CmdopError(said.error.code, said.error.message, said.error.data));
        else resolve(said.result);
      }
    });
    // Only then may the next one begin in this folder, whoever was answered before.
    const ended = (why: string) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      if (this.#running.delete(child)) this.#free(job.shadow.folder);
      reject(new CmdopError('internal', why)); // unless it has answered
    };
    child.on('error', (error) => ended(`no process for the checkpoint: ${startFailure(error)}`));
    child.on('close', (code, killedBy) => ended(`the checkpoint's process ended (${killedBy ?? code}); see the host log`));
    child.stdin?.on('error', () => {}); // its end tells
    child.stdin?.write(`${JSON.stringify(job)}\n`);
    return promise;
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // no line of a job: its end tells
  }
}

const unwanted = () => new CmdopError('disconnected', 'the checkpoint was given up: nobody waits for it');

/** No GIT_ variable, no NODE_OPTIONS: only where programs and the user's patterns are. */
function environment(): Record<string, string> {
  const { PATH = '', HOME = homedir(), XDG_CONFIG_HOME } = process.env;
  return { PATH, HOME, ...(XDG_CONFIG_HOME === undefined ? {} : { XDG_CONFIG_HOME }) };
}
