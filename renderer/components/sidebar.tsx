/** The sessions of this host: running ones first, ended ones apart. */
import { Plus, Settings2 } from 'lucide-react';
import { type KeyboardEvent, useMemo } from 'react';
import { quickSession } from '../state/actions.ts';
import { app, useApp } from '../state/store.ts';
import { Hint } from './hint.tsx';
import { SessionRow } from './session-row.tsx';

export function Sidebar() {
  const sessions = useApp((state) => state.sessions);
  const active = useApp((state) => state.preferences.activeTab);
  const running = useMemo(() => sessions?.filter(({ state }) => state === 'running') ?? [], [sessions]);
  const ended = useMemo(() => sessions?.filter(({ state }) => state === 'ended').toReversed() ?? [], [sessions]);
  return (
    <nav className="sidebar" aria-label="Sessions" data-region="sidebar" onKeyDown={moveBetweenRows}>
      <header className="sidebar-head">
        <h1>Sessions</h1>
        <Hint label="New session with name, folder or command">
          <button
            type="button"
            className="icon-button"
            aria-label="New session with details"
            onClick={() => app.set({ dialog: { is: 'new-session' } })}
          >
            <Settings2 size={15} />
          </button>
        </Hint>
        <Hint label="New session" command="new-session">
          <button
            type="button"
            className="icon-button"
            aria-label="New session"
            data-testid="new-session"
            onClick={() => void quickSession()}
          >
            <Plus size={16} />
          </button>
        </Hint>
      </header>
      <div className="sidebar-list">
        {sessions === null && <Skeleton />}
        <ul>
          {running.map((session) => (
            <SessionRow key={session.id} session={session} isActive={session.id === active} />
          ))}
        </ul>
        {sessions !== null && running.length === 0 && <p className="nothing">No session is running.</p>}
        {ended.length > 0 && (
          <>
            <h2 className="list-title">Ended</h2>
            <ul>
              {ended.map((session) => (
                <SessionRow key={session.id} session={session} isActive={session.id === active} />
              ))}
            </ul>
          </>
        )}
      </div>
    </nav>
  );
}

function Skeleton() {
  return (
    <div className="skeleton" role="status" aria-label="Asking the host for its sessions">
      <span />
      <span />
      <span />
    </div>
  );
}

function moveBetweenRows(event: KeyboardEvent<HTMLElement>): void {
  if (event.target instanceof HTMLInputElement) return;
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by) return;
  const rows: (Element | null)[] = [...event.currentTarget.querySelectorAll('.session-open')];
  const at = rows.indexOf(document.activeElement);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  if (next instanceof HTMLElement) next.focus();
  event.preventDefault();
}
