/**
 * Brings files of a checkpoint back. Each file is written beside its place and then takes it in one step, only while what
 * stands there is still what the checkpoint before has: so a crash, a full disk or a change meanwhile loses nothing.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { CmdopError } from '#protocol/errors.ts';
import { BlobReader } from './blob-reader.ts';
import { type BytePath, shownPath } from './byte-path.ts';
import type { Change } from './difference.ts';
import { currentHash } from './file-state.ts';
import type { Shadow } from './git.ts';
import type { RestorePlan } from './restore-plan.ts';
import { parted, SafeFolder } from './safe-folder.ts';
import type { Progress } from './snapshot.ts';

const LINK = 0o120000;
const EXECUTABLE = 0o100755;

export async function restoreFiles(shadow: Shadow, { deletes, writes }: RestorePlan, progress: Progress): Promise<void> {
  const root = SafeFolder.open(shadow.folder);
  const blobs = new BlobReader(shadow);
  const total = deletes.length + writes.length;
  let done = 0;
  let current: BytePath | null = null;
  try {
    for (const change of deletes) {
      current = change.path;
      remove(root, change);
      if (++done % 100 === 0) progress(done, total);
    }
    for (const change of writes) {
      current = change.path;
      write(root, change, await blobs.read(change.newHash));
      if (++done % 100 === 0) progress(done, total);
    }
    progress(done, total);
  } catch (error) {
    throw stopped(error, { done, total, current });
  } finally {
    root.close();
    await blobs.close();
  }
}

function remove(root: SafeFolder, { path, oldHash }: Change): void {
  const { folder, name } = parted(path);
  const outer = root.enter(folder, { make: false });
  if (!outer) return; // gone already
  try {
    const place = outer.place(name);
    if (!lstatSync(place, { throwIfNoEntry: false })) return;
    mustBe(currentHash(place), oldHash, path);
    unlinkSync(place);
  } finally {
    outer.close();
  }
  removeEmpty(root, folder);
}

/** Git has no empty folders: those that were made for the file go with it. */
function removeEmpty(root: SafeFolder, folder: BytePath): void {
  for (let path = folder; path !== ''; ) {
    const { folder: outerPath, name } = parted(path);
    const outer = root.enter(outerPath, { make: false });
    if (!outer) return;
    try {
      rmdirSync(outer.place(name));
    } catch {
      return; // it is not empty
    } finally {
      outer.close();
    }
    path = outerPath;
  }
}

function write(root: SafeFolder, { path, status, oldHash, newHash, newMode }: Change, content: Buffer): void {
  const { folder, name } = parted(path);
  const outer = root.enter(folder, { make: true });
  if (!outer) return;
  const beside = outer.place(`.cmdop-${randomBytes(6).toString('hex')}` as BytePath);
  let isThere = false;
  try {
    const place = outer.place(name);
    const entry = lstatSync(place, { throwIfNoEntry: false });
    if (newMode === LINK) symlinkSync(content, beside);
    else writeBeside(beside, content, newMode === EXECUTABLE ? executable(entry?.mode) : plain(entry?.mode));
    isThere = true;
    if (entry?.isDirectory())
      rmdirSync(place); // emptied before; throws where something came into it
    else if (entry) mustBe(currentHash(place), status === 'A' ? newHash : oldHash, path);
    if (entry || !linked(beside, place, path)) {
      renameSync(beside, place);
      isThere = false;
    }
  } finally {
    if (isThere) unlinkSync(beside);
    outer.close();
  }
}

/** In the place only if nothing has come there. False where the file system has no such links. */
function linked(beside: Buffer, place: Buffer, path: BytePath): boolean {
  try {
    linkSync(beside, place);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') throw new CmdopError('unsaved', `${shownPath(path)} was made meanwhile`);
    return false;
  }
}

/** Throws what the disk says, and leaves nothing. */
function writeBeside(place: Buffer, content: Buffer, mode: number): void {
  const fd = openSync(place, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at);
    fchmodSync(fd, mode);
    fsyncSync(fd);
  } catch (error) {
    unlinkSync(place);
    throw error;
  } finally {
    closeSync(fd);
  }
}

const plain = (mode: number | undefined) => (mode === undefined ? 0o666 & ~process.umask() : mode & 0o666);
/** Whoever may read it may run it. */
const executable = (mode: number | undefined) => {
  const base = plain(mode);
  return base | ((base & 0o444) >> 2);
};

function mustBe(found: string | null, expected: string, path: BytePath): void {
  if (found !== expected) throw new CmdopError('unsaved', `${shownPath(path)} was changed meanwhile`);
}

function stopped(error: unknown, { done, total, current }: { done: number; total: number; current: BytePath | null }): CmdopError {
  const code = (error as { code?: string }).code ?? '';
  const what =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'the disk is full'
      : code === 'ELOOP' || code === 'ENOTDIR'
        ? `a folder of ${current === null ? 'it' : shownPath(current)} became a link or a file meanwhile`
        : error instanceof Error
          ? error.message
          : String(error);
  const kind =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'storage'
      : error instanceof CmdopError || code === 'ELOOP' || code === 'ENOTDIR'
        ? 'unsaved'
        : 'internal';
  return new CmdopError(
    kind,
    `stopped after ${done} of ${total} files: ${what}; nothing else was touched, and the checkpoint before has the rest`,
  );
}
