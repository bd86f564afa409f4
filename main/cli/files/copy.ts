/** `cp`: files between this machine and a session's, by the ways of cp and scp. */
import { lstat, mkdir, stat } from 'node:fs/promises';
import type { CmdopClient } from '#client/cmdop-client.ts';
import { type Downloaded, download, type Transferred, upload } from '#client/files/transfer.ts';
import { DiskSink, diskPath, existsError, openSource, pipeSink, pipeSource } from '#local/copying/disk-bytes.ts';
import { type CopyJob, jobsToHere, jobsToThere, joinPath } from '#local/copying/folder-jobs.ts';
import { uploadKey } from '#local/copying/upload-key.ts';
import { nodeHash } from '#local/node-hash.ts';
import { CmdopError } from '#protocol/errors.ts';
import { shownName } from '#session/file-names.ts';
import { type Globals, hostFor, lastingClient, sessionRef } from '../connect.ts';
import { EXIT, Interrupted, sentenceOf, UsageError } from '../exit-codes.ts';
import { note, printJsonLine } from '../output.ts';
import { type CopyPlace, nameIn, parsePlace } from './copy-place.ts';
import { CopyProgress } from './copy-progress.ts';

/** Files under way at a time, so that many small ones do not each wait for a way there and back. */
const AT_ONCE = 6;

type Options = Globals & { recursive?: boolean; force?: boolean; json?: boolean };
type There = Extract<CopyPlace, { is: 'there' }>;
type Here = Exclude<CopyPlace, There>;

type Copy = {
  options: Options;
  client: CmdopClient;
  session: string;
  progress: CopyProgress;
  signal: AbortSignal;
};

export async function copy(options: Options, texts: readonly string[]): Promise<void> {
  const places = texts.map(parsePlace);
  const target = places.at(-1);
  const sources = places.slice(0, -1);
  if (!target || sources.length === 0)
    throw new UsageError('write what to copy and where to: cmdop cp FILE SESSION:PATH, or SESSION:PATH FILE');
  const there = [...sources, target].filter((place): place is There => place.is === 'there');
  const [first] = there;
  if (!first)
    throw new UsageError('neither is on a session’s machine: write SESSION:PATH for one of them (a file here with a colon: ./NAME)');
  if (target.is === 'there' ? there.length > 1 : there.length < sources.length) {
    throw new UsageError('copy between a session’s machine and this one: from one session to another it takes two copies');
  }
  if (there.some((place) => place.session !== first.session || place.host !== first.host)) {
    throw new UsageError(`one copy is of one session: ${first.session} and another are named`);
  }
  if (options.json && target.is === 'pipe') throw new UsageError('--json and - both write to standard output: leave one out');
  const address = first.host === undefined ? [] : [`cmdop://${first.host}/${first.session}`];
  const host = hostFor(options.host, address);
  const globals = { ...options, ...(host === undefined ? {} : { host }) };
  await withLink(globals, (link) => {
    const one = { ...link, options, session: sessionRef(first.session) };
    if (target.is === 'there')
      return copyThere(
        one,
        sources.filter((place) => place.is !== 'there'),
        target.path,
      );
    return copyHere(
      one,
      there.map(({ path }) => path),
      target,
    );
  });
}

/** With a client that comes back after every cut, until Ctrl-C. */
async function withLink(globals: Globals, work: (link: Pick<Copy, 'client' | 'progress' | 'signal'>) => Promise<boolean>): Promise<void> {
  const progress = new CopyProgress(process.stderr, () => performance.now());
  const abort = new AbortController();
  const { promise: over, reject: end } = Promise.withResolvers<never>();
  over.catch(() => {}); // the race sees it
  const interrupt = () => {
    abort.abort();
    end(new Interrupted('given up: what was copied so far stays, and the same command goes on there'));
  };
  process.on('SIGINT', interrupt);
  let client: CmdopClient | null = null;
  try {
    client = await lastingClient(globals, {
      onState: (state) => progress.remark(state.is === 'offline' ? 'the link broke; it goes on once it is back' : null),
      refused: end,
    });
    const isAll = await Promise.race([work({ client, progress, signal: abort.signal }), over]);
    if (!isAll) process.exitCode = EXIT.failed;
  } finally {
    progress.clear();
    process.off('SIGINT', interrupt);
    client?.close();
  }
}

async function copyThere(copy: Copy, sources: readonly Here[], target: string): Promise<boolean> {
  const { client, session, options } = copy;
  const isFolder = await isFolderThere(copy, target);
  if (!isFolder && (sources.length > 1 || target.endsWith('/')))
    throw new CmdopError('file-not-found', `${shownName(target)} is no folder on the session’s machine: make it first`);
  let isAll = true;
  for (const source of sources) {
    if (source.is === 'pipe') {
      if (isFolder) throw new UsageError(`${target} is a folder: name the file that standard input is to become`);
      await sendOne(copy, null, target);
      continue;
    }
    const { path } = source;
    const isOwnFolder = (await stat(diskPath(path)).catch(() => null))?.isDirectory() ?? false;
    if (isOwnFolder && !options.recursive) throw new CmdopError('file-refused', `${shownName(path)} is a folder: -r copies what is in it`);
    const to = isFolder && (nameIn(path) !== '' || !isOwnFolder) ? joinPath(target, nameIn(path)) : target;
    if (!isOwnFolder) await sendOne(copy, path, to);
    else {
      const failed = (error: CmdopError) => {
        isAll = false;
        note(sentenceOf(error));
      };
      const jobs = jobsToThere({ client, session, skipped: note, failed }, path, to);
      isAll = (await eachJob(jobs, (job) => sendOne(copy, job.from, job.to))) && isAll;
    }
  }
  return isAll;
}

