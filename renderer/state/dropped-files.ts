/** Files that are dropped onto a terminal or a folder: of this machine's sessions the path is typed, others get the file first. */
import { LOCAL_HOST } from '#protocol/address.ts';
import { platform } from '../platform/platform.ts';
import { inFolder, shellWord } from '../text/file-text.ts';
import { focusTerminal } from './actions.ts';
import { uploadFile } from './file-transfers.ts';
import { sendFolder } from './folder-transfers.ts';
import { type HostedSession, toast } from './store.ts';
import { terminals } from './terminals.ts';

export const hasFiles = (transfer: DataTransfer): boolean => transfer.types.includes('Files');

export type Dropped = { readonly files: readonly File[]; readonly folders: readonly File[] };

/** Must be asked while the drop is handled: later a page does not get them any more. */
export function droppedIn(transfer: DataTransfer): Dropped {
  const entries = [...transfer.items].filter(({ kind }) => kind === 'file');
  const folders = entries.filter((item) => item.webkitGetAsEntry()?.isDirectory).flatMap((item) => item.getAsFile() ?? []);
  const names = new Set(folders.map(({ name }) => name));
  return { files: [...transfer.files].filter(({ name }) => !names.has(name)), folders };
}

/** Paths on this machine of what is dropped; null where the session is on another one, or the page cannot know them. */
function localPaths(session: HostedSession, transfer: DataTransfer): string[] | null {
  if (session.host !== LOCAL_HOST) return null;
  const paths = [...transfer.files].map((file) => platform.pathOf(file));
  return paths.every((path) => path !== null && path !== '') ? paths.filter((path) => path !== null) : null;
}

/** The paths are typed at the end, once the files are there; nothing is run. */
export async function dropOnTerminal(session: HostedSession, transfer: DataTransfer): Promise<void> {
  const local = localPaths(session, transfer);
  if (local) return typePaths(session, local);
  const { files, folders } = droppedIn(transfer);
  const sent = await Promise.all([
    ...files.map((file) => uploadFile(session, { file, path: file.name })),
    ...folders.map((folder) => sendFolder(session, folder)),
  ]);
  const there = sent.filter((path) => path !== null);
  if (there.length > 0) typePaths(session, there);
}

export function uploadInto(session: HostedSession, { files, folders, into }: Dropped & { into: string }): Promise<(string | null)[]> {
  return Promise.all([
    ...files.map((file) => uploadFile(session, { file, path: inFolder(into, file.name) })),
    ...folders.map((folder) => sendFolder(session, folder, into)),
  ]);
}

function typePaths(session: HostedSession, paths: readonly string[]): void {
  const words = paths.map(shellWord);
  const typed = words.filter((word) => word !== null);
  if (typed.length < words.length) toast('A name with control characters is not typed: rename the file first.', 'error');
  if (typed.length === 0) return;
  terminals.get(session.key)?.terminal.paste(`${typed.join(' ')} `);
  focusTerminal();
}
