/**
 * One file on its way in. Its bytes go into a file of their own beside the place that it is for; only once they are all
 * there, hash as they should and lie on the disk does that take the place, in one step. An upload that was cut leaves
 * what came, for when it goes on.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, chown, type FileHandle, link, lstat, open, rename, stat, statfs, unlink } from 'node:fs/promises';
import { CmdopError } from '#protocol/errors.ts';
import { errnoOf, fileFault } from '#session/file-faults.ts';
import { shownName } from '#session/file-names.ts';
import { lastName, mustBeFile, realPath, systemPath } from './file-tree.ts';
import { hashRange } from './hash-range.ts';
import { HeldFolder } from './held-folder.ts';
import { partialName } from './partial-name.ts';

export type WriteQuestion = {
  path: string;
  /** Null where it is not known. */
  size: number | null;
  key: string;
  overwrite: boolean;
  mode: number | null;
  restart: boolean;
  /** Where the file must come to lie; null where anything will do. */
  real: string | null;
};
/** `partial`: the name, beside `path`, of what is there so far. */
export type OpenedWrite = { path: string; partial: string; from: number; prefix: string | null };

type Target = {
  name: string;
  folder: HeldFolder /** Of the file that is there. */;
  there: { mode: number; uid: number; gid: number } | null;
};

export class FileWriter {
  readonly opened: OpenedWrite;
  readonly #question: WriteQuestion;
  readonly #target: Target;
  readonly #handle: FileHandle;
  readonly #hash: Hash;
  #at: number;
  #isOver = false;

  private constructor(parts: { question: WriteQuestion; target: Target; handle: FileHandle; hash: Hash; opened: OpenedWrite }) {
    this.#question = parts.question;
    this.#target = parts.target;
    this.#handle = parts.handle;
    this.#hash = parts.hash;
    this.opened = parts.opened;
    this.#at = parts.opened.from;
  }

  get received(): number {
    return this.#at;
  }

  /** Throws where the file cannot come there; nothing is changed then. */
  static async open(question: WriteQuestion): Promise<FileWriter> {
    const target = await targetOf(question);
    let handle: FileHandle | null = null;
    try {
      const path = target.folder.nameAt(target.name);
      const partial = partialName(target.name, question.key);
      handle = await openPartial(target.folder, partial);
      const { size: present } = await handle.stat();
      const isUsable = !question.restart && question.size !== null && present <= question.size;
      const from = isUsable ? present : 0;
      if (from < present) await handle.truncate(0);
      await mustFit(target, question.size === null ? 0 : question.size - from);
      const hash = createHash('sha256');
      if ((await hashRange(handle, hash, from)) < from) throw new CmdopError('file-changed', `${shownName(path)} is sent by somebody else`);
      const prefix = from > 0 ? hash.copy().digest('hex') : null;
      return new FileWriter({ question, target, handle, hash, opened: { path, partial, from, prefix } });
    } catch (error) {
      const isEmpty = (await handle?.stat().catch(() => null))?.size === 0;
      await handle?.close();
      if (handle && isEmpty) await unlink(target.folder.at(partialName(target.name, question.key))).catch(() => {}); // somebody was faster
      await target.folder.close();
      throw fileFault(error, question.path);
    }
  }

