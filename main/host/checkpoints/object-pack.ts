/**
 * Many files at once into one pack of git's: one file to write instead of one each. A pack
 * appears whole, with its index, or not at all. Format: gitformat-pack, version 2.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { constants, crc32, deflateSync } from 'node:zlib';

/** Offsets of a pack's index have 31 bits; beyond this another pack is begun. */
const MAX_PACK_BYTES = 1536 * 1024 * 1024;
/** Written at a time, bytes. */
const WRITE_BYTES = 1024 * 1024;
const BLOB = 3;

type Packed = { hash: Buffer; crc: number; offset: number };

/** Git's name for a file with this content. */
export function blobHash(content: Uint8Array): Buffer {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest();
}

export class ObjectPack {
  readonly #folder: string;
  readonly #known = new Set<string>();
  #packed: Packed[] = [];
  #fd: number | null = null;
  #end = 0;
  #unwritten: Buffer[] = [];
  #unwrittenBytes = 0;

  constructor(gitDir: string) {
    this.#folder = join(gitDir, 'objects', 'pack');
  }

  add(content: Buffer): Buffer {
    const hash = blobHash(content);
    const key = hash.toString('latin1');
    if (this.#known.has(key)) return hash;
    this.#known.add(key);
    // On this thread: handing small files to others takes longer than compressing them.
    this.#write(hash, header(content.length), deflateSync(content, { level: constants.Z_BEST_SPEED, chunkSize: chunkFor(content) }));
    return hash;
  }

  /** Everything that was added can be found by git, also after a power cut. */
  finish(): void {
    this.#close();
  }

  /** Leaves nothing behind. */
  abandon(): void {
    if (this.#fd === null) return;
    closeSync(this.#fd);
    this.#fd = null;
    rmSync(this.#temporary, { force: true });
  }

  get #temporary(): string {
    return join(this.#folder, `tmp_pack_${process.pid}`);
  }

  #write(hash: Buffer, ...parts: Buffer[]): void {
    if (this.#fd !== null && this.#end > MAX_PACK_BYTES) this.#close();
    if (this.#fd === null) {
      this.#fd = openSync(this.#temporary, 'wx+', 0o400);
      writeWhole(this.#fd, Buffer.alloc(12)); // the number of objects is not known yet
      this.#end = 12;
    }
    const bytes = Buffer.concat(parts);
    this.#packed.push({ hash, crc: crc32(bytes), offset: this.#end });
    this.#end += bytes.length;
    this.#unwritten.push(bytes);
    this.#unwrittenBytes += bytes.length;
    if (this.#unwrittenBytes > WRITE_BYTES) this.#flush();
  }

  #flush(): void {
    if (this.#fd !== null) writeWhole(this.#fd, Buffer.concat(this.#unwritten));
    this.#unwritten = [];
    this.#unwrittenBytes = 0;
  }

  #close(): void {
    this.#flush();
    const fd = this.#fd;
    if (fd === null) return;
    const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
    head.writeUInt32BE(this.#packed.length, 8);
    writeSync(fd, head, 0, head.length, 0);
    const sum = hashOf(fd, this.#end);
    writeWhole(fd, sum, this.#end);
    fsyncSync(fd);
    closeSync(fd);
    this.#fd = null;
    const name = join(this.#folder, `pack-${sum.toString('hex')}`);
    const index = openSync(`${name}.tmp`, 'w', 0o400);
    writeWhole(index, indexOf(this.#packed, sum));
    fsyncSync(index);
    closeSync(index);
    renameSync(this.#temporary, `${name}.pack`);
    renameSync(`${name}.tmp`, `${name}.idx`);
    this.#packed = [];
  }
}

/** One piece of memory for all that a small file becomes. */
const chunkFor = ({ length }: Buffer): number => Math.min(Math.max(1024, length), 1024 * 1024);

/** Type and size, as they stand before an object. */
function header(size: number): Buffer {
  const bytes = [(BLOB << 4) | (size & 0x0f)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    bytes.push(rest & 0x7f);
  }
  return Buffer.from(bytes);
}

function hashOf(fd: number, end: number): Buffer {
  const sum = createHash('sha1');
  const piece = Buffer.allocUnsafe(4 * 1024 * 1024);
  for (let at = 0; at < end; ) {
    const read = readSync(fd, piece, 0, Math.min(piece.length, end - at), at);
    if (read === 0) throw new Error('the pack is shorter than what was written');
    sum.update(piece.subarray(0, read));
    at += read;
  }
  return sum.digest();
}

function indexOf(packed: Packed[], packSum: Buffer): Buffer {
  const sorted = packed.toSorted((a, b) => Buffer.compare(a.hash, b.hash));
  const fanout = Buffer.alloc(256 * 4);
  for (let byte = 0, at = 0; byte < 256; byte++) {
    while (at < sorted.length && (sorted[at]?.hash[0] ?? 0) <= byte) at++;
    fanout.writeUInt32BE(at, byte * 4);
  }
  const numbers = (of: (each: Packed) => number) => {
    const bytes = Buffer.alloc(sorted.length * 4);
    for (const [at, each] of sorted.entries()) bytes.writeUInt32BE(of(each), at * 4);
    return bytes;
  };
  const body = Buffer.concat([
    Buffer.from('\xfftOc\0\0\0\x02', 'latin1'),
    fanout,
    ...sorted.map(({ hash }) => hash),
    numbers(({ crc }) => crc),
    numbers(({ offset }) => offset),
    packSum,
  ]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

function writeWhole(fd: number, bytes: Uint8Array, position: number | null = null): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position === null ? null : position + at);
}
