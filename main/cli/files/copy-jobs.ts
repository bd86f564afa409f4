/** What a copy is made of, file by file: folders are walked here or over there, and made on the other side on the way. */
import { opendir, stat } from 'node:fs/promises';
import type { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { FileEntry } from '#protocol/files.ts';
import { isPlainName, nameOfBytes, shownName } from '#session/file-names.ts';
import { joinPath } from './copy-place.ts';
import { diskPath } from './disk-bytes.ts';

/** One file. Paths are as the side takes them on which they are. */
export type CopyJob = { from: string; to: string };

export type Walk = {
  client: CmdopClient;
  session: string;
  /** What is left out, and why. */
  skipped: (sentence: string) => void;
};

/** The files in a folder of this machine, for the folder `to` over there, which is made. */
export async function* jobsToThere(walk: Walk, from: string, to: string): AsyncGenerator<CopyJob> {
  await walk.client.request('files.folder', { session: walk.session, path: to });
  const folders: string[] = [];
  // The types of Node know names as text only; asked for as bytes, they come as bytes.
  for await (const entry of await opendir(diskPath(from), { encoding: 'buffer' as BufferEncoding })) {
    const name = nameOfBytes(Buffer.from(entry.name as string | Buffer as Buffer));
    const path = joinPath(from, name);
    const there = await stat(diskPath(path)).catch(() => null); // a link that leads nowhere
    if (there?.isFile()) yield { from: path, to: joinPath(to, name) };
    else if (there?.isDirectory() && !entry.isSymbolicLink()) folders.push(name);
    else walk.skipped(`${shownName(path)} is left out: ${there?.isDirectory() ? 'it is a link to a folder' : 'it is no file'}`);
  }
  for (const name of folders) yield* jobsToThere(walk, joinPath(from, name), joinPath(to, name));
}

/** The files in a folder over there, for the folder `to` of this machine, which `makeFolder` makes. */
export async function* jobsToHere(
  walk: Walk & { makeFolder: (path: string) => Promise<void> },
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

/** All of a folder over there, page by page. */
export async function* entriesOf({ client, session }: Pick<Walk, 'client' | 'session'>, path: string): AsyncGenerator<FileEntry> {
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
