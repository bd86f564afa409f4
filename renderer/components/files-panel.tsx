/** Files on the machine of the session in front: look around, view, download, upload. */
import { Eye, EyeOff, FolderUp, House, RefreshCw, Upload } from 'lucide-react';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { FileEntry } from '#protocol/files.ts';
import { shownName } from '#session/file-names.ts';
import { type Dropped, droppedIn, uploadInto } from '../state/dropped-files.ts';
import { allowObservers, CHOOSER_ID } from '../state/file-actions.ts';
import { type FileList, type FileSort, useFileList } from '../state/file-list.ts';
import { type HostedSession, useActiveSession } from '../state/store.ts';
import { crumbsOf, inFolder } from '../text/file-text.ts';
import { FileRow } from './file-row.tsx';
import { TransferList } from './file-transfers.tsx';
import { IconButton } from './icon-button.tsx';
import { PanelHead } from './panel-head.tsx';
import { useDrop } from './use-drop.ts';
import { useMayAct } from './use-may-act.ts';
import { useActiveTerminal, useTerminalView } from './use-terminal.ts';

export function FilesPanel() {
  const session = useActiveSession();
  if (session) return <SessionFiles key={session.key} session={session} />;
  return (
    <aside className="panel" aria-label="Files" data-region="panel">
      <PanelHead title="Files" panel="files" />
      <p className="nothing">Open a session to see the files on its machine.</p>
    </aside>
  );
}

function SessionFiles({ session }: { session: HostedSession }) {
  /** Null: the session's own folder, also when that changes. */
  const [path, setPath] = useState<string | null>(null);
  const [sort, setSort] = useState<FileSort>('name');
  const [showsHidden, setShowsHidden] = useState(false);
  const chooser = useRef<HTMLInputElement>(null);
  const list = useFileList(session, { path, sort });
  const folder = list.path ?? path ?? session.cwd;
  const uploadAll = (dropped: Dropped) => void uploadInto(session, { ...dropped, into: folder });
  const canWrite = useMayAct(session);
  const drop = useDrop((transfer) => canWrite && uploadAll(droppedIn(transfer)));
  const up = folder.slice(0, folder.lastIndexOf('/')) || '/';
  return (
    <aside
      className="panel files"
      aria-label="Files"
      data-region="panel"
      {...drop}
      onKeyDown={(event) => (event.key === 'Backspace' && !isField(event.target) ? setPath(up) : moveBetweenRows(event))}
    >
      <PanelHead title="Files" panel="files">
        {canWrite && (
          <IconButton label="Upload files" onClick={() => chooser.current?.click()}>
            <Upload size={14} />
          </IconButton>
        )}
        <IconButton label="Look again" onClick={list.refresh}>
          <RefreshCw size={14} />
        </IconButton>
        <IconButton
          label={showsHidden ? 'Leave out hidden files' : 'Show hidden files'}
          aria-pressed={showsHidden}
          onClick={() => setShowsHidden(!showsHidden)}
        >
          {showsHidden ? <Eye size={14} /> : <EyeOff size={14} />}
        </IconButton>
        <input
          ref={chooser}
          id={CHOOSER_ID}
          type="file"
          multiple
          hidden
          data-testid="upload-files"
          onChange={(event) => {
            uploadAll({ files: [...(event.target.files ?? [])], folders: [] });
            event.target.value = ''; // the same file can be chosen again
          }}
        />
      </PanelHead>
      <div className="file-place">
        <IconButton label="To the session's folder" aria-pressed={path === null} onClick={() => setPath(null)}>
          <House size={14} />
        </IconButton>
        <IconButton label="To the folder above" disabled={folder === '/'} onClick={() => setPath(up)}>
          <FolderUp size={14} />
        </IconButton>
        <Crumbs path={folder} onOpen={setPath} />
        <select className="field" aria-label="Sort by" value={sort} onChange={(event) => setSort(sortNamed(event.target.value))}>
          <option value="name">Name</option>
          <option value="modified">Newest</option>
          <option value="size">Largest</option>
        </select>
      </div>
      <Entries list={list} showsHidden={showsHidden} session={session} folder={folder} onOpen={setPath} />
      <TransferList className="transfers" />
      <ForObservers session={session} />
    </aside>
  );
}

function Crumbs({ path, onOpen }: { path: string; onOpen: (path: string) => void }) {
  const end = useRef<HTMLFieldSetElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the last names are what is looked for, whenever the path changes
  useEffect(() => {
    end.current?.scrollTo({ left: end.current.scrollWidth });
  }, [path]);
  return (
    <fieldset className="crumbs" aria-label="Folder" ref={end}>
      {crumbsOf(path).map((crumb, at, all) => (
        <button
          key={crumb.path}
          type="button"
          aria-current={at === all.length - 1 ? 'location' : undefined}
          onClick={() => onOpen(crumb.path)}
        >
          {crumb.name}
        </button>
      ))}
    </fieldset>
  );
}

type EntriesProps = { list: FileList; showsHidden: boolean; session: HostedSession; folder: string; onOpen: (path: string) => void };

function Entries({ list, showsHidden, session, folder, onOpen }: EntriesProps) {
  const { entries, total, isLoading, error, loadMore } = list;
  const shown = showsHidden ? entries : entries.filter(({ name }) => !name.startsWith('.'));
  const open = (entry: FileEntry) => onOpen(inFolder(folder, entry.name));
  return (
    <div className="file-list" data-testid="file-list" data-folder={list.path ?? undefined}>
      {error !== null && (
        <p className="nothing" role="alert">
          {error}
        </p>
      )}
      {error === null && shown.length === 0 && <p className="nothing">{emptyText(list)}</p>}
      {error === null && (
        <ul>
          {shown.map((entry) => (
            <FileRow
              key={entry.name}
              entry={entry}
              session={session}
              path={inFolder(folder, entry.name)}
              onOpenFolder={() => open(entry)}
            />
          ))}
        </ul>
      )}
      {error === null && entries.length < total && (
        <button type="button" className="button quiet" disabled={isLoading} onClick={loadMore}>
          Show more of {total}
        </button>
      )}
    </div>
  );
}

/** Owners say here whether observers may read. */
function ForObservers({ session }: { session: HostedSession }) {
  const view = useTerminalView(useActiveTerminal());
  const folder = session.observerFiles ?? null;
  if (view?.role !== 'owner') return null;
  return (
    <p className="panel-foot file-observers">
      <label>
        <input type="checkbox" checked={folder !== null} onChange={(event) => allowObservers(session, event.target.checked)} />
        Observers may read {folder === null ? 'the session’s folder' : <code title={shownName(folder)}>{shownName(folder)}</code>}
      </label>
    </p>
  );
}

function emptyText({ isLoading, total }: FileList): string {
  if (isLoading) return 'Asking the host…';
  return total > 0 ? 'Only hidden files are here.' : 'This folder is empty. Drop files here to upload them.';
}

const sortNamed = (value: string): FileSort => (value === 'size' || value === 'modified' ? value : 'name');
const isField = (target: EventTarget): boolean => target instanceof HTMLElement && target.matches('input, select');

function moveBetweenRows(event: KeyboardEvent<HTMLElement>): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || !(event.target instanceof HTMLElement) || isField(event.target)) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('.file-open')];
  const at = rows.indexOf(event.target);
  rows[at === -1 ? 0 : at + by]?.focus();
  event.preventDefault();
}