  /** After it the bytes are the file's. Throws `storage`, and removes what came, where the disk is full. */
  async write(bytes: Uint8Array): Promise<void> {
    const { size } = this.#question;
    if (size !== null && this.#at + bytes.length > size) {
      throw new CmdopError('file-changed', `${shownName(this.opened.path)} was to have ${size} bytes, and more came: it changed meanwhile`);
    }
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#at + done);
        done += bytesWritten;
      }
    } catch (error) {
      await this.abandon({ keep: false });
      throw fileFault(error, this.opened.path);
    }
    this.#hash.update(bytes);
    this.#at += bytes.length;
  }

  /** Puts the file in its place. Throws `file-changed` where it is not what `hash` says, and removes what came. */
  async finish(hash: string): Promise<{ path: string; size: number; hash: string }> {
    const { size } = this.#question;
    const { path } = this.opened;
    if (size !== null && this.#at < size) {
      await this.abandon({ keep: true });
      throw new CmdopError('file-changed', `${shownName(path)} is not whole: ${this.#at} of ${size} bytes came; send it again`);
    }
    const digest = this.#hash.digest('hex');
    try {
      if (digest !== hash) {
        throw new CmdopError('file-changed', `${shownName(path)} did not come as it was sent (its hash differs): send it again`);
      }
      await this.#take();
    } catch (error) {
      const fault = fileFault(error, path);
      // What came is right, and only the place is taken or closed: the same upload may yet be told to overwrite it.
      await this.abandon({ keep: fault.code === 'file-exists' || fault.code === 'file-refused' });
      throw fault;
    }
    this.#isOver = true;
    await this.#handle.close();
    await this.#target.folder.close();
    return { path, size: this.#at, hash };
  }

  /** What came stays for the next attempt, or goes. */
  async abandon({ keep }: { keep: boolean }): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const { folder } = this.#target;
    const isWorthIt = keep && this.#at > 0 && this.#question.size !== null;
    if (!isWorthIt) await unlink(folder.at(this.opened.partial)).catch(() => {}); // it is gone
    await this.#handle.close();
    await folder.close();
  }

  async #take(): Promise<void> {
    const { folder, name, there } = this.#target;
    const { mode, overwrite } = this.#question;
    const partial = folder.at(this.opened.partial);
    if (there) {
      if (there.uid !== process.getuid?.()) await chown(partial, there.uid, there.gid).catch(() => {}); // only root may give away
      await chmod(partial, there.mode);
    } else await chmod(partial, mode ?? 0o666 & ~process.umask());
    await this.#handle.sync();
    if (overwrite) await rename(partial, folder.at(name));
    else await takeFree(folder, { partial, name });
    await folder.sync();
  }
}

async function targetOf({ path, overwrite, real: wanted }: WriteQuestion): Promise<Target> {
  if (/(^|\/)\.{0,2}\/*$/.test(path)) throw new CmdopError('file-refused', `${shownName(path)} is a folder: name the file`);
  try {
    const real = await realPath(path);
    const there = real === null ? null : await stat(systemPath(real));
    if (there) mustBeFile(there, path);
    if (!there && (await lstat(systemPath(path)).catch(() => null))) {
      throw new CmdopError('file-refused', `${shownName(path)} is a link that leads nowhere: name another place`);
    }
    if (there && !overwrite) throw fileFault({ code: 'EEXIST' }, path);
    // What `cp` may not overwrite is not exchanged either.
    if (real !== null) await access(systemPath(real), constants.W_OK);
    const whole = real ?? path;
    const folder = await HeldFolder.open(whole.slice(0, whole.lastIndexOf('/')) || '/');
    const name = lastName(whole);
    if (wanted !== null && folder.nameAt(name) !== wanted) {
      await folder.close();
      throw new CmdopError('file-changed', `${shownName(path)} was moved just now: try again`);
    }
    return { name, folder, there: there ? { mode: there.mode & 0o7777, uid: there.uid, gid: there.gid } : null };
  } catch (error) {
    throw fileFault(error, path);
  }
}

/** A file of our own that nobody else can have put there, made or found again. */
async function openPartial(folder: HeldFolder, name: string): Promise<FileHandle> {
  const path = folder.at(name);
  const flags = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  try {
    return await open(path, flags | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  const handle = await open(path, flags);
  const { uid, nlink, mode } = await handle.stat();
  const isOurs = uid === (process.getuid?.() ?? uid) && nlink === 1 && (mode & constants.S_IFMT) === constants.S_IFREG;
  if (isOurs) return handle;
  await handle.close();
  throw new CmdopError('file-refused', `${shownName(folder.nameAt(name))} is not this upload's: remove it`);
}

/** Rejects before a byte came, rather than after the last. */
async function mustFit({ folder, name }: Target, bytes: number): Promise<void> {
  const free = await statfs(folder.at('.')).catch(() => null); // then the first write that fails tells
  if (!free) return;
  const blocks = process.getuid?.() === 0 ? free.bfree : free.bavail;
  if (free.blocks > 0 && bytes > blocks * free.bsize) throw fileFault({ code: 'ENOSPC' }, folder.nameAt(name));
}

/** In one step, and never over a file that has appeared meanwhile. */
async function takeFree(folder: HeldFolder, { partial, name }: { partial: Buffer; name: string }): Promise<void> {
  try {
    await link(partial, folder.at(name));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw fileFault(error, folder.nameAt(name));
    // A file system without hard links: seen to be free just before.
    if (await lstat(folder.at(name)).catch(() => null)) throw fileFault({ code: 'EEXIST' }, folder.nameAt(name));
    await rename(partial, folder.at(name));
    return;
  }
  await unlink(partial);
}
