/**
 * Folders held open, so that what is done in one is done in that very folder: a part of a path that becomes a symbolic
 * link meanwhile leads nowhere. On Linux a name below an open folder is reached through /proc/self/fd; elsewhere every
 * part is looked at just before.
 */
import { closeSync, constants, lstatSync, mkdirSync, openSync } from 'node:fs';
import { type BytePath, toBytes } from './byte-path.ts';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const isLinux = process.platform === 'linux';

export class SafeFolder {
  readonly #fd: number;
  readonly #path: Buffer;

  private constructor(fd: number, path: Buffer) {
    this.#fd = fd;
    this.#path = path;
  }

  /** Throws if it is a link, or no folder. */
  static open(path: string): SafeFolder {
    return new SafeFolder(openSync(path, FOLDER), Buffer.from(path));
  }

  /** Where `name`, one part, lies. */
  place(name: BytePath): Buffer {
    return Buffer.concat([
      isLinux ? Buffer.from(`/proc/self/fd/${this.#fd}/`) : Buffer.concat([this.#path, Buffer.from('/')]),
      toBytes(name),
    ]);
  }

  /** The folder at `path` below this one. Null if a part is missing, and not made. Throws where a part is no folder. */
  enter(path: BytePath, { make }: { make: boolean }): SafeFolder | null {
    let folder = new SafeFolder(openSync(this.#opened, FOLDER), this.#path);
    for (const part of path === '' ? [] : (path.split('/') as BytePath[])) {
      const outer = folder;
      try {
        const next = outer.#step(part, make);
        if (!next) return null;
        folder = next;
      } finally {
        outer.close();
      }
    }
    return folder;
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** O_NOFOLLOW would refuse the link that /proc has for an open folder, but not the folder behind it. */
  get #opened(): Buffer {
    return isLinux ? Buffer.from(`/proc/self/fd/${this.#fd}/.`) : this.#path;
  }

  #step(part: BytePath, make: boolean): SafeFolder | null {
    const place = this.place(part);
    if (!lstatSync(place, { throwIfNoEntry: false })) {
      if (!make) return null;
      mkdirSync(place, 0o777);
    }
    return new SafeFolder(openSync(place, FOLDER), Buffer.concat([this.#path, Buffer.from('/'), toBytes(part)]));
  }
}

/** The folder of a path, and its name there. */
export function parted(path: BytePath): { folder: BytePath; name: BytePath } {
  const at = path.lastIndexOf('/');
  return { folder: path.slice(0, Math.max(0, at)) as BytePath, name: path.slice(at + 1) as BytePath };
}
