/**
 * A folder held open while something is put into it. On Linux its names go through the open folder, so that nobody can
 * exchange the folder, or put a link in its place, between one step and the next.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { CmdopError } from '#protocol/errors.ts';
import { fileFault } from '#session/file-faults.ts';
import { bytesOfName, shownName } from '#session/file-names.ts';
import { below, lastName, openedPath, systemPath } from './file-tree.ts';

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

/** `real`: where it must come to lie; null where anything will do. */
export type FolderQuestion = { path: string; real: string | null };

/** False where it was there already. */
export async function makeFolder({ path, real }: FolderQuestion): Promise<boolean> {
  const whole = path.replace(/\/+$/, '') || '/';
  const name = lastName(whole);
  try {
    const there = await stat(systemPath(whole)).catch(() => null); // it is not there
    if (there?.isDirectory()) return false;
    const folder = await HeldFolder.open(whole.slice(0, whole.lastIndexOf('/')) || '/');
    try {
      if (real !== null && folder.nameAt(name) !== real)
        throw new CmdopError('file-changed', `${shownName(path)} was moved just now: try again`);
      await mkdir(folder.at(name));
    } finally {
      await folder.close();
    }
    return true;
  } catch (error) {
    throw fileFault(error, path);
  }
}
