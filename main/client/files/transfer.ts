/**
 * Files to and from a session's machine, by a client that comes back after every cut: both ways go on where they were, as
 * far as both sides hash the same, and end with one hash of the whole on both.
 */
import { CmdopError } from '#protocol/errors.ts';
import type { Result } from '#protocol/messages.ts';
import type { CmdopClient } from '../cmdop-client.ts';
import { type FileSink, type FileSource, hashOf, PIECE_BYTES, type RunningHash } from './file-bytes.ts';
import { StreamFlow } from './stream-flow.ts';

export type TransferOptions = {
  client: CmdopClient;
  session: string;
  /** On the session's machine. */
  path: string;
  newHash: () => RunningHash;
  /** How much has gone, and of how much where that is known. */
  progress?: (doneBytes: number, totalBytes: number | null) => void;
  signal?: AbortSignal;
};

export type Transferred = Result<'files.finish'> & { /** Began there: what was there before. */ from: number };
export type Downloaded = Transferred & Pick<Result<'files.read'>, 'mode' | 'modifiedAt'>;

/** Rejects with the host's sentence, or when the client is closed. */
export async function download(options: TransferOptions & { sink: FileSink }): Promise<Downloaded> {
  const { client, sink, newHash } = options;
  const from = sink.length;
  let hash = from > 0 ? await hashOf(sink, from, newHash) : newHash();
  for (;;) {
    try {
      if (!hash) throw new CmdopError('file-changed', 'what was copied before has become shorter');
      return { ...(await downloadOn(options, hash)), from };
    } catch (error) {
      if (options.signal?.aborted) throw givenUp();
      if (error instanceof CmdopError && error.code === 'file-changed' && sink.length > 0) {
        await sink.restart();
        hash = newHash();
      } else await backAfter(client, error);
    }
  }
}

async function downloadOn(
  { client, session, path, sink, progress, signal }: TransferOptions & { sink: FileSink },
  hash: RunningHash,
): Promise<Omit<Downloaded, 'from'>> {
  const from = sink.length;
  const { stream, answer } = await client.openStream('files.read', { session, path, from, ...(from > 0 ? { prefix: hash.digest() } : {}) });
  const flow = new StreamFlow(stream, signal);
  stream.end();
  progress?.(from, answer.size);
  for (;;) {
    const bytes = await flow.next();
    if (!bytes) break;
    await sink.write(bytes);
    hash.update(bytes);
    stream.used(bytes.length);
    progress?.(sink.length, answer.size);
  }
  const finished = await client.request('files.finish', { stream: stream.id, hash: hash.digest() });
  return { ...finished, mode: answer.mode, modifiedAt: answer.modifiedAt };
}

export type UploadOptions = TransferOptions & {
  source: FileSource;
  /** Of this upload, the same when it is begun again: `[0-9a-z]`, 8 to 64 of them. */
  key: string;
  overwrite: boolean;
  /** Permission bits of a file that is new there. */
  mode?: number;
};

/** As `download`. A file whose beginning over there is another one is sent from its own beginning. */
export async function upload(options: UploadOptions): Promise<Transferred> {
  const { client, session, path, source } = options;
  const asked: Asked = { restart: false, hash: null, from: null };
  for (;;) {
    try {
      return await uploadOn(options, asked);
    } catch (error) {
      if (options.signal?.aborted) throw givenUp();
      if (source.size === null) throw error;
      await backAfter(client, error);
      // The link broke while the host may have put the file in its place already.
      const there = asked.hash === null ? null : await client.request('files.stat', { session, path, hash: true }).catch(() => null); // not there
      if (there && there.hash !== null && there.hash === asked.hash) {
        return { path: there.path, size: there.entry.size, hash: there.hash, from: asked.from ?? 0 };
      }
    }
  }
}

/** What is remembered of the attempts before; `hash`: of the whole, once it was told. */
type Asked = { restart: boolean; hash: string | null; from: number | null };

async function uploadOn(options: UploadOptions, asked: Asked): Promise<Transferred> {
  const { client, session, path, source, key, overwrite, mode, newHash, progress, signal } = options;
  const { size } = source;
  asked.hash = null;
  const permissions = mode === undefined ? {} : { mode };
  const { stream, answer } = await client.openStream('files.write', {
    session,
    path,
    size,
    key,
    overwrite,
    restart: asked.restart,
    ...permissions,
  });
  const flow = new StreamFlow(stream, signal);
  asked.restart = false;
  asked.from ??= answer.from;
  const hash = answer.from > 0 ? await hashOf(source, answer.from, newHash) : newHash();
  if (!hash || (answer.from > 0 && hash.digest() !== answer.prefix)) {
    stream.reset('what is there is of another file');
    asked.restart = true;
    asked.from = null;
    return uploadOn(options, asked);
  }
  progress?.(answer.from, size);
  let at = answer.from;
  for (;;) {
    const bytes = await source.read(at, PIECE_BYTES);
    if (bytes.length === 0) break;
    hash.update(bytes);
    at += bytes.length;
    await flow.write(bytes);
    progress?.(at, size);
  }
  flow.mustGoOn();
  stream.end();
  asked.hash = hash.digest();
  try {
    return { ...(await client.request('files.finish', { stream: stream.id, hash: asked.hash })), from: asked.from };
  } catch (error) {
    throw flow.cut ?? error; // the stream says more of what went wrong
  }
}

/** Resolves when the link is back, where it was only that; else rejects with `error`. */
async function backAfter(client: CmdopClient, error: unknown): Promise<void> {
  if (!(error instanceof CmdopError) || error.code !== 'disconnected' || client.state.is === 'closed') throw error;
  await client.whenConnected();
}

const givenUp = () => new CmdopError('stream-cut', 'given up: what was copied so far stays, and the same copy goes on there');
