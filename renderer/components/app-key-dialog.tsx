/** The app's key as a guest: its public half to send, and what keeps the other half. */
import { Dialog } from 'radix-ui';
import { useEffect, useState } from 'react';
import type { AppKey } from '../../preload/api.ts';
import { platform } from '../platform/platform.ts';
import { copyKey } from '../state/joining.ts';
import { DialogFrame, Failure } from './dialog-frame.tsx';

export function AppKeyDialog() {
  const [key, setKey] = useState<AppKey | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    platform.key().then(setKey, (problem: unknown) => setError(problem instanceof Error ? problem.message : String(problem)));
  }, []);
  return (
    <DialogFrame title="Key of this app" testId="app-key-dialog">
      <p className="dim">Others invite you by it: they give its public half to Share…, and nobody else can come in your place.</p>
      {key && (
        <>
          <p className="share-line mono" data-testid="app-public-key">
            {key.publicKey}
          </p>
          <dl className="facts">
            <dt>Fingerprint</dt>
            <dd className="mono">{key.fingerprint}</dd>
            <dt>Kept by</dt>
            <dd>
              {key.sealedBy === null ? (
                <>
                  <code>{key.file}</code>, which only your account can read: this desktop offers the app no keychain
                </>
              ) : (
                `the keychain of this desktop (${key.sealedBy})`
              )}
            </dd>
          </dl>
          <p className="dim">
            The command line has a key of its own: <code>cmdop key</code>.
          </p>
        </>
      )}
      <Failure text={error} />
      <div className="dialog-buttons">
        <Dialog.Close className="button quiet" type="button">
          Close
        </Dialog.Close>
        {key && (
          <button type="button" className="button primary" onClick={() => void copyKey(key.publicKey)}>
            Copy
          </button>
        )}
      </div>
    </DialogFrame>
  );
}
