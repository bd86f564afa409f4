/**
 * Has sketches made of output that is complete: some seconds after it came, in a process that gives way to everything else,
 * one at a time, and none where nothing is missing.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SessionId } from '#protocol/ids.ts';
import { giveWay } from '../search/give-way.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { startFailure } from '../start-failure.ts';
import { lacksSketches } from './sketch-file.ts';
import type { SketchTask } from './sketch-messages.ts';

/** Without another segment, milliseconds: a flood is over. */
const QUIET_MS = 3_000;
/** A flood that goes on so long, milliseconds, is no reason to leave the rest without. */
const LONGEST_MS = 60_000;
/** After a host has started, milliseconds: what an earlier one left without. */
const NOT_BEFORE_MS = 5_000;
/** What searches find missing once more after so long, milliseconds: it may be what cannot be read, or no room on the disk. */
const AGAIN_MS = 3_600_000;
const PRIORITY = 19;
/** A segment, its text and its sketch. */
const FLAGS = ['--max-old-space-size=64', '--max-semi-space-size=2'];

type Sketchable = Pick<LiveSession, 'id' | 'isRunning'>;

export type SketcherOptions = {
  sessions: { all(): readonly Sketchable[]; get(id: SessionId): Sketchable | null };
  folderOf(session: SessionId): string;
  /** Monotonic, milliseconds. */
  now: () => number;
  /** Other than here, in tests. */
  quietMs?: number;
  notBeforeMs?: number;
};

export class Sketcher {
  readonly #options: SketcherOptions;
  readonly #startedAt: number;
  /** What an earlier host left is not looked at yet. */
  #isFirst = true;
  readonly #wanted = new Set<SessionId>();
  /** Told of by a search: looked at whatever the names of its files say. */
  readonly #reported = new Set<SessionId>();
  /** When something was still missing afterwards: not tried for ever at every search. */
  readonly #failedAt = new Map<SessionId, number>();
  #timer: NodeJS.Timeout | null = null;
  #since: number | null = null;
  #isWorking = false;
  #worker: ChildProcess | null = null;
  #isDisposed = false;

  constructor(options: SketcherOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    this.#wait();
  }

  /** Output of the session is complete, or all of it. */
  want(session: SessionId): void {
    this.#wanted.add(session);
    this.#failedAt.delete(session);
    this.#wait();
  }

  /** A search had to read what a sketch should have told. */
  reported(session: SessionId): void {
    if (this.#options.now() - (this.#failedAt.get(session) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
    this.#reported.add(session);
    this.#wanted.add(session);
    this.#wait();
  }

  dispose(): void {
    this.#isDisposed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#worker?.kill('SIGKILL');
  }

  /** Once more, where it waits already. */
  #wait(): void {
    if (this.#isDisposed || this.#isWorking) return; // looked at again when that is done
    const now = this.#options.now();
    this.#since ??= now;
    const { quietMs = QUIET_MS, notBeforeMs = NOT_BEFORE_MS } = this.#options;
    const at = Math.max(Math.min(now + quietMs, this.#since + LONGEST_MS), this.#startedAt + notBeforeMs);
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#work().catch((error: unknown) => console.error('sketches:', error)), Math.max(0, at - now));
    this.#timer.unref();
  }

  async #work(): Promise<void> {
    this.#timer = null;
    this.#since = null;
    this.#isWorking = true;
    if (this.#isFirst) for (const { id } of this.#options.sessions.all()) this.#wanted.add(id);
    this.#isFirst = false;
    const wanted = [...this.#wanted];
    const isReported = new Set(this.#reported);
    this.#wanted.clear();
    this.#reported.clear();
    const tasks: { id: SessionId; folder: string; isEnded: boolean }[] = [];
    for (const id of wanted) {
      const session = this.#options.sessions.get(id);
      if (!session) continue;
      const task = { id, folder: this.#options.folderOf(id), isEnded: !session.isRunning };
      if (isReported.has(id) || (await lacksSketches(task.folder, task.isEnded))) tasks.push(task);
    }
    if (tasks.length > 0 && !this.#isDisposed) await this.#make({ sessions: tasks.map(({ folder, isEnded }) => ({ folder, isEnded })) });
    for (const { id, folder, isEnded } of tasks) if (await lacksSketches(folder, isEnded)) this.#failedAt.set(id, this.#options.now());
    this.#isWorking = false;
    if (this.#wanted.size > 0) this.#wait();
  }

  /** Resolves when the process has ended, whatever came of it: what it did not make, searches do without. */
  #make(task: SketchTask): Promise<void> {
    const worker = fork(WORKER, { serialization: 'advanced', execArgv: FLAGS, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#worker = worker;
    giveWay(worker, PRIORITY);
    return new Promise((resolve) => {
      const ended = () => {
        this.#worker = null;
        resolve();
      };
      worker.on('error', (error) => {
        console.error('sketches:', startFailure(error));
        ended();
      });
      worker.on('exit', ended);
      if (worker.pid !== undefined) worker.send(task);
    });
  }
}

const WORKER = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './sketch-worker.ts' : './sketch-worker.mjs', import.meta.url));
