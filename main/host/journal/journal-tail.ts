/**
 * Journal records that are not in the database yet, as lines of two files that take turns: an append is one write, which
 * a crash of this process cannot lose, for a fraction of an insert's time. A file is emptied when the database has its
 * records on the disk; until then a host that starts finds them here.
 *
 *   crc32 of the rest, hex · space · JSON array of the record's columns · newline
 */
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { fromJson, journalRow } from './stored-shapes.ts';

/** A record without its place in the chain of hashes. */
export type TailRow = readonly [
  seq: number,
  session: string | null,
  at: number,
  actor: string | null,
  interfaceKind: string | null,
  kind: string,
  outputOffset: number | null,
  payload: string,
];

/** What follows the journal's name in those of its tail files. */
export const TAIL_SUFFIXES = ['-tail-a', '-tail-b'] as const;

type TailFile = { readonly path: string; readonly fd: number; bytes: number };

export class JournalTail {
  /** Takes the records. */
  #current: TailFile;
  /** Empty, or its records wait for the disk. */
  #sealed: TailFile;

  private constructor(current: TailFile, sealed: TailFile) {
    this.#current = current;
    this.#sealed = sealed;
  }

  /** Throws where the disk refuses. What an earlier process left stays until it is emptied. */
  static open(journalFile: string): JournalTail {
    const [current, sealed] = TAIL_SUFFIXES.map((suffix) => openTail(journalFile + suffix)) as [TailFile, TailFile];
    return new JournalTail(current, sealed);
  }

  /** What earlier processes left, oldest first, and how many lines of it cannot be read. */
  static read(journalFile: string): { rows: TailRow[]; damaged: number } {
    const lines = TAIL_SUFFIXES.flatMap((suffix) => linesOf(journalFile + suffix));
    const rows = lines.map(rowOf).filter((row) => row !== null);
    return { rows: rows.sort(([a], [b]) => a - b), damaged: lines.length - rows.length };
  }

  /** It is in the operating system's hands when this returns. Throws where the disk refuses: then nothing of it counts. */
  append(row: TailRow): void {
    const json = JSON.stringify(row);
    const line = `${crc32(json).toString(16)} ${json}\n`;
    const written = writeSync(this.#current.fd, line, this.#current.bytes);
    if (written < Buffer.byteLength(line)) throw new Error('no space left on device'); // the next line is written over it
    this.#current.bytes += written;
  }

  /** The database has every record so far: those to come go into the other file, if that is empty. */
  seal(): void {
    if (this.#sealed.bytes === 0) [this.#current, this.#sealed] = [this.#sealed, this.#current];
  }

  /** The disk has every record up to the last `seal`. */
  emptySealed(): void {
    if (this.#sealed.bytes === 0) return;
    ftruncateSync(this.#sealed.fd, 0);
    this.#sealed.bytes = 0;
  }

  /** Removes the files, if the disk has all that they hold. */
  dispose(options: { isStored: boolean }): void {
    for (const { fd, path } of [this.#current, this.#sealed]) {
      closeSync(fd);
      if (options.isStored) rmSync(path, { force: true });
    }
  }
}

function openTail(path: string): TailFile {
  // Not for appending: what a full disk took of a line is written over.
  const fd = openSync(path, existsSync(path) ? 'r+' : 'wx+', 0o600);
  return { path, fd, bytes: fstatSync(fd).size };
}

function linesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  // What follows the last newline is a line that the disk did not take whole.
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

/** Null for a line that is damaged. */
function rowOf(line: string): TailRow | null {
  const [sum = '', ...rest] = line.split(' ');
  const json = rest.join(' ');
  return crc32(json).toString(16) === sum ? fromJson(journalRow, json) : null;
}
