/** The sessions of every host in this window: running ones first, ended ones apart. */
import { Plus, Server, Settings2 } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import { platform } from '../platform/platform.ts';
import { quickSession } from '../state/actions.ts';
import { app, type HostView, ownHostName, useApp } from '../state/store.ts';
import { HostGroup } from './host-group.tsx';
import { IconButton } from './icon-button.tsx';
import { SessionRow } from './session-row.tsx';

export function Sidebar() {
  const hosts = useApp((state) => state.hosts);
  const isGuest = hosts.length > 0 && hosts.every(({ guest }) => guest !== null);
  return (
    <nav className="sidebar" aria-label="Sessions" data-region="sidebar" onKeyDown={moveBetweenRows}>
      <header className="sidebar-head">
        <h1>Sessions</h1>
        {platform.reachesHosts && (
          <IconButton label="Add host" onClick={() => app.set({ dialog: { is: 'add-host' } })}>
            <Server size={15} />
          </IconButton>
        )}
        {!isGuest && <NewSession />}
      </header>
      <div className="sidebar-list">
        {hosts.length === 1
          ? hosts.map((host) => <SessionList key={host.name} host={host} />)
          : hosts.map((host) => (
              <HostGroup key={host.name} host={host}>
                <SessionList host={host} />
              </HostGroup>
            ))}
      </div>
    </nav>
  );
}

function NewSession() {
  return (
    <>
      <IconButton
        label="New session with details"
        hint="New session with name, folder or command"
        onClick={() => app.set({ dialog: { is: 'new-session', host: ownHostName() } })}
      >
        <Settings2 size={15} />
      </IconButton>
      <IconButton label="New session" command="new-session" data-testid="new-session" onClick={() => void quickSession()}>
        <Plus size={16} />
      </IconButton>
    </>
  );
}

function SessionList({ host: { sessions, link } }: { host: HostView }) {
  const active = useApp((state) => state.preferences.activeTab);
  if (sessions === null) return link.is === 'connecting' ? <Skeleton /> : null;
  const running = sessions.filter(({ state }) => state === 'running');
  const ended = sessions.filter(({ state }) => state === 'ended').toReversed();
  return (
    <>
      <ul>
        {running.map((session) => (
          <SessionRow key={session.key} session={session} isActive={session.key === active} />
        ))}
      </ul>
      {running.length === 0 && <p className="nothing">No session is running.</p>}
      {ended.length > 0 && (
        <>
          <h2 className="list-title">Ended</h2>
          <ul>
            {ended.map((session) => (
              <SessionRow key={session.key} session={session} isActive={session.key === active} />
            ))}
          </ul>
        </>
      )}
    </>
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
  const rows: (Element | null)[] = [...event.currentTarget.querySelectorAll('.session-open, .host-name')];
  const at = rows.indexOf(document.activeElement);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  if (next instanceof HTMLElement) next.focus();
  event.preventDefault();
}
