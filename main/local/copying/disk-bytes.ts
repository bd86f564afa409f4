/** Files of this machine as a transfer reads and writes them. A file that comes lies beside its place until it is whole. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, type FileHandle, link, lstat, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { FileSink, FileSource } from '#client/files/file-bytes.ts';
import { CmdopError } from '#protocol/errors.ts';
import { fileFault } from '#session/file-faults.ts';
import { bytesOfName, shownName } from '#session/file-names.ts';

/** Longest that file systems take, bytes. */
const MAX_NAME_BYTES = 255;

/** As the system takes it: text alone could not name every file. */
export const diskPath = (path: string): Buffer => Buffer.from(bytesOfName(path));

export type DiskSource = FileSource & { readonly mode: number; close(): Promise<void> };

/** Throws for folders; what is no file, such as a pipe, is read to its end. */
export async function openSource(path: string): Promise<DiskSource> {
  const handle = await open(diskPath(path), 'r').catch((error) => {
    throw fileFault(error, path);
  });
  const stats = await handle.stat();
  if (stats.isDirectory()) {
    await handle.close();
    throw new CmdopError('file-refused', `${shownName(path)} is a folder: -r copies what is in it`);
  }
  const read = stats.isFile()
    ? async (from: number, max: number) => {
        const buffer = new Uint8Array(max);
        const { bytesRead } = await handle.read(buffer, 0, max, from);
        return buffer.subarray(0, bytesRead);
      }
    : inOrder(handle.createReadStream({ autoClose: false }));
  return { size: stats.isFile() ? stats.size : null, mode: stats.mode & 0o777, read, close: () => handle.close() };
}

/** What comes through a pipe, once and in order. */
export const pipeSource = (input: Readable): FileSource => ({ size: null, read: inOrder(input) });

function inOrder(input: Readable): FileSource['read'] {
  const pieces = input[Symbol.asyncIterator]();
  return async () => {
    for (;;) {
      const { value, done } = await pieces.next();
      if (done) return new Uint8Array(0);
      if (value.length > 0) return value as Uint8Array;
    }
  };
}

/** What goes through a pipe cannot be taken back. */
export function pipeSink(output: Writable): FileSink {
  let length = 0;
  return {
    get length() {
      return length;
    },
    read: async () => new Uint8Array(0),
    write: async (bytes) => {
      length += bytes.length;
      await new Promise<void>((resolve, reject) => output.write(bytes, (error) => (error ? reject(error) : resolve())));
    },
    restart: async () => {
      throw new CmdopError('file-changed', 'the file changed after a part of it was printed already: copy it again');
    },
  };
}

export class DiskSink implements FileSink {
  readonly #path: string;
  readonly #partial: Buffer;
  readonly #handle: FileHandle;
  #length: number;

  private constructor(path: string, partial: Buffer, handle: FileHandle, length: number) {
    this.#path = path;
    this.#partial = partial;
    this.#handle = handle;
    this.#length = length;
  }

  /** `id`: of what is copied, the same when it is copied again after a cut. Rejects with a sentence. */
  static async open(path: string, id: string): Promise<DiskSink> {
    const partial = diskPath(join(dirname(path), partialName(basename(path), id)));
    const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
    const handle = await open(partial, flags, 0o600).catch((error) => {
      throw fileFault(error, path);
    });
    const stats = await handle.stat();
    if (stats.isFile()) return new DiskSink(path, partial, handle, stats.size);
    await handle.close();
    throw new CmdopError('file-refused', `${shownName(partial.toString())} is in the way: remove it`);
  }

  get length(): number {
    return this.#length;
  }

  async read(from: number, max: number): Promise<Uint8Array> {
    const buffer = new Uint8Array(max);
    const { bytesRead } = await this.#handle.read(buffer, 0, max, from);
    return buffer.subarray(0, bytesRead);
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#length + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw fileFault(error, this.#path);
    }
    this.#length += bytes.length;
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#length = 0;
  }

  /** Puts it in its place. Throws `file-exists` where a file has appeared there, and nobody said to overwrite it. */
  async take({ mode, overwrite }: { mode: number; overwrite: boolean }): Promise<void> {
    const target = diskPath(this.#path);
    const there = await stat(target).catch(() => null);
    await chmod(this.#partial, there ? there.mode & 0o7777 : mode);
    await this.#handle.sync();
    await this.#handle.close();
    if (overwrite) return rename(this.#partial, target);
    if (await lstat(target).catch(() => null)) throw existsError(this.#path);
    try {
      await link(this.#partial, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw existsError(this.#path);
      return rename(this.#partial, target); // no hard links here; it was seen to be free just before
    }
    await unlink(this.#partial);
  }

  /** What came stays for the next time, unless nothing did. */
  async leave(): Promise<void> {
    await this.#handle.close().catch(() => {}); // closed already
    if (this.#length === 0) await unlink(this.#partial).catch(() => {}); // gone already
  }
}

export const existsError = (path: string): CmdopError =>
  new CmdopError('file-exists', `${shownName(path)} is there already: -f overwrites it`);

function partialName(name: string, id: string): string {
  const mark = `.cmdop-download-${createHash('sha256').update(`${id}\0${name}`).digest('hex').slice(0, 16)}`;
  let start = name;
  while (bytesOfName(start).length + mark.length + 1 > MAX_NAME_BYTES) start = start.slice(0, -1);
  return `.${start}${mark}`;
}
