/** Folders that were dropped on the window, sent to a session's machine by the app: a page could not say what it leaves out. */
import { stat } from 'node:fs/promises';
import { basename, isAbsolute } from 'node:path';
import { FolderUpload } from '#local/copying/folder-upload.ts';
import type { FolderDecision, FolderView, WantedFolder } from '../../preload/api.ts';
import { type HostUser, hostClient, leaveHost } from './host-clients.ts';
import { tellPage, whenPageLeaves } from './page-events.ts';

/** The page hears of progress at most so often, milliseconds. */
const TELL_EVERY_MS = 100;
/** Of all hosts. */
const MAX_FOLDERS = 64;

type Kept = { host: string; session: string; name: string; upload: FolderUpload; toldAt: number; timer: NodeJS.Timeout | null };

const folders = new Map<number, Kept>();
/** Hosts that are being reached for a folder. */
const reaching = new Map<string, number>();
const user: HostUser = { uses: (host) => reaching.has(host) || [...folders.values()].some((each) => each.host === host) };
let lastId = 0;
let isFollowing = false;

/** Begins; how it goes comes as events. Rejects with a sentence that says what to do. */
export async function sendFolder({ path, host, session, folder }: WantedFolder): Promise<number> {
  if (!isAbsolute(path) || !(await stat(path).catch(() => null))?.isDirectory()) throw new Error(`${path} is no folder of this machine`);
  if (folders.size >= MAX_FOLDERS) throw new Error(`${MAX_FOLDERS} folders are on their way already: dismiss one first`);
  const id = ++lastId;
  reaching.set(host, (reaching.get(host) ?? 0) + 1);
  try {
    const client = await hostClient(host, user);
    const to = folder === '' ? basename(path) : `${folder.replace(/\/$/, '')}/${basename(path)}`;
    const upload = new FolderUpload({ client, session, from: path, to, changed: () => changed(id) });
    folders.set(id, { host, session, name: basename(path), upload, toldAt: 0, timer: null });
    upload.start();
  } finally {
    const left = (reaching.get(host) ?? 1) - 1;
    if (left > 0) reaching.set(host, left);
    else reaching.delete(host);
    leaveHost(host);
  }
  if (!isFollowing) whenPageLeaves(forgetAll);
  isFollowing = true;
  return id;
}

export function decideFolder({ id, is }: FolderDecision): void {
  const kept = folders.get(id);
  if (!kept) return;
  if (is === 'cancel') kept.upload.cancel();
  else if (is === 'again') kept.upload.start();
  else if (is === 'forget') forget(id);
  else kept.upload.decide(is === 'overwrite');
}

function forget(id: number): void {
  const kept = folders.get(id);
  if (!kept) return;
  folders.delete(id);
  if (kept.timer) clearTimeout(kept.timer);
  kept.upload.cancel();
  leaveHost(kept.host);
}

/** The page is loaded anew, and knows of none. */
function forgetAll(): void {
  for (const id of [...folders.keys()]) forget(id);
}

/** What is decided is told at once, progress now and then. */
function changed(id: number): void {
  const kept = folders.get(id);
  if (!kept || kept.timer) return;
  const wait = kept.upload.progress.state === 'running' ? Math.max(0, kept.toldAt + TELL_EVERY_MS - performance.now()) : 0;
  kept.timer = setTimeout(() => {
    kept.timer = null;
    kept.toldAt = performance.now();
    tellPage({ is: 'folder', folder: viewOf(id, kept) });
  }, wait);
}

const viewOf = (id: number, { host, session, name, upload }: Kept): FolderView => ({ id, host, session, name, ...upload.progress });
