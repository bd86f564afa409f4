/**
 * The first index of a folder: every file with what `stat` said of it, so that git need not read it again. Later changes
 * are git's own. Format: gitformat-index, version 2.
 */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { BytePath } from './byte-path.ts';

/** Of `stat`, with times in nanoseconds. */
export type FileStat = {
  readonly ctimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly size: bigint;
};

export type IndexEntry = {
  readonly path: BytePath;
  readonly mode: number;
  readonly hash: Buffer /** Null: to be looked at again. */;
  readonly stat: FileStat | null;
};

const SECOND = 1_000_000_000n;

export function writeIndex(file: string, entries: readonly IndexEntry[]): void {
  const head = Buffer.from('DIRC\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(entries.length, 8);
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const body = Buffer.concat([head, ...sorted.map(entryBytes)]);
  try {
    writeFileSync(`${file}.new`, Buffer.concat([body, createHash('sha1').update(body).digest()]), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    rmSync(`${file}.new`, { force: true });
    throw error;
  }
}

/** How many files an index names; 0 where there is none. */
export function indexLength(file: string): number {
  try {
    const head = readFileSync(file).subarray(0, 12);
    return head.length === 12 && head.toString('latin1', 0, 4) === 'DIRC' ? head.readUInt32BE(8) : 0;
  } catch {
    return 0; // none yet
  }
}

function entryBytes({ path, mode, hash, stat }: IndexEntry): Buffer {
  const length = 62 + path.length;
  const bytes = Buffer.alloc(length + 8 - (length % 8)); // ends in one to eight NULs
  const numbers = stat
    ? [
        ...[stat.ctimeNs / SECOND, stat.ctimeNs % SECOND, stat.mtimeNs / SECOND, stat.mtimeNs % SECOND],
        ...[stat.dev, stat.ino, BigInt(mode), stat.uid, stat.gid, stat.size],
      ]
    : [0n, 0n, 0n, 0n, 0n, 0n, BigInt(mode), 0n, 0n, 0n];
  for (const [at, number] of numbers.entries()) bytes.writeUInt32BE(Number(number & 0xffff_ffffn), at * 4);
  hash.copy(bytes, 40);
  bytes.writeUInt16BE(Math.min(path.length, 0xfff), 60);
  bytes.write(path, 62, 'latin1');
  return bytes;
}
