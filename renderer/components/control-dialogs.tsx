/** Small questions about sharing a session: why control is asked for, and how large a fixed size is. */
import type { SessionKey } from '../state/session-key.ts';
import { requestControl, setSizePolicy } from '../state/sharing.ts';
import { findSession, useApp } from '../state/store.ts';
import { FormDialog } from './dialog-frame.tsx';

/** Of a terminal, cells: as the protocol bounds it. */
const MOST_CELLS = 2_000;

export function AskControl({ session }: { session: SessionKey }) {
  const holder = useApp((state) => findSession(state, session)?.control.holder?.actor.name);
  return (
    <FormDialog
      title={holder ? `Ask ${holder} for control` : 'Ask for control'}
      action="Ask"
      submit={(value) => requestControl(session, value('reason').slice(0, 500))}
    >
      <label className="form-row">
        <span>Reason</span>
        <input className="field" name="reason" placeholder="may be left out" maxLength={500} autoComplete="off" />
      </label>
    </FormDialog>
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
    <FormDialog title={`Size of ${session.name}`} action="Set size" submit={submit}>
      {(['cols', 'rows'] as const).map((name) => (
        <label className="form-row" key={name}>
          <span>{name === 'cols' ? 'Columns' : 'Rows'}</span>
          <input className="field" name={name} type="number" min={1} max={MOST_CELLS} required defaultValue={session.size[name]} />
        </label>
      ))}
    </FormDialog>
  );
}
