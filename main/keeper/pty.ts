/**
 * One PTY with its program, exact bytes both ways.
 *
 * On Unix this stands on node-pty's native half alone: its JavaScript half closes the PTY 200 ms after the program's
 * exit, which loses output while reading is paused, and spins on EAGAIN (745 ms CPU a second against 11 ms here).
 */
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ReadStream } from 'node:tty';
import type { ClientId } from '#protocol/ids.ts';
import { ReadMemory, readingInto } from '#session/read-memory.ts';
import { InputQueue, type QueuedInput, type TakenBack } from './input-queue.ts';

export type PtySpec = {
  file: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
  cols: number;
  rows: number;
};

export type PtyListener = {
  output(bytes: Uint8Array): void;
  /** The program has exited, what it printed last is still to come. */
  ending(): void;
  /** After the last output. */
  exited(exit: { code: number | null; signal: number | null }): void;
};

export interface Pty {
  readonly pid: number;
  /** Queues it; `written` is called when its last byte is in the PTY. */
  write(input: QueuedInput): void;
  /** See InputQueue. */
  takeBack(clients: ReadonlySet<ClientId> | null): TakenBack[];
  /** Bytes queued and not in the PTY yet. */
  readonly queuedBytes: number;
  resize(cols: number, rows: number): void;
  pause(): void;
  resume(): void;
}

/** Waits between attempts to write to a PTY whose program does not read, milliseconds. */
const WRITE_BACKOFF_MS = { first: 1, longest: 64 };
/** Quiet after the program's exit that ends the output where a background process keeps the PTY open, milliseconds. */
const DRAIN_QUIET_MS = 100;
/** Where it is never quiet: what a PTY can still hold of the program itself is read long before either. */
const DRAIN_LONGEST_MS = 2000;
const MAX_DRAIN_BYTES = 1024 * 1024;

type Native = {
  fork(
    file: string,
    args: string[],
    env: string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    exited: (code: number, signal: number) => void,
  ): { fd: number; pid: number };
  resize(fd: number, cols: number, rows: number): void;
};

const require = createRequire(import.meta.url);

/** Loads what `openPty` needs, which then starts sooner. Throws what it would throw. */
export function loadPty(): void {
  if (process.platform === 'win32') require('node-pty');
  else loadNative();
}

/** Starts the program. Throws if the PTY cannot be made; a program that cannot be run exits with 127 or 1. */
export function openPty(spec: PtySpec, listener: PtyListener): Pty {
  return process.platform === 'win32' ? new WindowsPty(spec, listener) : new UnixPty(spec, listener);
}

class UnixPty implements Pty {
  readonly pid: number;
  readonly #fd: number;
  readonly #native: Native;
  readonly #stream: ReadStream;
  readonly #listener: PtyListener;
  readonly #queue = new InputQueue();
  #backoffMs = 0;
  #retry: NodeJS.Timeout | null = null;
  #exit: { code: number | null; signal: number | null } | null = null;
  #isClosed = false;
  #quietTimer: NodeJS.Timeout | null = null;
  /** Where output ends at the latest once the program has. */
  #drainUntil = 0;
  #drainedBytes = 0;

