/** The person's terminal in raw mode, given back as it was on every way out of this process. */
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import type { Size } from '#protocol/shapes.ts';
import type { Tty, TtyListener } from '../attach/tty.ts';
import { UsageError } from './exit-codes.ts';

const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const;

/** Throws UsageError where there is no terminal. The process must not be left otherwise than by `restore` or its end. */
export class RawTty implements Tty {
  readonly #listener: TtyListener;
  /** In the form of `stty -g`; null where Node's own raw mode is used. */
  #saved: string | null = null;
  #isRaw = false;

  constructor(listener: TtyListener) {
    expectTerminal();
    this.#listener = listener;
    process.on('exit', this.#leave);
    process.on('uncaughtException', this.#crashed);
    for (const signal of SIGNALS) process.on(signal, this.#signalled);
    process.on('SIGCONT', this.#continued);
    process.stdout.on('resize', this.#resized);
    this.#makeRaw();
    process.stdin.on('data', this.#input).on('end', this.#closed).on('error', this.#closed).resume();
  }

  get size(): Size {
    return windowSize();
  }

  write(bytes: Uint8Array | string): void {
    if (bytes.length > 0) process.stdout.write(bytes);
  }

  /** At once: what this process has written and its terminal has not read is the kernel's to hold. */
  whenTaken(then: () => void): void {
    then();
  }

  /** Gives the terminal back, after printing `last`. Once. */
  restore(last: string): void {
    if (!this.#isRaw) return;
    this.#isRaw = false;
    try {
      writeSync(1, last);
    } catch {
      // the terminal is gone, or takes nothing more: what remains is its mode
    }
    if (this.#saved === null) process.stdin.setRawMode(false);
    else stty(this.#saved);
    process.stdin.off('data', this.#input).off('end', this.#closed).pause(); // an error may still come, to no effect
    process.stdout.off('resize', this.#resized);
    process.off('SIGCONT', this.#continued);
    process.off('exit', this.#leave);
    process.off('uncaughtException', this.#crashed);
    for (const signal of SIGNALS) process.off(signal, this.#signalled);
  }

  /** Node's raw mode lets the kernel turn \n into \r\n, which a program that draws on the screen did not ask for. */
  #makeRaw(): void {
    this.#saved = process.platform === 'win32' ? null : (stty('-g')?.trim() ?? null);
    if (this.#saved === null || stty('raw', '-echo', '-iexten') === null) {
      this.#saved = null;
      process.stdin.setRawMode(true);
    }
    this.#isRaw = true;
  }

  #leave = (): void => this.restore(this.#listener.leaving());

  #signalled = (signal: NodeJS.Signals): void => {
    this.#leave();
    process.exit(128 + constants.signals[signal]);
  };

  #crashed = (error: Error): void => {
    this.#leave();
    process.stderr.write(`cmdop: unexpected failure, the session goes on: ${error.stack ?? error.message}\n`);
    process.exit(1);
  };

  #continued = (): void => {
    this.#makeRaw();
    this.#listener.continued();
  };

  #closed = (): void => this.#listener.closed();
  #input = (bytes: Buffer): void => this.#listener.input(bytes);
  #resized = (): void => this.#listener.resized(this.size);
}

/** Of the terminal behind stdout, within the wire's limits; one that does not know its size says 0. */
export function windowSize(): Size {
  const bounded = (cells: number | undefined, otherwise: number) => Math.min(2000, Math.max(1, cells || otherwise));
  return { cols: bounded(process.stdout.columns, 80), rows: bounded(process.stdout.rows, 24) };
}

/** Throws UsageError where there is no terminal to take over. */
export function expectTerminal(): void {
  if (process.stdin.isTTY && process.stdout.isTTY) return;
  throw new UsageError('attach needs a terminal: use `cmdop screen`, `cmdop send` or `cmdop run` in scripts');
}

/** What `stty` prints, or null if it failed. */
function stty(...args: string[]): string | null {
  const { status, stdout } = spawnSync('stty', args, { stdio: ['inherit', 'pipe', 'ignore'], encoding: 'utf8' });
  return status === 0 ? stdout : null;
}
