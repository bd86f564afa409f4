/** What lies in folders: entries of one, facts about a file, how it begins. Paths are absolute, in the text of file-names.ts. */
import { constants, type Dirent, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, opendir, readlink, realpath, stat } from 'node:fs/promises';
import type { FileEntry, FileKind } from '#protocol/files.ts';
import { errnoOf, fileFault, noFile } from '#session/file-faults.ts';
import { bytesOfName, nameOfBytes } from '#session/file-names.ts';

/** Looked at in one folder, entries: more is for `ls`. */
const MAX_ENTRIES = 50_000;
/** In one answer, characters as JSON: a frame holds a MiB. */
const MAX_ANSWER = 512 * 1024;
/** Asked of the system at a time. */
const AT_ONCE = 32;

export type ListQuestion = { path: string; sort: 'name' | 'size' | 'modified'; descending: boolean; from: number; limit: number };
export type Listing = { path: string; entries: FileEntry[]; total: number; isCut: boolean };

/** As the system takes it: text alone could not name every file. */
export const systemPath = (path: string): Buffer => Buffer.from(bytesOfName(path));
export const textPath = (path: Uint8Array): string => nameOfBytes(path);

/** Without links, `.` and `..`; null where nothing is. */
export async function realPath(path: string): Promise<string | null> {
  try {
    return textPath(await realpath(systemPath(path), 'buffer'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw fileFault(error, path);
  }
}

export async function list({ path, sort, descending, from, limit }: ListQuestion): Promise<Listing> {
  try {
    const folder = textPath(await realpath(systemPath(path), 'buffer'));
    const { found, isCut } = await namesIn(folder);
    const known =
      sort === 'name' ? null : new Map(await inTurn(found, async (each) => [each.name, await entryOf(folder, each.name)] as const));
    const value = ({ name }: Named) => (sort === 'size' ? known?.get(name)?.size : known?.get(name)?.modifiedAt) ?? 0;
    const byName = (a: Named, b: Named) => COLLATOR.compare(a.name, b.name) || (a.name < b.name ? -1 : 1);
    const direction = descending ? -1 : 1;
    found.sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || direction * (value(a) - value(b) || byName(a, b)));
    const entries: FileEntry[] = [];
    let length = 0;
    for (const page of batches(found.slice(from, from + limit))) {
      for (const entry of await Promise.all(page.map(({ name }) => known?.get(name) ?? entryOf(folder, name)))) {
        length += JSON.stringify(entry).length;
        if (length > MAX_ANSWER && entries.length > 0) return { path: folder, entries, total: found.length, isCut };
        entries.push(entry);
      }
    }
    return { path: folder, entries, total: found.length, isCut };
  } catch (error) {
    throw errnoOf(error) === 'ENOTDIR' ? fileFault({ code: 'ENOTDIR' }, path) : fileFault(error, path);
  }
}

/** The facts of what `path` names; of a link also what it leads to. */
export async function entryAt(path: string): Promise<FileEntry> {
  try {
    return await factsOf(path, await lstat(systemPath(path)));
  } catch (error) {
    throw fileFault(error, path);
  }
}

/** A file, open to be read, which is what `path` names. Throws for all that is none. */
export async function openFile(path: string): Promise<{ handle: FileHandle; stats: Stats }> {
  let handle: FileHandle | null = null;
  try {
    // Asked before, since opening alone moves some devices; and after, since it may have been exchanged.
    mustBeFile(await stat(systemPath(path)), path);
    handle = await open(systemPath(path), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = await handle.stat();
    mustBeFile(stats, path);
    return { handle, stats };
  } catch (error) {
    await handle?.close();
    throw fileFault(error, path);
  }
}

export async function view(path: string, max: number): Promise<{ real: string; size: number; modifiedAt: number; bytes: Uint8Array }> {
  const { handle, stats } = await openFile(path);
  try {
    const buffer = new Uint8Array(max);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, max - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === max) break;
    }
    const real = await openedPath(handle, path);
    return { real, size: Math.max(stats.size, length), modifiedAt: stats.mtimeMs, bytes: buffer.slice(0, length) };
  } catch (error) {
    throw fileFault(error, path);
  } finally {
    await handle.close();
  }
}

/** Where an open file really lies: what was opened, not what has its name by now. */
export async function openedPath(handle: FileHandle, path: string): Promise<string> {
  if (process.platform === 'linux') {
    const real = await readlink(`/proc/self/fd/${handle.fd}`, 'buffer').catch(() => null); // no /proc here
    if (real) return textPath(real);
  }
  return (await realPath(path)) ?? path;
}

export function kindOf(stats: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket'>): FileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'pipe';
  return stats.isSocket() ? 'socket' : 'device';
}

/** Throws `file-refused` for folders, pipes, devices and sockets. */
export function mustBeFile(stats: Stats, path: string): void {
  const kind = kindOf(stats);
  if (kind !== 'file') throw noFile(kind, path);
}

type Named = { name: string; isFolder: boolean };

async function namesIn(folder: string): Promise<{ found: Named[]; isCut: boolean }> {
  const found: Named[] = [];
  // The types of Node know names as text only; asked for as bytes, they come as bytes.
  const entries = await opendir(systemPath(folder), { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
  for await (const entry of entries as AsyncIterable<Dirent<string | Buffer>>) {
    if (found.length === MAX_ENTRIES) return { found, isCut: true };
    const name = typeof entry.name === 'string' ? entry.name : nameOfBytes(entry.name);
    found.push({ name, isFolder: entry.isDirectory() });
  }
  return { found, isCut: false };
}

async function entryOf(folder: string, name: string): Promise<FileEntry> {
  const path = below(folder, name);
  const stats = await lstat(systemPath(path)).catch(() => null); // gone meanwhile, or not to be asked about
  return stats ? await factsOf(path, stats) : { name, kind: 'file', size: 0, modifiedAt: 0, mode: 0 };
}

async function factsOf(path: string, stats: Stats): Promise<FileEntry> {
  const kind = kindOf(stats);
  const entry = { name: lastName(path), kind, size: stats.size, modifiedAt: stats.mtimeMs, mode: stats.mode & 0o7777 };
  if (kind !== 'link') return entry;
  const [target, there] = await Promise.all([
    readlink(systemPath(path), 'buffer').catch(() => null), // it is gone: shown as leading nowhere
    stat(systemPath(path)).catch(() => null),
  ]);
  return { ...entry, link: { target: target ? textPath(target) : '', kind: there ? kindOf(there) : null, size: there?.size ?? 0 } };
}

export const below = (folder: string, name: string): string => (folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`);
export const lastName = (path: string): string => path.replace(/\/+$/, '').split('/').at(-1) ?? '';

/** `a2` before `a10`, whichever language the host's user reads. */
const COLLATOR = new Intl.Collator('en', { numeric: true });

function* batches<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += AT_ONCE) yield all.slice(at, at + AT_ONCE);
}

async function inTurn<T, R>(all: readonly T[], work: (each: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const batch of batches(all)) results.push(...(await Promise.all(batch.map(work))));
  return results;
}
