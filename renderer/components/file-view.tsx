/** What is in a file: text, a picture, or bytes; never more than its beginning, and never run. */
import { Dialog } from 'radix-ui';
import { useEffect, useState } from 'react';
import { shownName } from '#session/file-names.ts';
import { copyText } from '../state/actions.ts';
import { client } from '../state/engines.ts';
import { downloadFile } from '../state/file-transfers.ts';
import { findSession, type Dialog as Question, useApp } from '../state/store.ts';
import { type Seen, seenIn } from '../text/file-text.ts';
import { bytesText } from '../text/format.ts';
import { DialogFrame, Failure } from './dialog-frame.tsx';

/** Fetched at most, bytes: what one answer of the host holds. */
const MAX_BYTES = 512 * 1024;

type Shown = { seen: Seen; base64: string; size: number; isWhole: boolean };

export function FileView({ dialog }: { dialog: Extract<Question, { is: 'file' }> }) {
  const { path, name } = dialog;
  const session = useApp((state) => findSession(state, dialog.session));
  const [shown, setShown] = useState<Shown | null>(null);
  const [error, setError] = useState<string | null>(null);
  const { host, id } = session ?? { host: null, id: null };
  useEffect(() => {
    let isOpen = true;
    const look = async () => {
      if (host === null || id === null) return;
      try {
        const { bytes: base64, size } = await client(host).request('files.view', { session: id, path, max: MAX_BYTES });
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        const isWhole = bytes.length >= size;
        if (isOpen) setShown({ seen: seenIn(bytes, isWhole), base64, size, isWhole });
      } catch (problem) {
        if (isOpen) setError(problem instanceof Error ? problem.message : String(problem));
      }
    };
    void look();
    return () => {
      isOpen = false;
    };
  }, [host, id, path]);
  return (
    <DialogFrame title={shownName(name)} testId="file-view">
      <Failure text={error} />
      {!shown && error === null && <p role="status">Asking the host…</p>}
      {shown && <Content shown={shown} name={name} />}
      {shown && !shown.isWhole && <p className="dim">The beginning of {bytesText(shown.size)}: download it to see the rest.</p>}
      <div className="dialog-buttons">
        <button type="button" className="button quiet" onClick={() => void copyText(path, 'Path copied.')}>
          Copy path
        </button>
        <Dialog.Close className="button quiet" type="button">
          Close
        </Dialog.Close>
        {session && (
          <Dialog.Close
            className="button primary"
            type="button"
            onClick={() => downloadFile(session, { path, name, size: shown?.size ?? dialog.size })}
          >
            Download
          </Dialog.Close>
        )}
      </div>
    </DialogFrame>
  );
}

function Content({ shown: { seen, base64, size }, name }: { shown: Shown; name: string }) {
  if (seen.is === 'picture') return <img className="file-picture" alt={shownName(name)} src={`data:${seen.type};base64,${base64}`} />;
  if (size === 0) return <p className="dim">The file is empty.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keys
    <pre className="file-text" tabIndex={0} data-testid="file-text" data-kind={seen.is}>
      {seen.text}
    </pre>
  );
}
