/** Files on their way: how far each is, what became of it, and what can be done about it. */
import { ArrowDownToLine, ArrowUpFromLine, Check, CircleAlert, X } from 'lucide-react';
import { shownName } from '#session/file-names.ts';
import { dismissTransfer, type FileTransfer, retryTransfer, useTransfers } from '../state/file-transfers.ts';
import { useFolders } from '../state/folder-transfers.ts';
import { useApp } from '../state/store.ts';
import { bytesText } from '../text/format.ts';
import { FolderRow } from './folder-row.tsx';
import { IconButton } from './icon-button.tsx';

/** Over the terminal, while the panel of files does not show them. */
export function TransfersOver() {
  const isInPanel = useApp((state) => state.preferences.panel === 'files');
  return isInPanel ? null : <TransferList className="transfers over" />;
}

export function TransferList({ className }: { className: string }) {
  const transfers = useTransfers((state) => state.transfers);
  const folders = useFolders((state) => state.folders);
  if (transfers.length === 0 && folders.length === 0) return null;
  return (
    <ul className={className} aria-label="Files on their way" data-testid="transfers">
      {folders.map((folder) => (
        <FolderRow key={`folder ${folder.id}`} folder={folder} />
      ))}
      {transfers.map((transfer) => (
        <TransferRow key={transfer.id} transfer={transfer} />
      ))}
    </ul>
  );
}

function TransferRow({ transfer }: { transfer: FileTransfer }) {
  const { id, direction, name, session, state, message } = transfer;
  const shown = shownName(name);
  return (
    <li className="transfer" data-testid="transfer" data-state={state}>
      <span className="transfer-line">
        <TransferIcon transfer={transfer} />
        <span className="transfer-name" title={shown}>
          {shown}
        </span>
        <span className="dim transfer-how">{progressText(transfer)}</span>
        <IconButton label={state === 'running' ? `Cancel ${shown}` : `Dismiss ${shown}`} onClick={() => dismissTransfer(id)}>
          <X size={13} />
        </IconButton>
      </span>
      {state === 'running' && (
        <progress aria-label={`${shown}, ${direction === 'up' ? 'to' : 'from'} ${session.name}`} {...shareOf(transfer)} />
      )}
      {message && (
        <p className={state === 'failed' ? 'transfer-message failed' : 'transfer-message'} role={state === 'failed' ? 'alert' : 'status'}>
          {message}
        </p>
      )}
      {(state === 'exists' || state === 'failed' || state === 'cancelled') && (
        <span className="transfer-buttons">
          <button type="button" className="button small" onClick={() => retryTransfer(id, { overwrite: state === 'exists' })}>
            {state === 'exists' ? 'Overwrite' : 'Try again'}
          </button>
        </span>
      )}
    </li>
  );
}

function TransferIcon({ transfer: { state, direction } }: { transfer: FileTransfer }) {
  if (state === 'done') return <Check size={13} className="fine" aria-label="Done" />;
  if (state !== 'running') return <CircleAlert size={13} className={state} aria-label={state} />;
  return direction === 'up' ? <ArrowUpFromLine size={13} aria-label="Upload" /> : <ArrowDownToLine size={13} aria-label="Download" />;
}

function progressText({ state, done, total }: FileTransfer): string {
  if (state === 'done') return bytesText(done);
  if (state !== 'running') return '';
  return total === null || total === 0 ? bytesText(done) : `${Math.floor((done / total) * 100)} % of ${bytesText(total)}`;
}

const shareOf = ({ done, total }: FileTransfer): { value?: number; max?: number } => (total ? { value: done, max: total } : {});
