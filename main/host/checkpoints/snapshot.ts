/** The files of a folder as a tree in its shadow repository: what changed is read, the rest is known from before. */
import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readlinkSync, readSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CmdopError } from '#protocol/errors.ts';
import { type BytePath, below, shownPath, toBytes } from './byte-path.ts';
import { type GitFailed, git, openShadow, type Shadow } from './git.ts';
import { type IndexEntry, indexLength, writeIndex } from './index-file.ts';
import { type Found, globalExcludes, type Listing, listFolder } from './listing.ts';
import { ObjectPack } from './object-pack.ts';

/** From so many on they go into a pack. */
const MANY_FILES = 200;
/** More than this at once is no project, bytes and files. */
const MAX_NEW_BYTES = 4 * 1024 * 1024 * 1024;
const MAX_FILES = 300_000;
/** Repositories within the folder, at most. */
const MAX_NESTED = 200;
/** Left on the disk, bytes: checkpoints are not what fills it. */
const KEPT_FREE_BYTES = 256 * 1024 * 1024;

export type Snapshot = { readonly tree: string; readonly files: number; readonly skipped: BytePath[] };
export type Progress = (done: number, total: number) => void;

/** Throws `storage` and `no-folder`; nothing but the shadow changes. A folder that changes meanwhile is looked at once more. */
export async function takeSnapshot(shadow: Shadow, progress: Progress): Promise<Snapshot> {
  openShadow(shadow);
  try {
    return await snapshotOf(shadow, progress);
  } catch (error) {
    if ((error as GitFailed).name !== 'GitFailed') throw error;
    // It changed just then; or an index is damaged, or names what is there no more: everything is read anew.
    dropIndexes(shadow);
    return await snapshotOf(shadow, progress);
  }
}

/** What the next checkpoint knows without reading: it then reads everything. */
export function dropIndexes({ gitDir }: Shadow): void {
  for (const name of readdirSync(gitDir)) if (name === 'index' || name.startsWith('index-')) rmSync(join(gitDir, name), { force: true });
}

async function snapshotOf(shadow: Shadow, progress: Progress): Promise<Snapshot> {
  const excludesFile = await globalExcludes(shadow);
  const trees: { prefix: string; tree: string }[] = [];
  const skipped: BytePath[] = [];
  let files = 0;
  const waiting: BytePath[] = ['' as BytePath];
  for (let prefix = waiting.shift(); prefix !== undefined; prefix = waiting.shift()) {
    const inner = prefix === '' ? shadow : { ...shadow, folder: below(shadow.folder, prefix).toString() };
    const indexFile = join(shadow.gitDir, prefix === '' ? 'index' : `index-${createHash('sha256').update(prefix, 'latin1').digest('hex')}`);
    const listing = await listFolder({ shadow: inner, indexFile, excludesFile });
    await intoIndex(inner, indexFile, listing, progress);
    const inside = (path: BytePath) => (prefix === '' ? path : (`${prefix}/${path}` as BytePath));
    skipped.push(...listing.skipped.map(inside));
    for (const path of listing.nested.map(inside)) {
      // A name that is no text cannot be given to git as its working tree.
      if (trees.length + waiting.length < MAX_NESTED && below('', path).toString().includes('\ufffd') === false) waiting.push(path);
      else skipped.push(path);
    }
    const length = indexLength(indexFile);
    files += length;
    if (files > MAX_FILES) throw tooMuch(shadow, `${MAX_FILES} files`);
    if (length === 0 && prefix !== '') continue;
    const tree = (await git(inner, ['write-tree'], { env: { GIT_INDEX_FILE: indexFile } })).toString().trim();
    trees.push({ prefix, tree });
  }
  return { tree: await joined(shadow, trees), files, skipped };
}

/** The trees of repositories within, at their places in the folder's own. */
async function joined(shadow: Shadow, [outer, ...inner]: { prefix: string; tree: string }[]): Promise<string> {
  if (!outer) throw new Error('a folder has a tree');
  if (inner.length === 0) return outer.tree;
  const env = { GIT_INDEX_FILE: join(shadow.gitDir, `index-joined-${process.pid}`) };
  try {
    await git(shadow, ['read-tree', outer.tree], { env });
    // Git takes the prefix as an argument: as text, which it was checked to be.
    for (const { prefix, tree } of inner) {
      const text = toBytes(prefix as BytePath).toString();
      await git(shadow, ['read-tree', `--prefix=${text}/`, tree], { env });
    }
    return (await git(shadow, ['write-tree'], { env })).toString().trim();
  } finally {
    rmSync(env.GIT_INDEX_FILE, { force: true });
  }
}

