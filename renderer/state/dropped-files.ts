/** Files that are dropped onto a terminal or a folder: of this machine's sessions the path is typed, others get the file first. */
import { LOCAL_HOST } from '#protocol/address.ts';
import { platform } from '../platform/platform.ts';
import { inFolder, shellWord } from '../text/file-text.ts';
import { focusTerminal } from './actions.ts';
import { uploadFile } from './file-transfers.ts';
import { type HostedSession, toast } from './store.ts';
import { terminals } from './terminals.ts';

export const hasFiles = (transfer: DataTransfer): boolean => transfer.types.includes('Files');

/** Must be asked while the drop is handled: later a page does not get them any more. */
export function filesIn(transfer: DataTransfer): File[] {
  const folders = [...transfer.items].filter((item) => item.webkitGetAsEntry()?.isDirectory);
  if (folders.length > 0 && folders.length === transfer.items.length)
    toast('Folders cannot be dropped here: `cmdop cp -r` copies them.', 'error');
  const names = new Set(folders.map((item) => item.getAsFile()?.name));
  return [...transfer.files].filter(({ name }) => !names.has(name));
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
  const files = filesIn(transfer);
  const sent = await Promise.all(files.map((file) => uploadFile(session, { file, path: file.name })));
  const there = sent.filter((path) => path !== null);
  if (there.length > 0) typePaths(session, there);
}

export function uploadInto(
  session: HostedSession,
  { files, folder }: { files: readonly File[]; folder: string },
): Promise<(string | null)[]> {
  return Promise.all(files.map((file) => uploadFile(session, { file, path: inFolder(folder, file.name) })));
}

function typePaths(session: HostedSession, paths: readonly string[]): void {
  const words = paths.map(shellWord);
  const typed = words.filter((word) => word !== null);
  if (typed.length < words.length) toast('A name with control characters is not typed: rename the file first.', 'error');
  if (typed.length === 0) return;
  terminals.get(session.key)?.terminal.paste(`${typed.join(' ')} `);
  focusTerminal();
}
