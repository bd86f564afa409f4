/** Questions that must be answered first: a new session's details, killing a session, pasting several lines. */
import { useState } from 'react';
import { ask, createSession } from '../state/actions.ts';
import { hostOfKey } from '../state/session-key.ts';
import { kick } from '../state/sharing.ts';
import { findHost, findSession, type Dialog as Question, useApp } from '../state/store.ts';
import { splitCommandLine } from '../text/command-line.ts';
import { hostTitle } from '../text/host-state.ts';
import { runningCommand } from '../text/session-state.ts';
import { AppKeyDialog } from './app-key-dialog.tsx';
import { CheckpointsDialog, DifferenceDialog, RestoreDialog } from './checkpoint-dialogs.tsx';
import { AskControl, FixedSize } from './control-dialogs.tsx';
import { ConfirmDialog, FormDialog } from './dialog-frame.tsx';
import { FileView } from './file-view.tsx';
import { AddHost, Install, OpenLink } from './host-dialogs.tsx';
import { JoinDialog } from './join-dialog.tsx';
import { PolicyEditor } from './policy-editor.tsx';
import { ShareDialog } from './share-dialog.tsx';
import { SignalDialog } from './signal-dialog.tsx';
import { Storage } from './storage.tsx';
import { WhoRan } from './who-ran.tsx';

export function Dialogs() {
  const dialog = useApp((state) => state.dialog);
  if (dialog?.is === 'new-session') return <NewSession host={dialog.host} />;
  if (dialog?.is === 'add-host') return <AddHost />;
  if (dialog?.is === 'join') return <JoinDialog key={dialog.code} code={dialog.code} />;
  if (dialog?.is === 'app-key') return <AppKeyDialog />;
  if (dialog?.is === 'install') return <Install dialog={dialog} />;
  if (dialog?.is === 'open-link') return <OpenLink dialog={dialog} />;
  if (dialog?.is === 'policy') return <PolicyEditor host={dialog.host} rule={dialog.rule} />;
  if (dialog?.is === 'storage') return <Storage host={dialog.host} />;
  if (dialog?.is === 'who-ran') return <WhoRan dialog={dialog} />;
  if (dialog?.is === 'ask-control') return <AskControl session={dialog.session} />;
  if (dialog?.is === 'fixed-size') return <FixedSize session={dialog.session} />;
  if (dialog?.is === 'file') return <FileView key={dialog.path} dialog={dialog} />;
  if (dialog?.is === 'kick') return <Kick dialog={dialog} />;
  if (dialog?.is === 'checkpoints') return <CheckpointsDialog session={dialog.session} />;
  if (dialog?.is === 'difference') return <DifferenceDialog dialog={dialog} />;
  if (dialog?.is === 'restore') return <RestoreDialog dialog={dialog} />;
  if (dialog?.is === 'share') return <ShareDialog session={dialog.session} />;
  if (dialog?.is === 'kill') return <Kill dialog={dialog} />;
  if (dialog?.is === 'signal') return <SignalDialog dialog={dialog} />;
  if (dialog?.is === 'paste') return <Paste dialog={dialog} />;
  return null;
}

function NewSession({ host: first }: { host: string }) {
  const hosts = useApp((state) => state.hosts);
  const ours = hosts.filter(({ guest }) => guest === null);
  const submit = (value: (name: string) => string) => {
    const command = splitCommandLine(value('command'));
    return createSession(value('host') || first, {
      ...(value('name') ? { name: value('name') } : {}),
      ...(value('cwd') ? { cwd: value('cwd') } : {}),
      ...(command.length > 0 ? { command } : {}),
    });
  };
  return (
    <FormDialog title="New session" action="Start session" submit={submit}>
      {ours.length > 1 && (
        <label className="form-row">
          <span>Host</span>
          <select className="field" name="host" defaultValue={first}>
            {ours.map(({ name, link }) => (
              <option key={name} value={name} disabled={link.is !== 'connected'}>
                {hostTitle(name)}
              </option>
            ))}
          </select>
        </label>
      )}
      <Field name="name" label="Name" placeholder="chosen for you" />
      <Field name="cwd" label="Folder" placeholder="your home folder" />
      <Field name="command" label="Command" placeholder="your shell" isMono />
    </FormDialog>
  );
}

function Field({ name, label, placeholder, isMono = false }: { name: string; label: string; placeholder: string; isMono?: boolean }) {
  return (
    <label className="form-row">
      <span>{label}</span>
      <input className={isMono ? 'field mono' : 'field'} name={name} placeholder={placeholder} spellCheck={false} autoComplete="off" />
    </label>
  );
}

function Kill({ dialog }: { dialog: Extract<Question, { is: 'kill' }> }) {
  const session = useApp((state) => findSession(state, dialog.session));
  const client = useApp((state) => findHost(state, hostOfKey(dialog.session))?.client);
  const [isForced, setIsForced] = useState(false);
  const others = [...new Set(session?.attached.filter((each) => each.client !== client).map(({ actor }) => actor.name))];
  if (!session) return null;
  const running = runningCommand(session);
  return (
    <ConfirmDialog
      title={`Kill ${session.name}?`}
      action="Kill session"
      isHarmful
      onConfirm={() =>
        void ask({ host: session.host, method: 'session.kill', params: { session: session.id, signal: isForced ? 'SIGKILL' : 'SIGHUP' } })
      }
    >
      <p>
        {running ? (
          <>
            <code>{running}</code> is running and will be ended, with everything else in the session.
          </>
        ) : (
          'Its shell is at the prompt. The shell and whatever it left in the background will be ended.'
        )}
      </p>
      {others.length > 0 && <p>Also attached: {others.join(', ')}.</p>}
      <label className="check">
        <input type="checkbox" checked={isForced} onChange={(event) => setIsForced(event.target.checked)} />
        By force (SIGKILL), for programs that ignore a hang-up
      </label>
    </ConfirmDialog>
  );
}

function Kick({ dialog: { session: key, actor } }: { dialog: Extract<Question, { is: 'kick' }> }) {
  const session = useApp((state) => findSession(state, key));
  if (!session) return null;
  return (
    <ConfirmDialog
      title={`Remove ${actor.name} from ${session.name}?`}
      action="Remove"
      isHarmful
      onConfirm={() => void kick(session, actor)}
    >
      <p>
        {actor.name} is detached at once, in every window, and cannot look or come back until an owner gives a role again (
        <code>
          cmdop role {session.name} {actor.name} operator
        </code>
        ).
      </p>
    </ConfirmDialog>
  );
}

function Paste({ dialog }: { dialog: Extract<Question, { is: 'paste' }> }) {
  return (
    <ConfirmDialog title={`Paste ${dialog.lines} lines?`} action="Paste" onConfirm={dialog.paste}>
      <p>The program takes each line as if you had pressed Enter after it.</p>
      <pre className="paste-text">{dialog.text.length > 2_000 ? `${dialog.text.slice(0, 2_000)}…` : dialog.text}</pre>
    </ConfirmDialog>
  );
}
