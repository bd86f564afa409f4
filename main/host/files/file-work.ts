/** The work on files, question by question, as the thread of files does it. Paths are absolute. */
import { createHash } from 'node:crypto';
import { lstat, unlink } from 'node:fs/promises';
import { CmdopError } from '#protocol/errors.ts';
import { fileFault } from '#session/file-faults.ts';
import { FileReader, type OpenedRead, type ReadQuestion } from './file-reader.ts';
import { entryAt, type ListQuestion, lastName, list, openedPath, openFile, realPath, systemPath, view } from './file-tree.ts';
import { FileWriter, type OpenedWrite, type WriteQuestion } from './file-writer.ts';
import { hashRange } from './hash-range.ts';
import { type FolderQuestion, makeFolder } from './held-folder.ts';
import { isPartialName } from './partial-name.ts';

/** A file that is open, by a number. */
export type Job = { job: number };

export class FileWork {
  readonly #readers = new Map<number, FileReader>();
  readonly #writers = new Map<number, FileWriter>();
  #nextJob = 1;

  real = ({ path }: { path: string }) => realPath(path);
  list = (question: ListQuestion) => list(question);
  entry = ({ path }: { path: string }) => entryAt(path);
  view = ({ path, max }: { path: string; max: number }) => view(path, max);
  makeFolder = (question: FolderQuestion) => makeFolder(question);

  /** Also where that lies which was hashed. */
  hash = async ({ path }: { path: string }): Promise<{ hash: string; real: string }> => {
    const { handle, stats } = await openFile(path);
    try {
      const hash = createHash('sha256');
      await hashRange(handle, hash, stats.size);
      return { hash: hash.digest('hex'), real: await openedPath(handle, path) };
    } catch (error) {
      throw fileFault(error, path);
    } finally {
      await handle.close();
    }
  };

  /** What lies in the beginnings of uploads; null for those that are gone. */
  partials = ({ paths }: { paths: readonly string[] }) =>
    Promise.all(
      paths.map(async (path) => {
        const stats = await lstat(systemPath(path)).catch(() => null); // gone, or its folder is closed now
        return stats?.isFile() ? { received: stats.size, changedAt: stats.mtimeMs } : null;
      }),
    );

  /** Only ever the beginning of an upload. */
  removePartial = async ({ path }: { path: string }): Promise<void> => {
    if (isPartialName(lastName(path))) await unlink(systemPath(path)).catch(() => {}); // it is gone
  };

  openRead = async (question: ReadQuestion): Promise<Job & OpenedRead> => {
    const reader = await FileReader.open(question);
    const job = this.#nextJob++;
    this.#readers.set(job, reader);
    return { job, ...reader.opened };
  };

  /** The next bytes; none at the end. */
  read = ({ job, max }: Job & { max: number }): Promise<Uint8Array> => opened(this.#readers, job).next(max);

  /** The hash of the whole, where all of it was read. */
  closeRead = async ({ job, isWhole }: Job & { isWhole: boolean }): Promise<string | null> => {
    const reader = opened(this.#readers, job);
    this.#readers.delete(job);
    const hash = isWhole ? reader.digest() : null;
    await reader.close();
    return hash;
  };

  openWrite = async (question: WriteQuestion): Promise<Job & OpenedWrite> => {
    const writer = await FileWriter.open(question);
    const job = this.#nextJob++;
    this.#writers.set(job, writer);
    return { job, ...writer.opened };
  };

  write = ({ job, bytes }: Job & { bytes: Uint8Array }): Promise<void> => opened(this.#writers, job).write(bytes);

  finish = async ({ job, hash }: Job & { hash: string }): Promise<{ path: string; size: number; hash: string }> => {
    const writer = opened(this.#writers, job);
    this.#writers.delete(job);
    return writer.finish(hash);
  };

  abandon = async ({ job, keep }: Job & { keep: boolean }): Promise<void> => {
    const writer = this.#writers.get(job);
    this.#writers.delete(job);
    await writer?.abandon({ keep });
  };
}

function opened<T>(jobs: ReadonlyMap<number, T>, job: number): T {
  const found = jobs.get(job);
  if (!found) throw new CmdopError('internal', `the file ${job} is not open`);
  return found;
}

type Work = Pick<FileWork, keyof FileWork>;
export type FileQuestion = keyof Work;
export type FileArgument<Q extends FileQuestion> = Parameters<Work[Q]>[0];
export type FileAnswer<Q extends FileQuestion> = Awaited<ReturnType<Work[Q]>>;

/** To the thread of files, and from it. */
export type ToFileThread = { [Q in FileQuestion]: { id: number; question: Q; argument: FileArgument<Q> } }[FileQuestion];
export type FromFileThread =
  | { id: number; answer: unknown }
  | { id: number; fault: { code: CmdopError['code']; message: string } | null; message: string };
