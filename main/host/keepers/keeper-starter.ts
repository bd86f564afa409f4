/**
 * Starts keepers, and has one ready: it has loaded and waits to be told what to run, so that a new session does not wait
 * for a runtime to start. A waiting keeper sleeps in a read, and ends by itself with the host that holds its other end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { CmdopError } from '#protocol/errors.ts';
import type { KeeperSpec } from '../../keeper/spec.ts';
import { startFailure } from '../start-failure.ts';
import type { KeeperProgram } from './keeper-program.ts';

/** A keeper must be ready after this long, milliseconds; it takes 40 on an idle machine. */
const START_TIMEOUT_MS = 10_000;
/** The next one is made this long after one was taken, milliseconds: the new shell goes first. */
const NEXT_AFTER_MS = 500;

export class KeeperStarter {
  readonly #program: KeeperProgram;
  #waiting: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(program: KeeperProgram) {
    this.#program = program;
    this.#makeNext();
  }

  /** Starts a session that outlives this process. Rejects with `spawn-failed`, in the keeper's own words. */
  start(spec: KeeperSpec): Promise<void> {
    const child = this.#waiting ?? this.#spawn();
    this.#waiting = null;
    child.off('error', this.#gone).off('exit', this.#gone);
    this.#timer ??= setTimeout(() => this.#makeNext(), NEXT_AFTER_MS);
    return begin(child, spec);
  }

  /** The keeper that waits is not needed any more. */
  dispose(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#waiting?.stdin?.end();
    this.#waiting = null;
  }

  #makeNext(): void {
    this.#timer = null;
    const child = this.#spawn();
    this.#waiting = child;
    child.on('error', this.#gone).on('exit', this.#gone);
  }

  /** It may be killed while it waits, or not have been started: the next session then starts its own. */
  readonly #gone = (): void => {
    this.#waiting = null;
  };

  #spawn(): ChildProcess {
    const { file, args } = this.#program;
    // `detached`: its own session, so that nothing that ends us or our terminal reaches it.
    const child = spawn(file, args, {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      cwd: '/',
      env: {},
    });
    child.stdin?.on('error', () => {}); // the exit tells
    return child;
  }
}

function begin(child: ChildProcess, spec: KeeperSpec): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (why: string) => {
      clearTimeout(timer);
      child.stdout?.destroy();
      reject(new CmdopError('spawn-failed', `the session could not be started: ${why}`));
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      failed(`its keeper was not ready after ${START_TIMEOUT_MS / 1000} s`);
    }, START_TIMEOUT_MS);
    let said = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      said += bytes;
      if (!said.includes('\n')) return;
      if (!said.startsWith('ready')) return failed(said.replace(/^error: /, '').trim());
      clearTimeout(timer);
      child.stdout?.destroy();
      child.unref();
      resolve();
    });
    child.on('error', (error) => failed(startFailure(error)));
    // Not at its exit: what it said last may come after that.
    child.on('close', (code, signal) => failed(said.trim() || `its keeper ended at once (${signal ?? code})`));
    child.stdin?.end(JSON.stringify(spec));
  });
}
