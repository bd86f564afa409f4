/** Keeps the process for SSH guests running while something is shared. It outlives this host: the next one finds it again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { IDLE_FLAGS, nodePath, programPath } from '#local/runtime.ts';
import { startFailure } from '../start-failure.ts';

/** The process of an earlier host is waited for this long before another is started, milliseconds. */
const FIND_MS = 700;
/** After one that ended, the next is started this much later, milliseconds: doubled each time, as long as none stays. */
const AGAIN_MS = { first: 250, longest: 30_000 };

export class GuestsProcess {
  readonly #token: string;
  readonly #logFile: string;
  #timer: NodeJS.Timeout | null = null;
  #againMs = AGAIN_MS.first;
  #isWanted = false;
  /** It has come to the host's link, whoever started it. */
  #isThere = false;
  #latest: ChildProcess | null = null;

  constructor(options: { token: string; logFile: string }) {
    this.#token = options.token;
    this.#logFile = options.logFile;
  }

  /** `mayBeThere`: an earlier host may have started it. */
  want({ mayBeThere }: { mayBeThere: boolean }): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#startIn(mayBeThere ? FIND_MS : 0);
  }

  unwant(): void {
    this.#isWanted = false;
    this.#isThere = false;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  came(): void {
    this.#isThere = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#againMs = AGAIN_MS.first;
  }

  gone(): void {
    this.#isThere = false;
    this.#startAgain();
  }

  #startIn(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#start();
    }, ms);
  }

  #startAgain(): void {
    if (!this.#isWanted || this.#timer) return;
    this.#startIn(this.#againMs);
    this.#againMs = Math.min(AGAIN_MS.longest, this.#againMs * 2);
  }

  #start(): void {
    const log = this.#openLog();
    try {
      // `detached`: its own session, so that nothing that ends us or our terminal reaches it.
      const child = spawn(nodePath(), [...IDLE_FLAGS, '--no-warnings', programPath('guests')], {
        detached: true,
        stdio: ['ignore', 'ignore', log ?? 'ignore'],
        cwd: '/',
        env: { ...process.env, CMDOP_GUESTS_TOKEN: this.#token },
      });
      this.#latest = child;
      child.on('error', (error) => this.#failed(error, child));
      // One that was dismissed, or came second, ends as it should.
      child.on('exit', () => {
        if (this.#latest === child && !this.#isThere) this.#startAgain();
      });
      child.unref();
    } catch (error) {
      this.#failed(error as Error, this.#latest); // an update may be putting another program in its place
    } finally {
      if (log !== null) closeSync(log);
    }
  }

  #failed(error: Error, child: ChildProcess | null): void {
    console.error('the process for guests does not start:', startFailure(error));
    if (this.#latest === child && !this.#isThere) this.#startAgain();
  }

  /** Null where the disk refuses: guests are let in all the same. */
  #openLog(): number | null {
    try {
      return openSync(this.#logFile, 'a', 0o600);
    } catch (error) {
      console.error('the process for guests has no log:', error);
      return null;
    }
  }
}
