/**
 * Many files at once into one pack of git's: one file to write instead of one each. A pack
 * appears whole, with its index, or not at all. Format: gitformat-pack, version 2.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type PackedBatch, packBatch } from './packing.ts';
import { PackingThreads } from './packing-threads.ts';

/** Offsets of a pack's index have 31 bits; beyond this another pack is begun. */
const MAX_PACK_BYTES = 1536 * 1024 * 1024;
/** Packed and written at a time, bytes. */
const BATCH_BYTES = 2 * 1024 * 1024;
/** From so much on threads are worth their start, bytes. */
const MUCH_BYTES = 32 * 1024 * 1024;

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
  #batch: { hash: Buffer; content: Buffer }[] = [];
  #batchBytes = 0;
  readonly #underWay = new Set<Promise<void>>();
  readonly #threads: PackingThreads | null;
  /** Of a batch: then nothing more is written. */
  #failure: { error: unknown } | null = null;

  /** `bytes`: how much is to come, about. */
  constructor(gitDir: string, { bytes }: { bytes: number }) {
    this.#threads = bytes > MUCH_BYTES ? new PackingThreads() : null;
    this.#folder = join(gitDir, 'objects', 'pack');
  }

  /** Resolves once there is room for more. */
  async add(content: Buffer): Promise<Buffer> {
    const hash = blobHash(content);
    const key = hash.toString('latin1');
    if (this.#known.has(key)) return hash;
    this.#known.add(key);
    this.#batch.push({ hash, content });
    this.#batchBytes += content.length;
    if (this.#batchBytes > BATCH_BYTES) await this.#packBatch();
    return hash;
  }

  /** Everything that was added can be found by git, also after a power cut. */
  async finish(): Promise<void> {
    await this.#packBatch();
    await Promise.allSettled(this.#underWay);
    if (this.#failure) throw this.#failure.error;
    this.#close();
    this.#threads?.dispose();
  }

  /** Leaves nothing behind. */
  abandon(): void {
    this.#failure ??= { error: new Error('abandoned') };
    this.#threads?.dispose();
    if (this.#fd === null) return;
    closeSync(this.#fd);
    this.#fd = null;
    rmSync(this.#temporary, { force: true });
  }

  get #temporary(): string {
    return join(this.#folder, `tmp_pack_${process.pid}`);
  }

  async #packBatch(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (batch.length === 0) return;
    const files = { bytes: Buffer.concat(batch.map(({ content }) => content)), lengths: batch.map(({ content }) => content.length) };
    const write = (packed: PackedBatch) =>
      this.#write(
        batch.map(({ hash }) => hash),
        packed,
      );
    if (!this.#threads) return write(packBatch(files));
    const packing = this.#threads.pack(files).then(write);
    this.#underWay.add(packing);
    packing
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(packing));
    while (this.#threads.isBusy && !this.#failure) await Promise.race(this.#underWay).catch(() => {}); // the failure is kept
    if (this.#failure) throw this.#failure.error;
  }

  #write(hashes: readonly Buffer[], { bytes, lengths, crcs }: PackedBatch): void {
    if (this.#failure) return;
    if (this.#fd !== null && this.#end > MAX_PACK_BYTES) this.#close();
    if (this.#fd === null) {
      this.#fd = openSync(this.#temporary, 'wx+', 0o400);
      writeWhole(this.#fd, Buffer.alloc(12)); // the number of objects is not known yet
      this.#end = 12;
    }
    for (const [at, hash] of hashes.entries()) {
      this.#packed.push({ hash, crc: crcs[at] ?? 0, offset: this.#end });
      this.#end += lengths[at] ?? 0;
    }
    writeWhole(this.#fd, bytes);
  }

  #close(): void {
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
