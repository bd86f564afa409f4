/** Joining somebody's session: the invite as it was sent, what it is to, as its host says, and only then the acceptance. */
import { Dialog } from 'radix-ui';
import { type FormEvent, useEffect, useState } from 'react';
import type { InviteView, WantedInvite } from '../../preload/api.ts';
import { platform } from '../platform/platform.ts';
import { closeDialog } from '../state/actions.ts';
import { openJoined } from '../state/joining.ts';
import { toast } from '../state/store.ts';
import { timeText } from '../text/format.ts';
import { DialogFrame, Failure } from './dialog-frame.tsx';

export function JoinDialog({ code }: { code: string }) {
  const [wanted, setWanted] = useState<WantedInvite>({ code, name: '', ssh: '' });
  const [seen, setSeen] = useState<InviteView | null>(null);
  useEffect(() => () => void platform.endJoining(), []);
  if (seen) return <Seen seen={seen} wanted={wanted} back={() => setSeen(null)} />;
  return (
    <Asked
      isFromLink={code !== ''}
      wanted={wanted}
      look={async (asked) => {
        setWanted(asked);
        setSeen(await platform.lookAtInvite(asked));
      }}
    />
  );
}

type AskedProps = { isFromLink: boolean; wanted: WantedInvite; look: (wanted: WantedInvite) => Promise<void> };

function Asked({ isFromLink, wanted, look }: AskedProps) {
  const { error, isBusy, attempt } = useAttempt();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    attempt(() => look({ ...wanted, code: text('code'), ssh: text('ssh') }));
  };
  return (
    <DialogFrame title="Join somebody’s session" testId="join-dialog">
      <form onSubmit={submit}>
        {isFromLink && <p>A link brought this invite. Nothing is reached before you look at it; do that only if you know who sent it.</p>}
        <label className="join-code">
          <span>What they sent you</span>
          <textarea
            className="field mono"
            name="code"
            rows={4}
            required
            maxLength={8_000}
            defaultValue={wanted.code}
            placeholder="cmdop join cmdop-…"
            spellCheck={false}
            autoComplete="off"
          />
        </label>
        <label className="form-row">
          <span>SSH</span>
          <input
            className="field mono"
            name="ssh"
            maxLength={255}
            defaultValue={wanted.ssh}
            placeholder="you@their-machine, if it is another one"
            spellCheck={false}
            autoComplete="off"
          />
        </label>
        <Failure text={error} />
        <div className="dialog-buttons">
          <Dialog.Close className="button quiet" type="button">
            Cancel
          </Dialog.Close>
          <button type="submit" className="button primary" disabled={isBusy}>
            {isBusy ? 'Asking its host…' : 'Look at it'}
          </button>
        </div>
      </form>
    </DialogFrame>
  );
}

function Seen({ seen, wanted, back }: { seen: InviteView; wanted: WantedInvite; back: () => void }) {
  const { machine, hostKey, socket, ownKey, facts } = seen;
  const { error, isBusy, attempt } = useAttempt();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get('name') ?? '').trim();
    attempt(async () => {
      const joined = await platform.join({ ...wanted, name });
      closeDialog();
      openJoined(joined);
      toast(facts ? `You are ${facts.name}, ${facts.role} of ${facts.session}.` : `You joined a session on ${joined.host}.`);
    });
  };
  return (
    <DialogFrame
      title={facts ? `${facts.owner} invites you to ${facts.session}` : `An invite to a session on ${machine}`}
      testId="join-dialog"
    >
      <form onSubmit={submit}>
        <dl className="facts" data-testid="invite-facts">
          {facts && (
            <>
              <dt>You are</dt>
              <dd>
                {facts.name}, {facts.role}: you look on{facts.role === 'operator' && ', and may type'}
              </dd>
              <dt>Ends</dt>
              <dd>{facts.expiresAt === null ? 'when they revoke it' : timeText(facts.expiresAt)}</dd>
            </>
          )}
          <dt>Machine</dt>
          <dd>
            {machine}
            <span className="dim">, at {wanted.ssh === '' ? socket : `${wanted.ssh}, ${socket}`}</span>
          </dd>
          <dt>Its key</dt>
          <dd className="mono">{hostKey}</dd>
          <dt>Your key</dt>
          <dd className="mono">{ownKey}</dd>
        </dl>
        <p className="dim">
          {facts
            ? 'Its host has proven its key. What you do there is in its history under this name.'
            : 'Its host has proven its key. It is of an older cmdop: whose session it is, and your role, show once you have joined.'}
        </p>
        <label className="form-row">
          <span>Call it</span>
          <input className="field" name="name" maxLength={64} placeholder={machine} spellCheck={false} autoComplete="off" />
        </label>
        <Failure text={error} />
        <div className="dialog-buttons">
          <button type="button" className="button quiet" onClick={back}>
            Back
          </button>
          <button type="submit" className="button primary" disabled={isBusy}>
            {isBusy ? 'Joining…' : 'Join'}
          </button>
        </div>
      </form>
    </DialogFrame>
  );
}

/** One at a time, with the sentence that was in its way. */
function useAttempt() {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const attempt = async (work: () => Promise<void>) => {
    setIsBusy(true);
    setError(null);
    try {
      await work();
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : String(problem));
    } finally {
      setIsBusy(false);
    }
  };
  return { error, isBusy, attempt: (work: () => Promise<void>) => void attempt(work) };
}
