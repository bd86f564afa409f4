/** A file of colourful build-log lines, and what a terminal must receive when a program prints it. */
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Repeated to the file's size, bytes: larger than anything in the way that compresses or remembers. */
const BLOCK_BYTES = 8 * 1024 * 1024;

export class BuildLog {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cmdop-b-log-'));
  readonly file = join(this.#folder, 'build.log');
  /** What a PTY makes of one block: a carriage return before each newline. */
  readonly #block: Buffer;
  readonly #blocks: number;

  constructor(bytes: number) {
    const text = makeLines(BLOCK_BYTES);
    this.#blocks = Math.ceil(bytes / BLOCK_BYTES);
    this.#block = Buffer.from(text.replaceAll('\n', '\r\n'));
    const fd = openSync(this.file, 'w');
    const block = Buffer.from(text);
    for (let n = 0; n < this.#blocks; n++) writeSync(fd, block);
    closeSync(fd);
  }

  /** What arrives when it is printed, bytes. */
  get printedBytes(): number {
    return this.#block.length * this.#blocks;
  }

  /** All of it, a block at a time. */
  *printed(): Generator<Uint8Array> {
    for (let n = 0; n < this.#blocks; n++) yield this.#block;
  }

  /** Whether `bytes` is what is printed from `at` on. */
  isPrintedAt(at: number, bytes: Uint8Array): boolean {
    for (let done = 0; done < bytes.length; ) {
      const begin = (at + done) % this.#block.length;
      const length = Math.min(bytes.length - done, this.#block.length - begin);
      if (this.#block.compare(bytes, done, done + length, begin, begin + length) !== 0) return false;
      done += length;
    }
    return true;
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The same lines in every run: words and numbers drawn from a hash chain. */
function makeLines(bytes: number): string {
  const lines: string[] = [];
  let length = 0;
  let seed = Buffer.from('cmdop bench');
  while (length < bytes) {
    seed = createHash('sha256').update(seed).digest();
    const line = lineOf(seed, lines.length);
    lines.push(line);
    length += line.length + 1;
  }
  return `${lines.join('\n')}\n`;
}

const FOLDERS = ['src/core', 'src/ui/components', 'lib/net', 'third_party/zlib', 'test/unit', 'src/render/gpu'];
const WORDS = ['buffer', 'session', 'parser', 'socket', 'layout', 'shader', 'journal', 'widget', 'cursor', 'stream'];

function lineOf(seed: Buffer, n: number): string {
  const pick = (list: readonly string[], at: number) => list[(seed[at] ?? 0) % list.length] ?? '';
  const file = `${pick(FOLDERS, 0)}/${pick(WORDS, 1)}_${pick(WORDS, 2)}.cc`;
  const ms = seed.readUInt16LE(3) % 4000;
  switch ((seed[5] ?? 0) % 5) {
    case 0:
      return `\x1b[1;33mwarning:\x1b[0m \x1b[1m${file}:${ms}:${seed[6]}\x1b[0m unused variable '\x1b[36m${pick(WORDS, 7)}\x1b[0m' [-Wunused]`;
    case 1:
      return `\x1b[32m✓\x1b[0m ${file} › ${pick(WORDS, 8)} keeps its ${pick(WORDS, 9)} \x1b[2m(${ms} ms)\x1b[0m`;
    case 2:
      return `\x1b[38;5;${seed[10]}m[${n}]\x1b[0m ${seed.toString('hex', 11, 27)} ${file}`;
    case 3:
      return `\x1b[1;31merror:\x1b[0m ${file}:${ms}: \x1b[48;2;60;0;0mno member '${pick(WORDS, 12)}'\x1b[0m in '${pick(WORDS, 13)}'`;
    default:
      return `[\x1b[34m${n}/48211\x1b[0m] Building CXX object CMakeFiles/${pick(WORDS, 14)}.dir/${file}.o`;
  }
}
