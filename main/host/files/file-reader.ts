/** One file on its way out: its bytes from an offset to the size it had when it was opened, and the hash of the whole. */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { CmdopError } from '#protocol/errors.ts';
import { fileFault } from '#session/file-faults.ts';
import { shownName } from '#session/file-names.ts';
import { openedPath, openFile } from './file-tree.ts';
import { hashRange } from './hash-range.ts';

/** Files of /proc say that they are empty, and are not: up to this much of them is taken at once, bytes. */
const MAX_UNSIZED_BYTES = 1024 * 1024;

export type ReadQuestion = {
  path: string;
  from: number;
  /** Hash of what the other side has, up to `from`; null where it does not say. */
  prefix: string | null;
  /** Where the file must lie: who asked was judged by that. Null where anything will do. */
  real: string | null;
};
export type OpenedRead = { path: string; size: number; mode: number; modifiedAt: number };

export class FileReader {
  readonly opened: OpenedRead;
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  readonly #unsized: Uint8Array | null;
  #at = 0;

  private constructor(handle: FileHandle, opened: OpenedRead, unsized: Uint8Array | null) {
    this.#handle = handle;
    this.opened = opened;
    this.#unsized = unsized;
  }

  /** Throws `file-changed` where the file begins otherwise than the other side has it, or is not where it was asked for. */
  static async open({ path, from, prefix, real }: ReadQuestion): Promise<FileReader> {
    const { handle, stats } = await openFile(path);
    try {
      const lies = await openedPath(handle, path);
      if (real !== null && lies !== real) throw new CmdopError('file-changed', `${shownName(path)} was moved just now: try again`);
      const unsized = stats.size === 0 ? await unsizedBytes(handle) : null;
      const reader = new FileReader(handle, opened(lies, stats, unsized?.length ?? stats.size), unsized);
      await reader.#skip(from, prefix);
      return reader;
    } catch (error) {
      await handle.close();
      throw fileFault(error, path);
    }
  }

  /** The next bytes, at most `max`; none at the end. Throws `file-changed` if the file has become shorter. */
  async next(max: number): Promise<Uint8Array<ArrayBuffer>> {
    const length = Math.min(max, this.opened.size - this.#at);
    if (length === 0) return new Uint8Array(0);
    const bytes = await this.#read(length);
    if (bytes.length === 0) {
      throw new CmdopError('file-changed', `${shownName(this.opened.path)} became shorter while it was read: try again`);
    }
    this.#hash.update(bytes);
    this.#at += bytes.length;
    return bytes;
  }

  /** Of the whole file, once all of it was read. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #skip(from: number, prefix: string | null): Promise<void> {
    const { size, path } = this.opened;
    const differs = () => new CmdopError('file-changed', `${shownName(path)} is not what was there before: copy it from its beginning`);
    if (from > size) throw differs();
    if (this.#unsized) this.#hash.update(this.#unsized.subarray(0, from));
    else if ((await hashRange(this.#handle, this.#hash, from)) < from) throw differs();
    if (prefix !== null && this.#hash.copy().digest('hex') !== prefix) throw differs();
    this.#at = from;
  }

  async #read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#unsized) return this.#unsized.slice(this.#at, this.#at + length);
    try {
      const buffer = Buffer.allocUnsafeSlow(length); // given away, so no part of a pool
      const { bytesRead } = await this.#handle.read(buffer, 0, length, this.#at);
      return bytesRead === length ? buffer : new Uint8Array(buffer.subarray(0, bytesRead));
    } catch (error) {
      throw fileFault(error, this.opened.path);
    }
  }
}

function opened(path: string, stats: Stats, size: number): OpenedRead {
  return { path, size, mode: stats.mode & 0o777, modifiedAt: stats.mtimeMs };
}

async function unsizedBytes(handle: FileHandle): Promise<Uint8Array | null> {
  const buffer = new Uint8Array(MAX_UNSIZED_BYTES);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length > 0 ? buffer.slice(0, length) : null;
}
