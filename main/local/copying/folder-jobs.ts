/** What a copy is made of, file by file: folders are walked here or over there, and made on the other side on the way. */
import { opendir, stat } from 'node:fs/promises';
import type { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { FileEntry } from '#protocol/files.ts';
import { fileFault } from '#session/file-faults.ts';
import { isPlainName, nameOfBytes, shownName } from '#session/file-names.ts';
import { diskPath } from './disk-bytes.ts';

/** One file. Paths are as the side takes them on which they are. */
export type CopyJob = { from: string; to: string };

export type Walk = {
  client: CmdopClient;
  session: string;
  /** What is left out, and why. */
  skipped: (sentence: string) => void;
  /** A folder that cannot be copied: the others go on. */
  failed: (error: CmdopError) => void;
};

/** The files in a folder of this machine, for the folder `to` over there, which is made. */
export async function* jobsToThere(walk: Walk, from: string, to: string): AsyncGenerator<CopyJob> {
  const { client, session, failed } = walk;
  try {
    await client.request('files.folder', { session, path: to });
  } catch (error) {
    if (!(error instanceof CmdopError) || !error.code.startsWith('file-')) throw error;
    return failed(error);
  }
  const folders: string[] = [];
  for await (const { name, is } of folderHere(walk, from)) {
    if (is === 'file') yield { from: joinPath(from, name), to: joinPath(to, name) };
    else folders.push(name);
  }
  for (const name of folders) yield* jobsToThere(walk, joinPath(from, name), joinPath(to, name));
}

/** What there is to copy in a folder and below it: files, and bytes. Nothing is told of what will be left out. */
export async function measureFolder(from: string, signal: AbortSignal): Promise<{ files: number; bytes: number }> {
  const sum = { files: 0, bytes: 0 };
  const quiet = { skipped: () => {}, failed: () => {} };
  for await (const { name, is, size } of folderHere(quiet, from)) {
    if (signal.aborted) break;
    const below = is === 'folder' ? await measureFolder(joinPath(from, name), signal) : { files: 1, bytes: size };
    sum.files += below.files;
    sum.bytes += below.bytes;
  }
  return sum;
}

/** The files and folders in a folder of this machine; what is neither is left out. */
async function* folderHere(
  { skipped, failed }: Pick<Walk, 'skipped' | 'failed'>,
  from: string,
): AsyncGenerator<{ name: string; is: 'file' | 'folder'; size: number }> {
  try {
    // The types of Node know names as text only; asked for as bytes, they come as bytes.
    for await (const entry of await opendir(diskPath(from), { encoding: 'buffer' as BufferEncoding })) {
      const name = nameOfBytes(Buffer.from(entry.name as string | Buffer as Buffer));
      const path = joinPath(from, name);
      const there = await stat(diskPath(path)).catch(() => null); // a link that leads nowhere
      if (there?.isFile()) yield { name, is: 'file', size: there.size };
      else if (there?.isDirectory() && !entry.isSymbolicLink()) yield { name, is: 'folder', size: 0 };
      else skipped(`${shownName(path)} is left out: ${there?.isDirectory() ? 'it is a link to a folder' : 'it is no file'}`);
    }
  } catch (error) {
    failed(fileFault(error, from));
  }
}

/** The files in a folder over there, for the folder `to` of this machine, which `makeFolder` makes. */
export async function* jobsToHere(
  walk: Pick<Walk, 'client' | 'session' | 'skipped'> & { makeFolder: (path: string) => Promise<void> },
  from: string,
  to: string,
): AsyncGenerator<CopyJob> {
  await walk.makeFolder(to);
  const folders: string[] = [];
  for await (const { name, kind, link } of entriesOf(walk, from)) {
    // Another machine says it: its names must not lead out of the folder that was asked for.
    if (!isPlainName(name))
      throw new CmdopError('bad-request', `${shownName(from)} has a file called ${shownName(name)}, which cannot be one here`);
    if (kind === 'folder') folders.push(name);
    else if (kind === 'file' || link?.kind === 'file') yield { from: joinPath(from, name), to: joinPath(to, name) };
    else
      walk.skipped(
        `${shownName(joinPath(from, name))} is left out: ${link?.kind === 'folder' ? 'it is a link to a folder' : 'it is no file'}`,
      );
  }
  for (const name of folders) yield* jobsToHere(walk, joinPath(from, name), joinPath(to, name));
}

/** What comes behind a folder, or in it. */
export function joinPath(folder: string, name: string): string {
  if (folder === '.') return name;
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}

/** All of a folder over there, page by page. */
async function* entriesOf({ client, session }: Pick<Walk, 'client' | 'session'>, path: string): AsyncGenerator<FileEntry> {
  for (let from = 0; ; ) {
    const page = await client.request('files.list', { session, path, from, limit: 1_000 });
    yield* page.entries;
    from += page.entries.length;
    if (page.entries.length === 0 || from >= page.total) {
      if (page.isCut)
        throw new CmdopError(
          'file-refused',
          `${shownName(page.path)} has more than ${page.total} entries: copy it with a program made for that, such as tar`,
        );
      return;
    }
  }
}
