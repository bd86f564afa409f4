/** What is in a file or link now, as git names it. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { blobHash } from './object-pack.ts';

/** Null where nothing is, or nothing that git keeps. Never follows a link. */
export function currentHash(place: Buffer): string | null {
  const entry = lstatSync(place, { throwIfNoEntry: false });
  if (entry?.isSymbolicLink()) return blobHash(readlinkSync(place, 'buffer')).toString('hex');
  if (!entry?.isFile()) return null;
  const fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return fstatSync(fd).isFile() ? blobHash(readFileSync(fd)).toString('hex') : null;
  } finally {
    closeSync(fd);
  }
}
