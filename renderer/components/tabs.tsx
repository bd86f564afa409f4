/** The open sessions as tabs, and the buttons of the panels. */
import { EthernetPort, FolderOpen, History, PanelLeft, Plus, Search, ShieldQuestion, Users, X } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import { LOCAL_HOST } from '#protocol/address.ts';
import { closeTab, openTab, quickSession, togglePanel } from '../state/actions.ts';
import { pendingCount } from '../state/approvals.ts';
import { runCommand } from '../state/commands.ts';
import { guestRole } from '../state/guests.ts';
import { usePortsOf } from '../state/ports.ts';
import { hostOfKey, type SessionKey } from '../state/session-key.ts';
import { findHost, findSession, type HostedSession, useApp } from '../state/store.ts';
import { AgentBadge } from './agent-badge.tsx';
import { IconButton } from './icon-button.tsx';
import { PauseAgents } from './pause-agents.tsx';
import { StateDot } from './session-row.tsx';
import { SharedMark } from './shared-mark.tsx';

export function Tabs() {
  const { tabs, activeTab, panel, sidebar } = useApp((state) => state.preferences);
  const hosts = useApp((state) => state.hosts);
  const sessionOf = (key: string | null) => findSession({ hosts }, key);
  // Of everything in the window: then there is nothing to make, to pause or to allow.
  const isGuest = hosts.length > 0 && hosts.every(({ guest }) => guest !== null);
  const waiting = pendingCount({ hosts });
  const portCount = usePortsOf(activeTab)?.length ?? 0;
  const actorCount = sessionOf(activeTab)?.attached.length ?? 0;
  return (
    <div className="tab-strip" data-region="tabs">
      <IconButton
        label="Sidebar"
        hint={sidebar ? 'Hide sidebar' : 'Show sidebar'}
        command="toggle-sidebar"
        aria-pressed={sidebar}
        onClick={() => runCommand('toggle-sidebar')}
      >
        <PanelLeft size={15} />
      </IconButton>
      <div className="tabs" role="tablist" aria-label="Open sessions" onKeyDown={moveBetweenTabs}>
        {tabs.map((id) => {
          const session = sessionOf(id);
          const isActive = id === activeTab;
          return (
            <div
              key={id}
              className={`tab${isActive ? ' active' : ''}`}
              data-testid="tab"
              data-session={id}
              onAuxClick={(event) => event.button === 1 && closeTab(id)}
            >
              <button
                type="button"
                role="tab"
                id={`tab-${id}`}
                aria-selected={isActive}
                aria-controls={`pane-${id}`}
                tabIndex={isActive ? 0 : -1}
                {...(isActive ? { 'data-region-focus': true } : {})}
                onClick={() => openTab(id as SessionKey)}
              >
                {session && <StateDot session={session} />}
                {session && findHost({ hosts }, session.host)?.guest == null && <SharedMark session={session} />}
                {session && <AgentBadge session={session} />}
                <span className="tab-name">{session?.name ?? '…'}</span>
                {session && <GuestRole session={session} />}
                {hosts.length > 1 && hostOfKey(id) !== LOCAL_HOST && !findHost({ hosts }, hostOfKey(id))?.guest && (
                  <span className="tab-host">{hostOfKey(id)}</span>
                )}
              </button>
              <button
                type="button"
                className="tab-close"
                tabIndex={-1}
                aria-label={`Close tab ${session?.name ?? ''}; the session goes on`}
                onClick={() => closeTab(id)}
              >
                <X size={13} />
              </button>
            </div>
          );
        })}
        {!isGuest && (
          <IconButton label="New session in a tab" hint="New session" command="new-session" onClick={() => void quickSession()}>
            <Plus size={15} />
          </IconButton>
        )}
      </div>
      <IconButton label="Search everything" command="search" onClick={() => runCommand('search')}>
        <Search size={15} />
      </IconButton>
      {!isGuest && <PauseAgents />}
      {!isGuest && (
        <IconButton
          label={`Approvals, ${waiting} waiting`}
          hint="Approvals"
          command="toggle-approvals"
          className={`wide${waiting > 0 ? ' waiting' : ''}`}
          aria-pressed={panel === 'approvals'}
          data-testid="approvals-button"
          onClick={() => togglePanel('approvals')}
        >
          <ShieldQuestion size={15} />
          {waiting > 0 && <span className="count">{waiting}</span>}
        </IconButton>
      )}
      <IconButton
        label={`Actors, ${actorCount} attached`}
        hint="Actors"
        command="toggle-actors"
        className="wide"
        aria-pressed={panel === 'actors'}
        onClick={() => togglePanel('actors')}
      >
        <Users size={15} />
        {actorCount > 1 && <span className="count">{actorCount}</span>}
      </IconButton>
      <IconButton label="Files" command="toggle-files" aria-pressed={panel === 'files'} onClick={() => togglePanel('files')}>
        <FolderOpen size={15} />
      </IconButton>
      <IconButton
        label={`Ports, ${portCount} open`}
        hint="Ports"
        command="toggle-ports"
        className="wide"
        aria-pressed={panel === 'ports'}
        onClick={() => togglePanel('ports')}
      >
        <EthernetPort size={15} />
        {portCount > 0 && <span className="count">{portCount}</span>}
      </IconButton>
      <IconButton label="History" command="toggle-history" aria-pressed={panel === 'history'} onClick={() => togglePanel('history')}>
        <History size={15} />
      </IconButton>
    </div>
  );
}

/** What we are in somebody else's session. */
function GuestRole({ session }: { session: HostedSession }) {
  const host = useApp((state) => findHost(state, session.host));
  if (!host?.guest) return null;
  const role = guestRole(host);
  return (
    <span className="tab-role" title={`You are a guest on ${session.host}: ${role}`} data-testid="tab-role">
      {role}
    </span>
  );
}

function moveBetweenTabs(event: KeyboardEvent<HTMLElement>): void {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (event.key === 'Delete') runCommand('close-tab');
  if (!by) return;
  const tabs: (Element | null)[] = [...event.currentTarget.querySelectorAll('[role=tab]')];
  const at = tabs.indexOf(document.activeElement);
  const next = tabs[(at + by + tabs.length) % tabs.length];
  if (next instanceof HTMLElement) next.focus();
  event.preventDefault();
}
