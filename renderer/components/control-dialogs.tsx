/** Small questions about sharing a session: why control is asked for, and how large a fixed size is. */
import { Dialog } from 'radix-ui';
import { type FormEvent, type ReactNode, useState } from 'react';
import { focusTerminal } from '../state/actions.ts';
import type { SessionKey } from '../state/session-key.ts';
import { requestControl, setSizePolicy } from '../state/sharing.ts';
import { app, findSession, useApp } from '../state/store.ts';

/** Of a terminal, cells: as the protocol bounds it. */
const MOST_CELLS = 2_000;

function close(): void {
  app.set({ dialog: null });
  focusTerminal();
}

export function AskControl({ session }: { session: SessionKey }) {
  const holder = useApp((state) => findSession(state, session)?.control.holder?.actor.name);
  return (
    <Form
      title={holder ? `Ask ${holder} for control` : 'Ask for control'}
      action="Ask"
      submit={(value) => requestControl(session, value('reason').slice(0, 500))}
    >
      <label className="form-row">
        <span>Reason</span>
        <input className="field" name="reason" placeholder="may be left out" maxLength={500} autoComplete="off" />
      </label>
    </Form>
  );
}

export function FixedSize({ session: key }: { session: SessionKey }) {
  const session = useApp((state) => findSession(state, key));
  if (!session) return null;
  const submit = async (value: (name: string) => string) => {
    const [cols, rows] = [Number(value('cols')), Number(value('rows'))];
    await setSizePolicy(session, { cols, rows });
    return null;
  };
  return (
    <Form title={`Size of ${session.name}`} action="Set size" submit={submit}>
      {(['cols', 'rows'] as const).map((name) => (
        <label className="form-row" key={name}>
          <span>{name === 'cols' ? 'Columns' : 'Rows'}</span>
          <input className="field" name={name} type="number" min={1} max={MOST_CELLS} required defaultValue={session.size[name]} />
        </label>
      ))}
    </Form>
  );
}

type FormProps = {
  title: string;
  action: string;
  submit: (value: (name: string) => string) => Promise<string | null>;
  children: ReactNode;
};

/** Closes once `submit` gave null; else shows what was in the way. */
function Form({ title, action, submit, children }: FormProps) {
  const [error, setError] = useState<string | null>(null);
  const submitted = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const failure = await submit((name) => String(form.get(name) ?? '').trim());
    if (failure === null) close();
    else setError(failure);
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && close()}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog" aria-describedby={undefined}>
          <Dialog.Title>{title}</Dialog.Title>
          <form onSubmit={(event) => void submitted(event)}>
            {children}
            {error && (
              <p className="form-error" role="alert">
                {error}
              </p>
            )}
            <div className="dialog-buttons">
              <Dialog.Close className="button quiet" type="button">
                Cancel
              </Dialog.Close>
              <button type="submit" className="button primary">
                {action}
              </button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
