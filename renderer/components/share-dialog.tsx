/** Invites somebody to a session: who, as what, how long, by which way; then the line to send them. */
import { Dialog } from 'radix-ui';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { copyText } from '../state/actions.ts';
import { share } from '../state/guests.ts';
import type { SessionKey } from '../state/session-key.ts';
import { findSession, type HostedSession, useApp } from '../state/store.ts';
import { DialogFrame, Failure } from './dialog-frame.tsx';

const HOUR_MS = 3_600_000;
const WAYS = {
  code: 'A line for their cmdop, that works once',
  link: 'A link for their browser, that works once',
  key: 'Their public key, for cmdop',
  ssh: 'Their public key, for plain ssh',
} as const;
type Way = keyof typeof WAYS;
const WORKS: Readonly<Record<Way, string>> = {
  code: 'It works once, within a day.',
  link: 'It works once, within a day.',
  key: 'It works with their key alone.',
  ssh: 'It works with their key alone; what their ssh shows of this host is in Actors.',
};

type Sent = { line: string | null; note: string | null; name: string };

export function ShareDialog({ session: key }: { session: SessionKey }) {
  const session = useApp((state) => findSession(state, key));
  const [way, setWay] = useState<Way>('code');
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [sent, setSent] = useState<Sent | null>(null);
  if (!session) return null;
  if (sent) return <Line sent={sent} session={session.name} way={way} />;
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    const hours = Number(text('hours'));
    setIsBusy(true);
    setError(null);
    try {
      const { line, note } = await share(session, way, {
        name: text('name'),
        role: text('role') === 'operator' ? 'operator' : 'observer',
        ...(hours > 0 ? { expiresInMs: hours * HOUR_MS } : {}),
        ...(way === 'key' || way === 'ssh' ? { key: text('key') } : {}),
        ...((way === 'link' || way === 'ssh') && text('listen') !== '' ? { listen: placeIn(text('listen')) } : {}),
      });
      setSent({ line, note, name: text('name') });
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : String(problem));
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <DialogFrame title={`Share ${session.name}`} testId="share-dialog">
      <form onSubmit={(event) => void submit(event)}>
        <p className="dim">They get this one session, and nothing else of this host.</p>
        <label className="form-row">
          <span>Name</span>
          <input
            className="field"
            name="name"
            required
            maxLength={64}
            placeholder="what they are called here"
            spellCheck={false}
            autoComplete="off"
          />
        </label>
        <label className="form-row">
          <span>Role</span>
          <select className="field" name="role" defaultValue="observer">
            <option value="observer">Observer: looks on</option>
            <option value="operator">Operator: may type</option>
          </select>
        </label>
        <label className="form-row">
          <span>Ends</span>
          <select className="field" name="hours" defaultValue="2">
            <option value="1">after an hour</option>
            <option value="2">after two hours</option>
            <option value="24">after a day</option>
            <option value="0">when I revoke it</option>
          </select>
        </label>
        <label className="form-row">
          <span>Way</span>
          <select className="field" name="way" value={way} onChange={(event) => setWay(event.target.value as Way)}>
            {Object.entries(WAYS).map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        {(way === 'key' || way === 'ssh') && (
          <label className="form-row">
            <span>Public key</span>
            <input
              className="field mono"
              name="key"
              required
              placeholder={
                way === 'key' ? 'ssh-ed25519 AAAA…, as `cmdop key` or their app shows it' : 'ssh-ed25519 AAAA…, what is in their .pub file'
              }
              spellCheck={false}
            />
          </label>
        )}
        {(way === 'link' || way === 'ssh') && (
          <label className="form-row">
            <span>Served at</span>
            <input className="field mono" name="listen" placeholder={listenHint(way, session)} spellCheck={false} />
          </label>
        )}
        <Failure text={error} />
        <div className="dialog-buttons">
          <Dialog.Close className="button quiet" type="button">
            Cancel
          </Dialog.Close>
          <button type="submit" className="button primary" disabled={isBusy}>
            Invite
          </button>
        </div>
      </form>
    </DialogFrame>
  );
}

function Line({ sent: { line, note, name }, session, way }: { sent: Sent; session: string; way: Way }) {
  const copy = useRef<HTMLButtonElement>(null);
  useEffect(() => copy.current?.focus(), []);
  return (
    <DialogFrame title={`${name} is invited to ${session}`} testId="share-dialog">
      {line === null ? (
        <p>Their key opens it: they attach as they did before, or with a line of their own.</p>
      ) : (
        <>
          <p>
            Send {name} this {way === 'link' ? 'link' : 'line'}. {WORKS[way]}
          </p>
          <p className="share-line mono" data-testid="share-line">
            {line}
          </p>
        </>
      )}
      {note && (
        <p className="form-error" role="alert">
          {note}
        </p>
      )}
      <div className="dialog-buttons">
        <Dialog.Close className="button quiet" type="button">
          Done
        </Dialog.Close>
        {line !== null && (
          <button type="button" className="button primary" ref={copy} onClick={() => void copyText(line, 'Copied.')}>
            Copy
          </button>
        )}
      </div>
    </DialogFrame>
  );
}

/** Where it is served if nothing is written there. */
function listenHint(way: string, { shared }: HostedSession): string {
  const now = way === 'ssh' ? shared?.ssh : null;
  return now ? `${now.address} port ${now.port}, as now` : '127.0.0.1: this machine alone';
}

/** `ADDRESS`, `ADDRESS:PORT` or `[IPv6]:PORT`. Throws a sentence. */
function placeIn(text: string): { address: string; port: number } {
  const [, v6, address, port = '0'] = /^(?:\[([^\]]+)\]|([^:\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const named = v6 ?? address;
  if (named === undefined || Number(port) > 65_535) throw new Error(`${text} is no address: write ADDRESS or ADDRESS:PORT`);
  return { address: named, port: Number(port) };
}
