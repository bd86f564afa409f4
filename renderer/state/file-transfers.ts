/** Files on their way between this window and a session's machine: what runs, how far it is, and what became of it. */
import { create } from 'zustand';
import { Sha256 } from '#client/files/sha256.ts';
import { download, upload } from '#client/files/transfer.ts';
import { CmdopError } from '#protocol/errors.ts';
import { client } from './engines.ts';
import { fileSource, PageSink, saveAs } from './page-bytes.ts';
import type { HostedSession } from './store.ts';

export type FileTransfer = {
  readonly id: number;
  readonly direction: 'up' | 'down';
  readonly session: Pick<HostedSession, 'host' | 'id' | 'key' | 'name'>;
  readonly name: string;
  readonly done: number;
  readonly total: number | null;
  /** `exists`: it would overwrite a file, and the person has to say so. */
  readonly state: 'running' | 'done' | 'failed' | 'exists' | 'cancelled';
  readonly message: string | null;
};

type Kept = FileTransfer & { readonly cancel: () => void; readonly again: (options: { overwrite: boolean }) => void };

/** Of those that are over, shown at most; the oldest goes first. */
const MAX_OVER = 20;
/** What is done need not be dismissed: it goes after this long, milliseconds. */
const DONE_MS = 15_000;
/** A page is told of progress at most so often, milliseconds. */
const TELL_EVERY_MS = 100;

export const useTransfers = create<{ transfers: readonly Kept[] }>(() => ({ transfers: [] }));
let nextId = 1;

/** Resolves with the path of the file on the session's machine, or null where it did not get there. */
export function uploadFile(session: HostedSession, { file, path }: { file: File; path: string }): Promise<string | null> {
  return new Promise((resolve) => {
    const key = keyOf(file);
    begin(session, {
      direction: 'up',
      name: file.name,
      total: file.size,
      work: async ({ progress, signal, overwrite }) => {
        const { host, id } = session;
        const common = { client: client(host), session: id, path, newHash: () => new Sha256(), progress, signal };
        const sent = await upload({ ...common, source: fileSource(file), key, overwrite });
        resolve(sent.path);
      },
      failed: () => resolve(null),
    });
  });
}

export function downloadFile(session: HostedSession, { path, name, size }: { path: string; name: string; size: number }): void {
  begin(session, {
    direction: 'down',
    name,
    total: size,
    work: async ({ progress, signal }) => {
      const sink = new PageSink();
      await download({ client: client(session.host), session: session.id, path, sink, newHash: () => new Sha256(), progress, signal });
      saveAs(name, sink.whole());
    },
    failed: () => {},
  });
}

/** Takes it off the list; one that runs is given up. */
export function dismissTransfer(id: number): void {
  const transfer = find(id);
  transfer?.cancel();
  if (transfer?.state !== 'running') useTransfers.setState(({ transfers }) => ({ transfers: transfers.filter((each) => each.id !== id) }));
}

export const retryTransfer = (id: number, options: { overwrite: boolean }): void => find(id)?.again(options);

type Work = {
  direction: FileTransfer['direction'];
  name: string;
  total: number | null;
  work: (run: { progress: (done: number, total: number | null) => void; signal: AbortSignal; overwrite: boolean }) => Promise<void>;
  failed: () => void;
};

function begin({ host, id: sessionId, key, name: sessionName }: HostedSession, { work, failed, ...facts }: Work): void {
  const id = nextId++;
  let abort = new AbortController();
  const run = async (overwrite: boolean) => {
    abort = new AbortController();
    const { signal } = abort;
    change(id, { state: 'running', message: null });
    let toldAt = Number.NEGATIVE_INFINITY;
    const progress = (done: number, total: number | null) => {
      const now = performance.now();
      if (done !== total && now - toldAt < TELL_EVERY_MS) return;
      toldAt = now;
      change(id, { done, total });
    };
    try {
      await work({ progress, signal, overwrite });
      change(id, { state: 'done' });
      setTimeout(() => find(id)?.state === 'done' && dismissTransfer(id), DONE_MS);
    } catch (error) {
      if (signal.aborted) change(id, { state: 'cancelled', message: 'Cancelled. The same file sent again goes on where it was.' });
      else {
        const isThere = error instanceof CmdopError && error.code === 'file-exists';
        change(id, { state: isThere ? 'exists' : 'failed', message: error instanceof Error ? error.message : String(error) });
        if (isThere) return; // the person decides
      }
      failed();
    }
  };
  const transfer: Kept = {
    ...{ id, ...facts, session: { host, id: sessionId, key, name: sessionName }, done: 0, state: 'running', message: null },
    cancel: () => abort.abort(),
    again: ({ overwrite }) => void run(overwrite),
  };
  useTransfers.setState(({ transfers }) => {
    const over = transfers.filter(({ state }) => state === 'done' || state === 'cancelled');
    const dropped = new Set(over.slice(0, Math.max(0, over.length - MAX_OVER)).map((each) => each.id));
    return { transfers: [...transfers.filter((each) => !dropped.has(each.id)), transfer] };
  });
  void run(false);
}

const find = (id: number): Kept | undefined => useTransfers.getState().transfers.find((each) => each.id === id);

function change(id: number, changed: Partial<FileTransfer>): void {
  useTransfers.setState(({ transfers }) => ({ transfers: transfers.map((each) => (each.id === id ? { ...each, ...changed } : each)) }));
}

/** The same for the same file sent again, as far as a page can know. */
function keyOf({ name, size, lastModified }: File): string {
  const hash = new Sha256();
  hash.update(new TextEncoder().encode([name, size, lastModified].join('\0')));
  return hash.digest().slice(0, 32);
}
