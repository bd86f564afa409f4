/** One file or folder in the panel: what it is called, how large, how old; opened by a click or Enter. */
import { Download, File as FileIcon, Folder, FolderSymlink, Link, Plug } from 'lucide-react';
import type { FileEntry } from '#protocol/files.ts';
import { shownName } from '#session/file-names.ts';
import { downloadFile } from '../state/file-transfers.ts';
import { app, type HostedSession } from '../state/store.ts';
import { bytesText, timeText } from '../text/format.ts';
import { IconButton } from './icon-button.tsx';

type Props = { entry: FileEntry; session: HostedSession; path: string; onOpenFolder: () => void };

export function FileRow({ entry, session, path, onOpenFolder }: Props) {
  const { name, link, modifiedAt } = entry;
  const kind = link ? link.kind : entry.kind;
  const size = link ? link.size : entry.size;
  const shown = shownName(name);
  const isFile = kind === 'file';
  const open = kind === 'folder' ? onOpenFolder : () => app.set({ dialog: { is: 'file', session: session.key, path, name, size } });
  return (
    <li className="file-row" data-testid="file-row" data-kind={entry.kind}>
      <button type="button" className="file-open" disabled={!isFile && kind !== 'folder'} title={titleOf(entry)} onClick={open}>
        <KindIcon entry={entry} />
        <span className="file-name">
          <bdi>{shown}</bdi>
        </span>
        <span className="file-fact">{isFile ? bytesText(size) : ''}</span>
        <span className="file-fact file-time">{timeText(modifiedAt)}</span>
      </button>
      {isFile ? (
        <IconButton label={`Download ${shown}`} hint="Download" onClick={() => downloadFile(session, { path, name, size })}>
          <Download size={13} />
        </IconButton>
      ) : (
        <span className="file-no-action" />
      )}
    </li>
  );
}

function KindIcon({ entry: { kind, link } }: { entry: FileEntry }) {
  if (kind === 'folder') return <Folder className="file-icon" size={14} aria-label="folder" />;
  if (link)
    return link.kind === 'folder' ? (
      <FolderSymlink className="file-icon" size={14} aria-label="link to a folder" />
    ) : (
      <Link className="file-icon" size={14} aria-label="link" />
    );
  if (kind === 'file') return <FileIcon className="file-icon" size={14} aria-label="file" />;
  return <Plug className="file-icon" size={14} aria-label={kind} />;
}

function titleOf({ name, kind, link, size }: FileEntry): string {
  if (link) return `${shownName(name)} → ${shownName(link.target)}${link.kind === null ? ', where nothing is' : ''}`;
  return kind === 'file' ? `${shownName(name)}, ${size.toLocaleString()} bytes` : `${shownName(name)}, a ${kind}`;
}
