/** A folder on its way: how far all of it is, what is asked once for all of it, and everything that was left out, by name. */
import { Check, CircleAlert, FolderUp, X } from 'lucide-react';
import { shownName } from '#session/file-names.ts';
import type { FolderView } from '../../preload/api.ts';
import { decideFolder, dismissFolder } from '../state/folder-transfers.ts';
import { bytesText, countText } from '../text/format.ts';

export function FolderRow({ folder }: { folder: FolderView }) {
  const { id, state, name, doneBytes, bytes, conflicts, message } = folder;
  const shown = shownName(name);
  const isUnderWay = state === 'running' || state === 'looking';
  return (
    <li className="transfer" data-testid="folder-transfer" data-state={state}>
      <span className="transfer-line">
        <StateIcon state={state} />
        <span className="transfer-name" title={shown}>
          {shown}
        </span>
        <span className="dim transfer-how">{progressText(folder)}</span>
        <button
          type="button"
          className="icon-button"
          aria-label={isUnderWay ? `Cancel ${shown}` : `Dismiss ${shown}`}
          onClick={() => (isUnderWay ? decideFolder({ id, is: 'cancel' }) : dismissFolder(id))}
        >
          <X size={13} />
        </button>
      </span>
      {isUnderWay && (
        <progress aria-label={`${shown}, all of it`} {...(bytes > 0 ? { value: Math.min(doneBytes, bytes), max: bytes } : {})} />
      )}
      {state === 'asks' && (
        <p className="transfer-message" role="status">
          {countText(conflicts, 'file')} of it {conflicts === 1 ? 'is' : 'are'} there already, with something else in{' '}
          {conflicts === 1 ? 'it' : 'them'}.
        </p>
      )}
      {state === 'cancelled' && (
        <p className="transfer-message" role="status">
          Cancelled. What is there stays; sent again it goes on where it was.
        </p>
      )}
      {message && (
        <p className="transfer-message failed" role="alert">
          {message}
        </p>
      )}
      <Remarks folder={folder} />
      <Choices folder={folder} />
    </li>
  );
}

/** Nothing is left out silently. */
function Remarks({ folder: { remarks, remarkCount } }: { folder: FolderView }) {
  if (remarkCount === 0) return null;
  return (
    <details className="transfer-remarks" open={remarkCount <= 5}>
      <summary>{countText(remarkCount, 'remark')}</summary>
      <ul>
        {remarks.map((remark) => (
          <li key={remark}>{remark}</li>
        ))}
        {remarkCount > remarks.length && <li className="dim">… and {remarkCount - remarks.length} more</li>}
      </ul>
    </details>
  );
}

function Choices({ folder: { id, state, conflicts } }: { folder: FolderView }) {
  if (state === 'asks') {
    return (
      <span className="transfer-buttons">
        <button type="button" className="button small" onClick={() => decideFolder({ id, is: 'leave' })}>
          Leave {conflicts === 1 ? 'it' : 'them'}
        </button>{' '}
        <button type="button" className="button small" onClick={() => decideFolder({ id, is: 'overwrite' })}>
          Overwrite {conflicts === 1 ? 'it' : `all ${conflicts}`}
        </button>
      </span>
    );
  }
  if (state !== 'failed' && state !== 'cancelled') return null;
  return (
    <span className="transfer-buttons">
      <button type="button" className="button small" onClick={() => decideFolder({ id, is: 'again' })}>
        {state === 'failed' ? 'Try again' : 'Go on'}
      </button>
    </span>
  );
}

function StateIcon({ state }: Pick<FolderView, 'state'>) {
  if (state === 'done') return <Check size={13} className="fine" aria-label="Done" />;
  if (state === 'failed') return <CircleAlert size={13} className="failed" aria-label="failed" />;
  if (state === 'asks') return <CircleAlert size={13} className="exists" aria-label="asks" />;
  return <FolderUp size={13} aria-label="Upload of a folder" />;
}

function progressText({ state, files, doneFiles, bytes, doneBytes }: FolderView): string {
  if (state === 'looking') return 'looking…';
  if (state === 'done') return `${countText(doneFiles, 'file')}, ${bytesText(doneBytes)}`;
  return `${doneFiles} of ${countText(files, 'file')}, ${bytesText(doneBytes)} of ${bytesText(bytes)}`;
}
