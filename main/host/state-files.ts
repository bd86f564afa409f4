/**
 * The small JSON files in which a host keeps what must outlive it: each written whole, with a checksum, and read whole or not at
 * all. One that is damaged is told of, named by `cmdop verify`, and set aside when another takes its place, so that nothing of
 * it is lost.
 */
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { z } from 'zod';
import type { Damage } from './output/segment.ts';
import { removeFile } from './remove-file.ts';

/** Larger than any, bytes. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Behind the text: its CRC-32, a blank for each 0 and a tab for each 1. JSON ends in what blanks it likes, for older hosts too. */
const SUMMED = /^([\s\S]*)\n([ \t]{32})\n$/;

export type StateFileOptions<T> = {
  file: string;
  shape: z.ZodType<T>;
  /** What is so while it is damaged, and what to do: the end of a sentence. */
  whileDamaged: string;
  /** What is so while it cannot be written. */
  whileUnwritten: string;
};

export class StateFiles {
  readonly #files: StateFile<unknown>[] = [];
  /** Told when a problem is new, or another, or gone. */
  onProblem = () => {};

  /** Reads it. Never throws. */
  open<T>(options: StateFileOptions<T>): StateFile<T> {
    const file = new StateFile(options, () => this.onProblem());
    this.#files.push(file);
    return file;
  }

  /** What is wrong, each a sentence. */
  get problems(): string[] {
    return this.#files.flatMap(({ problem }) => problem ?? []);
  }

  /** What is damaged now, and what was set aside, by the names of the files. */
  verify(): Damage[] {
    return this.#files.flatMap((file) => file.verify());
  }
}

export class StateFile<T> {
  readonly #options: StateFileOptions<T>;
  readonly #changed: () => void;
  /** Why the file that is there was not understood. */
  #damage: string | null = null;
  #found: T | null = null;
  /** What became of the damaged one. */
  #aside: string | null = null;
  #problem: string | null = null;

  constructor(options: StateFileOptions<T>, changed: () => void) {
    this.#options = options;
    this.#changed = changed;
    const { file, whileDamaged } = options;
    const read = readState(options);
    if (read.is === 'whole') this.#found = read.value;
    if (read.is !== 'damaged') return;
    this.#damage = read.reason;
    this.#problem = `${file} is damaged (${read.reason}): ${whileDamaged}`;
  }

  /** What it held when it was opened; null where there was none, or it was damaged. */
  get found(): T | null {
    return this.#found;
  }
  get isDamaged(): boolean {
    return this.#damage !== null;
  }
  /** What is wrong, a sentence, or null. */
  get problem(): string | null {
    return this.#problem;
  }

  /** In one step. Where the disk refuses, the file stays as it was, and `problem` says so. */
  write(value: T): void {
    const { file, whileUnwritten } = this.#options;
    try {
      this.#setAside();
      writeFileSync(`${file}.new`, stateText(value), { mode: 0o600 });
      renameSync(`${file}.new`, file);
      this.#told(this.#aside);
    } catch (error) {
      this.#told(`${file} cannot be written (${(error as Error).message}): ${whileUnwritten}`);
    }
  }

  /** `left`: see `removeFile`. */
  remove(left: string): void {
    try {
      this.#setAside();
      this.#told(this.#aside);
    } catch {
      // it is told of as damaged, and stays
    }
    if (!this.isDamaged) removeFile(this.#options.file, left);
  }

  verify(): Damage[] {
    const { file } = this.#options;
    const name = basename(file);
    const aside = readdirSync(dirname(file)).filter((each) => each.startsWith(`${name}.damaged-`));
    const reason = 'it was damaged and set aside: remove it when you need it no more';
    const found: Damage[] = aside.map((each) => ({ file: each, reason }));
    const read = readState(this.#options);
    if (read.is !== 'damaged') return found;
    const goesOn = this.isDamaged
      ? this.#options.whileDamaged
      : 'the host goes on with what it had read, and writes it anew with the next change';
    return [{ file: name, reason: `it is damaged (${read.reason}): ${goesOn}` }, ...found];
  }

  /** Throws where the disk refuses: then nothing takes its place. */
  #setAside(): void {
    if (!this.isDamaged) return;
    const { file } = this.#options;
    const aside = `${file}.damaged-${new Date().toISOString().replaceAll(':', '')}`;
    try {
      renameSync(file, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#damage = null; // somebody removed it
      return;
    }
    this.#damage = null;
    this.#aside = `${file} was damaged: it is kept as ${aside}, and another was begun`;
  }

  #told(problem: string | null): void {
    if (this.#problem === problem) return;
    this.#problem = problem;
    this.#changed();
  }
}

/** JSON with its checksum. */
function stateText(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return `${text}\n${sumOf(text)}\n`;
}

const sumOf = (text: string) => crc32(text).toString(2).padStart(32, '0').replaceAll('0', ' ').replaceAll('1', '\t');

type Read<T> = { is: 'none' } | { is: 'whole'; value: T } | { is: 'damaged'; reason: string };

/** Of its content a reason says nothing: there are secrets in it. */
function readState<T>({ file, shape }: StateFileOptions<T>): Read<T> {
  let content: string;
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) return { is: 'damaged', reason: `it has ${size} bytes` };
    content = readFileSync(file, 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? { is: 'none' } : { is: 'damaged', reason: (error as Error).message };
  }
  const [, text = content, sum] = SUMMED.exec(content) ?? [];
  if (sum !== undefined && sumOf(text) !== sum) return { is: 'damaged', reason: 'its checksum does not fit' };
  try {
    const { data, error } = shape.safeParse(JSON.parse(text));
    return error
      ? { is: 'damaged', reason: `${error.issues[0]?.path.join('.') || 'it'} is not what it should be` }
      : { is: 'whole', value: data };
  } catch {
    return { is: 'damaged', reason: content.trim() === '' ? 'it is empty' : 'it is no whole JSON' };
  }
}
