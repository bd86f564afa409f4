/** Questions that must be answered first: a new session's details, killing a session, pasting several lines. */
import { AlertDialog, Dialog } from 'radix-ui';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { ask, createSession, focusTerminal } from '../state/actions.ts';
import { hostOfKey } from '../state/session-key.ts';
import { kick } from '../state/sharing.ts';
import { app, findHost, findSession, type Dialog as Question, useApp } from '../state/store.ts';
import { splitCommandLine } from '../text/command-line.ts';
import { hostTitle } from '../text/host-state.ts';
import { runningCommand } from '../text/session-state.ts';
import { AskControl, FixedSize } from './control-dialogs.tsx';
import { AddHost, Install, OpenLink } from './host-dialogs.tsx';
import { PolicyEditor } from './policy-editor.tsx';
import { WhoRan } from './who-ran.tsx';

export function Dialogs() {
  const dialog = useApp((state) => state.dialog);
  if (dialog?.is === 'new-session') return <NewSession host={dialog.host} />;
  if (dialog?.is === 'add-host') return <AddHost />;
  if (dialog?.is === 'install') return <Install dialog={dialog} />;
  if (dialog?.is === 'open-link') return <OpenLink dialog={dialog} />;
  if (dialog?.is === 'policy') return <PolicyEditor host={dialog.host} rule={dialog.rule} />;
  if (dialog?.is === 'who-ran') return <WhoRan dialog={dialog} />;
  if (dialog?.is === 'ask-control') return <AskControl session={dialog.session} />;
  if (dialog?.is === 'fixed-size') return <FixedSize session={dialog.session} />;
  if (dialog?.is === 'kick') return <Kick dialog={dialog} />;
  if (dialog?.is === 'kill') return <Kill dialog={dialog} />;
  if (dialog?.is === 'paste') return <Paste dialog={dialog} />;
  return null;
}

function close(): void {
  app.set({ dialog: null });
  focusTerminal();
}

function NewSession({ host: first }: { host: string }) {
  const hosts = useApp((state) => state.hosts);
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const value = (name: string) => String(form.get(name) ?? '').trim();
    setIsBusy(true);
    try {
      const command = splitCommandLine(value('command'));
      const failure = await createSession(value('host') || first, {
        ...(value('name') ? { name: value('name') } : {}),
        ...(value('cwd') ? { cwd: value('cwd') } : {}),
        ...(command.length > 0 ? { command } : {}),
      });
      if (failure === null) close();
      else setError(failure);
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : String(problem));
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && close()}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog" aria-describedby={undefined}>
          <Dialog.Title>New session</Dialog.Title>
          <form onSubmit={(event) => void submit(event)}>
            {hosts.length > 1 && (
              <label className="form-row">
                <span>Host</span>
                <select className="field" name="host" defaultValue={first}>
                  {hosts.map(({ name, link }) => (
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
            {error && (
              <p className="form-error" role="alert">
                {error}
              </p>
            )}
            <div className="dialog-buttons">
              <Dialog.Close className="button quiet" type="button">
                Cancel
              </Dialog.Close>
              <button type="submit" className="button primary" disabled={isBusy}>
                Start session
              </button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
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
    <Confirm
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
    </Confirm>
  );
}

function Kick({ dialog: { session: key, actor } }: { dialog: Extract<Question, { is: 'kick' }> }) {
  const session = useApp((state) => findSession(state, key));
  if (!session) return null;
  return (
    <Confirm title={`Remove ${actor.name} from ${session.name}?`} action="Remove" isHarmful onConfirm={() => void kick(session, actor)}>
      <p>
        {actor.name} is detached at once, in every window, and cannot look or come back until an owner gives a role again (
        <code>
          cmdop role {session.name} {actor.name} operator
        </code>
        ).
      </p>
    </Confirm>
  );
}

function Paste({ dialog }: { dialog: Extract<Question, { is: 'paste' }> }) {
  return (
    <Confirm title={`Paste ${dialog.lines} lines?`} action="Paste" onConfirm={dialog.paste}>
      <p>The program takes each line as if you had pressed Enter after it.</p>
      <pre className="paste-text">{dialog.text.length > 2_000 ? `${dialog.text.slice(0, 2_000)}…` : dialog.text}</pre>
    </Confirm>
  );
}

type ConfirmProps = { title: string; action: string; isHarmful?: boolean; onConfirm: () => void; children: ReactNode };

function Confirm({ title, action, isHarmful = false, onConfirm, children }: ConfirmProps) {
  const confirm = useRef<HTMLButtonElement>(null);
  return (
    <AlertDialog.Root open onOpenChange={(open) => !open && close()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="overlay" />
        <AlertDialog.Content
          className="dialog"
          aria-describedby={undefined}
          onOpenAutoFocus={(event) => {
            if (isHarmful) return; // the safe answer has the focus
            event.preventDefault();
            confirm.current?.focus();
          }}
        >
          <AlertDialog.Title>{title}</AlertDialog.Title>
          {children}
          <div className="dialog-buttons">
            <AlertDialog.Cancel className="button quiet">Cancel</AlertDialog.Cancel>
            <AlertDialog.Action ref={confirm} className={isHarmful ? 'button danger' : 'button primary'} onClick={onConfirm}>
              {action}
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