  constructor(spec: PtySpec, listener: PtyListener) {
    const { module, helper } = loadNative();
    this.#native = module;
    this.#listener = listener;
    const env = Object.entries(spec.env).map(([name, value]) => `${name}=${value}`);
    const child = module.fork(spec.file, spec.args, env, spec.cwd, spec.cols, spec.rows, -1, -1, true, helper, (code, signal) => {
      this.#exit = signal ? { code: null, signal } : { code, signal: null };
      listener.ending();
      this.#drain();
    });
    this.pid = child.pid;
    this.#fd = child.fd;
    const received = (bytes: Uint8Array) => {
      this.#listener.output(bytes);
      if (!this.#exit) return;
      this.#drainedBytes += bytes.length;
      this.#awaitQuiet();
    };
    this.#stream = new ReadStream(child.fd, { onread: readingInto(new ReadMemory(), received) });
    this.#stream.resume();
    // EIO is how a PTY says that its last program closed it.
    this.#stream.on('error', () => this.#close());
    this.#stream.on('close', () => this.#close());
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  write(input: QueuedInput): void {
    if (this.#isClosed) return; // nobody will read it, and nothing would end the queue of it
    this.#queue.push(input);
    // Else the timer goes on with it.
    if (!this.#retry) this.#writeQueued();
  }

  takeBack(clients: ReadonlySet<ClientId> | null): TakenBack[] {
    return this.#queue.takeBack(clients);
  }

  resize(cols: number, rows: number): void {
    if (!this.#isClosed) this.#native.resize(this.#fd, cols, rows);
  }

  pause(): void {
    this.#stream.pause();
    if (this.#quietTimer) clearTimeout(this.#quietTimer); // what is unread is not quiet
  }

  resume(): void {
    this.#stream.resume();
    if (this.#exit) this.#drain();
  }

  #writeQueued(): void {
    for (let next = this.#queue.front; next && !this.#isClosed; next = this.#queue.front) {
      let count = 0;
      try {
        count = writeSync(this.#fd, next);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return; // closed: the exit tells
      }
      if (this.#queue.took(count)) {
        this.#backoffMs = 0;
        continue;
      }
      this.#backoffMs =
        count > 0 ? WRITE_BACKOFF_MS.first : Math.min(WRITE_BACKOFF_MS.longest, this.#backoffMs * 2 || WRITE_BACKOFF_MS.first);
      const tryAgain = () => {
        this.#retry = null;
        this.#writeQueued();
      };
      // After what the host has sent meanwhile, which may take back what would be written.
      this.#retry = setTimeout(() => setImmediate(tryAgain), this.#backoffMs);
      return;
    }
  }

  /** The program has ended, or what was left of its output is read again. */
  #drain(): void {
    this.#drainUntil = performance.now() + DRAIN_LONGEST_MS;
    this.#awaitQuiet();
  }

  /** A background process may hold the PTY open after the exit: then quiet ends the output, or that there is no end of it. */
  #awaitQuiet(): void {
    if (this.#quietTimer) clearTimeout(this.#quietTimer);
    if (this.#isClosed) return this.#close();
    if (this.#stream.isPaused()) return;
    if (this.#drainedBytes >= MAX_DRAIN_BYTES) return this.#close();
    this.#quietTimer = setTimeout(() => this.#close(), Math.min(DRAIN_QUIET_MS, this.#drainUntil - performance.now()));
  }

  #close(): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#stream.destroy();
      this.#queue.clear();
      if (this.#retry) clearTimeout(this.#retry);
    }
    if (this.#quietTimer) clearTimeout(this.#quietTimer);
    const exit = this.#exit;
    if (!exit) return; // the exit callback comes back here
    this.#exit = null;
    this.#listener.exited(exit);
  }
}

function loadNative(): { module: Native; helper: string } {
  const utilsPath = require.resolve('node-pty/lib/utils.js');
  const { module, dir } = require(utilsPath).loadNativeModule('pty') as { module: Native; dir: string };
  if (typeof module.fork !== 'function' || typeof module.resize !== 'function')
    throw new Error('node-pty has changed: its native half lacks fork or resize');
  return { module, helper: join(dirname(utilsPath), dir, 'spawn-helper') }; // the helper is macOS only
}

/** ConPTY through node-pty's public half; it has neither of the two faults there. */
class WindowsPty implements Pty {
  readonly #pty: import('node-pty').IPty;

  constructor(spec: PtySpec, listener: PtyListener) {
    const { spawn } = require('node-pty') as typeof import('node-pty');
    const { file, args, env, cwd, cols, rows } = spec;
    this.#pty = spawn(file, args, { env, cwd, cols, rows, encoding: null });
    // Typed as text, but with encoding null these are bytes.
    this.#pty.onData((bytes: unknown) => listener.output(typeof bytes === 'string' ? Buffer.from(bytes) : (bytes as Buffer)));
    this.#pty.onExit(({ exitCode }) => listener.exited({ code: exitCode, signal: null }));
  }

  get pid(): number {
    return this.#pty.pid;
  }
  readonly queuedBytes = 0;

  write({ bytes, written }: QueuedInput): void {
    this.#pty.write(Buffer.from(bytes));
    written();
  }
  takeBack(): TakenBack[] {
    return [];
  }
  resize(cols: number, rows: number): void {
    this.#pty.resize(cols, rows);
  }
  pause(): void {
    this.#pty.pause();
  }
  resume(): void {
    this.#pty.resume();
  }
}
