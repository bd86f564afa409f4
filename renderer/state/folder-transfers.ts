/** Folders on their way from this machine to a session's: the app sends them, and tells how far each is. */
import { create } from 'zustand';
import type { FolderDecision, FolderView } from '../../preload/api.ts';
import { platform } from '../platform/platform.ts';
import { type HostedSession, toast } from './store.ts';

/** What is done, with nothing to say about it, need not be dismissed: it goes after this long, milliseconds. */
const DONE_MS = 15_000;

export const useFolders = create<{ folders: readonly FolderView[] }>(() => ({ folders: [] }));
/** Who waits for a folder to be there, by its number. */
const waiting = new Map<number, (path: string | null) => void>();
const forgotten = new Set<number>();

/** Resolves with the folder's path on the session's machine, or null where it did not get there. */
export async function sendFolder({ host, id: session }: HostedSession, dropped: File, folder = ''): Promise<string | null> {
  if (!platform.sendFolder) {
    toast('A browser does not say what of a folder it leaves out: drop it on the app, or use `cmdop cp -r`.', 'error');
    return null;
  }
  try {
    const id = await platform.sendFolder(dropped, { host, session, folder });
    return await new Promise((resolve) => {
      waiting.set(id, resolve);
      const known = find(id);
      if (known) settle(known); // told before we had its number
    });
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), 'error');
    return null;
  }
}

export function folderChanged(folder: FolderView): void {
  if (forgotten.has(folder.id)) return;
  useFolders.setState(({ folders }) => {
    const isKnown = folders.some(({ id }) => id === folder.id);
    return { folders: isKnown ? folders.map((each) => (each.id === folder.id ? folder : each)) : [...folders, folder] };
  });
  settle(folder);
}

export const decideFolder = (decision: FolderDecision): void => void platform.decideFolder(decision);

/** Takes it off the list; what is there stays. */
export function dismissFolder(id: number): void {
  forgotten.add(id);
  useFolders.setState(({ folders }) => ({ folders: folders.filter((each) => each.id !== id) }));
  decideFolder({ id, is: 'forget' });
  waiting.get(id)?.(null);
  waiting.delete(id);
}

function settle({ id, state, path, remarkCount }: FolderView): void {
  if (state !== 'done') return;
  waiting.get(id)?.(path);
  waiting.delete(id);
  if (remarkCount === 0) setTimeout(() => find(id)?.state === 'done' && dismissFolder(id), DONE_MS);
}

const find = (id: number): FolderView | undefined => useFolders.getState().folders.find((each) => each.id === id);
