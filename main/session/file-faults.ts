/** What a system says about a file, as a sentence for whoever asked: what happened to which file, and what to do. Pure. */
import { CmdopError, type ErrorCode } from '#protocol/errors.ts';
import type { FileKind } from '#protocol/files.ts';
import { shownName } from './file-names.ts';

const SAID: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ['file-not-found', 'is not there'],
  ENOTDIR: ['file-not-found', 'is not there: a part of its path is no folder'],
  ELOOP: ['file-refused', 'leads through too many links'],
  ENAMETOOLONG: ['file-refused', 'has too long a name'],
  EACCES: ['file-refused', 'is closed to the user that asked: change its permissions, or choose another place'],
  EPERM: ['file-refused', 'is closed to the user that asked: change its permissions, or choose another place'],
  EROFS: ['file-refused', 'is on a file system that cannot be written: choose another place'],
  ENOSPC: ['storage', 'does not fit: the disk is full; make room there and try again'],
  EDQUOT: ['storage', 'does not fit: the quota there is used up; make room and try again'],
  EFBIG: ['storage', 'is larger than its file system takes'],
  EIO: ['storage', 'cannot be read or written: the disk reports an error'],
  EEXIST: ['file-exists', 'is there already: overwrite it, or choose another name'],
  EISDIR: ['file-refused', 'is a folder'],
  EMFILE: ['storage', 'cannot be opened: too many files are open; try again later'],
  ENFILE: ['storage', 'cannot be opened: the machine has too many files open; try again later'],
};

const KINDS: Readonly<Record<Exclude<FileKind, 'file'>, string>> = {
  folder: 'a folder',
  link: 'a link that leads nowhere',
  pipe: 'a pipe',
  socket: 'a socket',
  device: 'a device',
};

/** `error` of the system, or anything, with `path`; a CmdopError as it is. */
export function fileFault(error: unknown, path: string): CmdopError {
  if (error instanceof CmdopError) return error;
  const code = errnoOf(error);
  const [known, words] = (code && SAID[code]) || (['storage', `cannot be used (${message(error)})`] as const);
  return new CmdopError(known, `${shownName(path)} ${words}`);
}

/** Only files have bytes that can be copied. */
export function noFile(kind: Exclude<FileKind, 'file'>, path: string): CmdopError {
  const remedy = kind === 'folder' ? 'name a file in it, or copy the whole folder (-r)' : 'only files can be copied';
  return new CmdopError('file-refused', `${shownName(path)} is ${KINDS[kind]}: ${remedy}`);
}

export function errnoOf(error: unknown): string | null {
  const { code } = typeof error === 'object' && error !== null ? (error as { code?: unknown }) : {};
  return typeof code === 'string' ? code : null;
}

const message = (error: unknown) => (error instanceof Error ? error.message : String(error));
