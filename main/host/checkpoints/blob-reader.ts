/** The content of files in a shadow repository, one after the other, from one git. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { CmdopError } from '#protocol/errors.ts';
import { gitEnvironment, gitProgram, type Shadow } from './git.ts';

export class BlobReader {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #pieces: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(shadow: Shadow) {
    this.#child = spawn(gitProgram(), ['cat-file', '--batch'], {
      cwd: shadow.folder,
      env: gitEnvironment(shadow),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#child.on('error', () => {}); // the missing answer tells, or what follows
    if (this.#child.pid === undefined)
      throw new CmdopError('internal', 'git could not be run: too many programs or files are open; end some and try again');
    this.#child.stdin.on('error', () => {}); // the missing answer tells
    this.#pieces = this.#child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Rejects if it is not there. */
  async read(hash: string): Promise<Buffer> {
    this.#child.stdin.write(`${hash}\n`);
    let end = this.#rest.indexOf(0x0a);
    while (end < 0) {
      await this.#more();
      end = this.#rest.indexOf(0x0a);
    }
    const said = this.#rest.toString('latin1', 0, end);
    const size = /^[0-9a-f]{40} blob (\d+)$/.exec(said)?.[1];
    if (size === undefined) throw new Error(`the checkpoint is damaged: ${said}`);
    const from = end + 1;
    const to = from + Number(size);
    const pieces = [this.#rest];
    let length = this.#rest.length;
    while (length < to + 1) {
      const piece = await this.#next();
      pieces.push(piece);
      length += piece.length;
    }
    const bytes = pieces.length === 1 ? this.#rest : Buffer.concat(pieces);
    this.#rest = bytes.subarray(to + 1);
    return bytes.subarray(from, to);
  }

  /** Resolves when it has ended: it holds the folder. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('close', () => resolve()));
    this.#child.kill();
    await ended;
  }

  async #more(): Promise<void> {
    this.#rest = Buffer.concat([this.#rest, await this.#next()]);
  }

  async #next(): Promise<Buffer> {
    const { value, done } = await this.#pieces.next();
    if (done) throw new Error('git ended before it had answered');
    return value;
  }
}
