/**
 * A folder held open while something is put into it. On Linux its names go through the open folder, so that nobody can
 * exchange the folder, or put a link in its place, between one step and the next.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { bytesOfName } from '#session/file-names.ts';
import { below, openedPath, systemPath } from './file-tree.ts';

export class HeldFolder {
  /** Absolute, without links. */
  readonly path: string;
  readonly #handle: FileHandle | null;
  readonly #prefix: string;

  private constructor(path: string, handle: FileHandle | null, prefix: string) {
    this.path = path;
    this.#handle = handle;
    this.#prefix = prefix;
  }

  /** Rejects with the system's error. */
  static async open(path: string): Promise<HeldFolder> {
    if (process.platform === 'win32') return new HeldFolder(path, null, path);
    const handle = await open(systemPath(path), constants.O_RDONLY | constants.O_DIRECTORY);
    const through = `/proc/self/fd/${handle.fd}`;
    const isThere = process.platform === 'linux' && (await stat(through).catch(() => null)) !== null; // without /proc: by its path
    return new HeldFolder(await openedPath(handle, path), handle, isThere ? through : path);
  }

  /** How the system reaches `name` in it. */
  at(name: string): Buffer {
    return Buffer.concat([Buffer.from(bytesOfName(this.#prefix)), Buffer.from('/'), Buffer.from(bytesOfName(name))]);
  }

  /** As people read it. */
  nameAt(name: string): string {
    return below(this.path, name);
  }

  /** Names that were changed in it outlive a power cut. */
  async sync(): Promise<void> {
    await this.#handle?.sync().catch(() => {}); // some file systems cannot, and need not
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }
}