async function intoIndex(shadow: Shadow, indexFile: string, { changed, gone }: Listing, progress: Progress): Promise<void> {
  mustHaveRoom(shadow, changed);
  const env = { GIT_INDEX_FILE: indexFile };
  const isNew = !existsSync(indexFile);
  if (gone.length > 0 && !isNew) await git(shadow, ['update-index', '--force-remove', '-z', '--stdin'], { env, input: nulEnded(gone) });
  if (changed.length >= MANY_FILES) {
    const entries = await packed(shadow, changed, progress);
    if (isNew) return writeIndex(indexFile, entries);
    const lines = entries.map(({ path, mode, hash }) => Buffer.from(`${mode.toString(8)} ${hash.toString('hex')}\t${path}\0`, 'latin1'));
    await git(shadow, ['update-index', '--add', '--replace', '-z', '--index-info'], { env, input: Buffer.concat(lines) });
    await git(shadow, ['update-index', '-q', '--refresh'], { env, allow: [1] });
  } else if (changed.length > 0) {
    progress(0, changed.length);
    const input = nulEnded(changed.map(({ path }) => path));
    await git(shadow, ['update-index', '--add', '--remove', '--replace', '-z', '--stdin'], { env, input });
    progress(changed.length, changed.length);
  } else if (isNew) writeIndex(indexFile, []);
}

const nulEnded = (paths: readonly BytePath[]) => Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');

async function packed(shadow: Shadow, files: readonly Found[], progress: Progress): Promise<IndexEntry[]> {
  const pack = new ObjectPack(shadow.gitDir, { bytes: files.reduce((sum, { stat }) => sum + Number(stat.size), 0) });
  const entries: IndexEntry[] = [];
  try {
    for (const [at, file] of files.entries()) {
      if (at % 200 === 0) {
        progress(at, files.length);
        await setImmediate(); // whoever gives up is heard
      }
      const read = contentOf(shadow.folder, file);
      if (read) entries.push({ path: file.path, mode: read.mode, hash: await pack.add(read.content), stat: read.stat });
    }
    await pack.finish();
    progress(files.length, files.length);
    return entries;
  } catch (error) {
    pack.abandon();
    throw (error as { code?: string }).code === 'ENOSPC' ? noRoom() : error;
  }
}

/** Null where the file is not what it was when it was listed: the next checkpoint has it. */
function contentOf(folder: string, { path, stat }: Found): { content: Buffer; mode: number; stat: IndexEntry['stat'] } | null {
  const place = below(folder, path);
  try {
    if (stat.isSymbolicLink()) return { content: readlinkSync(place, 'buffer'), mode: 0o120000, stat };
    // Not through a link, and not for ever at a pipe that has taken its place.
    const fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = fstatSync(fd, { bigint: true });
      if (!found.isFile() || found.size > stat.size + BigInt(16 * 1024 * 1024)) return null;
      const content = Buffer.allocUnsafe(Number(found.size));
      let length = 0;
      for (let read = -1; read !== 0 && length < content.length; length += read)
        read = readSync(fd, content, length, content.length - length, null);
      const after = fstatSync(fd, { bigint: true });
      const isSame = length === content.length && after.mtimeNs === found.mtimeNs && after.size === found.size;
      const mode = (found.mode & 0o100n) === 0n ? 0o100644 : 0o100755;
      return { content: content.subarray(0, length), mode, stat: isSame ? after : null };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'EINVAL', 'ENXIO'].includes((error as { code?: string }).code ?? '')) return null;
    throw error;
  }
}

function mustHaveRoom(shadow: Shadow, changed: readonly Found[]): void {
  if (changed.length > MAX_FILES) throw tooMuch(shadow, `${changed.length} files`);
  const bytes = changed.reduce((sum, { stat }) => sum + Number(stat.size), 0);
  if (bytes > MAX_NEW_BYTES) throw tooMuch(shadow, `${(bytes / 1024 ** 3).toFixed(1)} GiB`);
  const { bavail, bsize } = statfsSync(shadow.gitDir);
  if (bavail * bsize < bytes + KEPT_FREE_BYTES) throw noRoom();
}

const tooMuch = ({ folder }: Shadow, what: string) =>
  new CmdopError(
    'no-folder',
    `no checkpoint of ${shownPath(folder as BytePath)}: ${what} that git does not ignore are too much; name what is generated in .gitignore`,
  );
const noRoom = () => new CmdopError('storage', 'there is no room on the disk for the checkpoint: make room; no file has changed');