async function copyHere(copy: Copy, sources: readonly string[], target: Here): Promise<boolean> {
  const { client, session, options } = copy;
  if (target.is === 'pipe') {
    for (const path of sources) await download({ ...transferOf(copy, path), sink: pipeSink(process.stdout) });
    return true;
  }
  const isFolder = (await stat(diskPath(target.path)).catch(() => null))?.isDirectory() ?? false;
  if (!isFolder && (sources.length > 1 || target.path.endsWith('/')))
    throw new CmdopError('file-not-found', `${shownName(target.path)} is no folder here: make it first`);
  let isAll = true;
  for (const path of sources) {
    const isTheirFolder = await isFolderThere(copy, path);
    if (isTheirFolder && !options.recursive)
      throw new CmdopError('file-refused', `${shownName(path)} is a folder: -r copies what is in it`);
    const to = isFolder && (nameIn(path) !== '' || !isTheirFolder) ? joinPath(target.path, nameIn(path)) : target.path;
    const walk = { client, session, skipped: note };
    const makeFolder = async (folder: string) => void (await mkdir(diskPath(folder), { recursive: true }));
    if (!isTheirFolder) await getOne(copy, path, to);
    else isAll = (await eachJob(jobsToHere({ ...walk, makeFolder }, path, to), (job) => getOne(copy, job.from, job.to))) && isAll;
  }
  return isAll;
}

/** Every file of a folder, some at a time. One that cannot be copied is named, and the others go on; false then. */
async function eachJob(jobs: AsyncGenerator<CopyJob>, work: (job: CopyJob) => Promise<void>): Promise<boolean> {
  let isAll = true;
  const worker = async () => {
    for await (const job of jobs) {
      try {
        await work(job);
      } catch (error) {
        if (!(error instanceof CmdopError) || !error.code.startsWith('file-')) throw error;
        isAll = false;
        note(sentenceOf(error));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return isAll;
}

async function sendOne(copy: Copy, from: string | null, to: string): Promise<void> {
  const source = from === null ? null : await openSource(from);
  try {
    const { force = false } = copy.options;
    const sent = await upload({
      ...transferOf(copy, to),
      source: source ?? pipeSource(process.stdin),
      key: await uploadKey(copy.session, from, to),
      overwrite: force,
      ...(source ? { mode: source.mode } : {}),
    }).catch(withRemedy);
    said(copy, { from: from ?? '-', to: `${copy.session}:${sent.path}`, sent });
  } finally {
    copy.progress.over(to);
    await source?.close();
  }
}

async function getOne(copy: Copy, from: string, to: string): Promise<void> {
  const { force = false } = copy.options;
  const there = await stat(diskPath(to)).catch(() => null);
  if (there?.isDirectory()) throw new CmdopError('file-exists', `${shownName(to)} is a folder: name the file`);
  if (!force && (await lstat(diskPath(to)).catch(() => null))) throw existsError(to);
  const sink = await DiskSink.open(to, `${copy.options.host ?? ''}\0${copy.session}\0${from}`);
  try {
    const got: Downloaded = await download({ ...transferOf(copy, from), sink });
    await sink.take({ mode: got.mode, overwrite: force });
    said(copy, { from: `${copy.session}:${got.path}`, to, sent: got });
  } finally {
    copy.progress.over(from);
    await sink.leave();
  }
}

const transferOf = ({ client, session, progress, signal }: Copy, path: string) => ({
  client,
  session,
  path,
  signal,
  newHash: nodeHash,
  progress: (done: number, total: number | null) => progress.moved(path, done, total),
});

function said({ options }: Copy, { from, to, sent }: { from: string; to: string; sent: Transferred }): void {
  const { size, hash, from: resumedFrom } = sent;
  if (options.json) printJsonLine({ from, to, bytes: size, sha256: hash, resumedFrom });
}

async function isFolderThere({ client, session }: Copy, path: string): Promise<boolean> {
  try {
    const { entry } = await client.request('files.stat', { session, path });
    return entry.kind === 'folder' || entry.link?.kind === 'folder';
  } catch (error) {
    if (error instanceof CmdopError && error.code === 'file-not-found') return false;
    throw error;
  }
}

function withRemedy(error: unknown): never {
  if (!(error instanceof CmdopError) || error.code !== 'file-exists') throw error;
  throw new CmdopError('file-exists', error.message.replace('overwrite it, or choose another name', '-f overwrites it'));
}
