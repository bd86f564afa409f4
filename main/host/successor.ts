/**
 * The next host, of another build, as the running one sees it: started beside it, told to take over, and ended if it
 * cannot. It says `waiting` once it has loaded, is told `go` when the lock is free, and then says how many sessions it
 * cannot reach, `unreachable SESSIONS`, and how many it has with those, `ready SESSIONS`.
 * If we die while it waits, its stdin ends and it serves as any next host does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, realpathSync, type Stats, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { IDLE_FLAGS } from '#local/runtime.ts';
import { CmdopError } from '#protocol/errors.ts';
import { startFailure } from './start-failure.ts';

/** In the environment of a host that is to wait; its value says whether it was given the listening socket as descriptor 3. */
export const SUCCESSOR_ENV = 'CMDOP_SUCCESSOR';
/** A build must have loaded, and then have adopted every session, after this long, milliseconds. */
const PATIENCE_MS = 8_000;
/** Most that is read of what it says, bytes. */
const MAX_WORDS_BYTES = 16 * 1024;

/** `listener`: the descriptor that clients connect to, or null where it cannot be handed on. `logFile`: for what it says of a failure. `env`: beside ours. */
type Surroundings = { listener: number | null; logFile: string; env: Record<string, string> };

export type Build = { node: string; hostBundle: string };

/** Throws `bad-request` unless both are files that nobody but this user and root can have changed. */
export function checkBuild({ node, hostBundle }: Build): void {
  for (const file of [node, hostBundle]) {
    const refuse = (why: string) => new CmdopError('bad-request', `the host was not replaced: ${file} ${why}`);
    if (!isAbsolute(file)) throw refuse('is no absolute path');
    const found = fileAt(file);
    if (!found?.isFile()) throw refuse('is not there, or is no file');
    if (process.platform === 'win32') continue;
    const [uid, gid] = [process.getuid?.(), process.getgid?.()];
    if (found.uid !== 0 && found.uid !== uid) throw refuse(`belongs to user ${found.uid}: it must be yours or root's`);
    // A group of one's own is not others: many systems give each user one, and it the right to write.
    if ((found.mode & 0o002) !== 0 || ((found.mode & 0o020) !== 0 && found.gid !== gid)) {
      throw refuse(`can be changed by others: run \`chmod go-w ${file}\``);
    }
  }
  try {
    accessSync(node, constants.X_OK);
  } catch {
    throw new CmdopError('bad-request', `the host was not replaced: ${node} cannot be run`);
  }
}

export class Successor {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #words = '';
  #heard: () => void = () => {};
  #exit: string | null = null;

  private constructor({ node, hostBundle }: Build, { listener, logFile, env }: Surroundings) {
    const log = openLog(logFile);
    this.#child = spawn(node, [...IDLE_FLAGS, hostBundle], {
      detached: true,
      cwd: '/',
      env: { ...process.env, ...env, [SUCCESSOR_ENV]: listener === null ? 'alone' : 'listener' },
      stdio: ['pipe', 'pipe', log ?? 'ignore', ...(listener === null ? [] : [listener])],
      windowsHide: true,
    });
    if (log !== null) closeSync(log);
    this.#child.stdin?.on('error', () => {}); // the exit tells
    this.#child.stdout?.on('error', () => {}); // the exit tells
    this.#child.stdout?.on('data', (bytes: Buffer) => {
      this.#words = (this.#words + bytes.toString()).slice(-MAX_WORDS_BYTES);
      this.#heard();
    });
    const ended = (why: string) => {
      this.#exit ??= why;
      this.#heard();
    };
    this.#ended = new Promise((resolve) => {
      this.#child.on('exit', () => resolve());
      this.#child.on('error', (error) => {
        ended(`it could not be started: ${startFailure(error)}`);
        resolve();
      });
    });
    // After `exit` there may still be words in the pipe; `close` comes when they are read.
    this.#child.on('close', (code, signal) => ended(`it ended with ${signal ?? `exit code ${code}`}`));
  }

  /** Resolves when the build has loaded and waits; nobody has noticed anything so far. Rejects with `spawn-failed`. */
  static async start(build: Build, surroundings: Surroundings): Promise<Successor> {
    let successor: Successor | null = null;
    try {
      successor = new Successor(build, surroundings);
      await successor.#says(/^waiting$/m, 'did not load');
      return successor;
    } catch (error) {
      await successor?.end();
      throw new CmdopError('spawn-failed', `the host was not replaced: ${(error as Error).message}; the old one goes on`);
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The lock is free. Resolves with the live sessions it has found; rejects with why not, in words. */
  async takeOver(): Promise<{ sessions: number; unreachable: number }> {
    this.#child.stdin?.end('go\n');
    const [, sessions] = await this.#says(/^ready (\d+)$/m, 'did not take over');
    const [, unreachable = 0] = /^unreachable (\d+)$/m.exec(this.#words) ?? []; // earlier builds reach what they have
    return { sessions: Number(sessions), unreachable: Number(unreachable) };
  }

  /** Once it has taken over: has it stop as we would, and resolves when it is gone. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }

  /** Kills it, and resolves when it is gone and with it its hold on the lock. */
  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #says(wanted: RegExp, failure: string): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => settle(() => reject(new Error(`the new build ${failure}: ${why}`)));
      const timer = setTimeout(() => fail(`it was not ready after ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        this.#heard = () => {};
        finish();
      };
      this.#heard = () => {
        const said = wanted.exec(this.#words);
        const complaint = /^error: (.*)$/m.exec(this.#words)?.[1];
        if (said) settle(() => resolve(said));
        else if (complaint !== undefined) fail(complaint);
        // One that finds a host and is content is older than this way of taking over.
        else if (/^ready$/m.test(this.#words)) fail('it is too old to take over from a running host');
        else if (this.#exit !== null) fail(this.#exit);
      };
      this.#heard();
    });
  }
}

/** Null where the disk refuses: it takes over all the same. */
function openLog(file: string): number | null {
  try {
    return openSync(file, 'a', 0o600);
  } catch (error) {
    console.error('the next host has no log:', error);
    return null;
  }
}

function fileAt(path: string): Stats | null {
  try {
    return statSync(realpathSync(path));
  } catch {
    return null; // not there, or not ours to see
  }
}
