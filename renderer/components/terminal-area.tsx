/** The middle of the window: one pane for each tab, only the one in front visible; what to do where there is none. */
import { SquareTerminal } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { platform } from '../platform/platform.ts';
import { openTab, pasteText, quickSession } from '../state/actions.ts';
import { keyText } from '../state/commands.ts';
import { openJoin } from '../state/joining.ts';
import type { SessionKey } from '../state/session-key.ts';
import { useActiveHost, useApp } from '../state/store.ts';
import { shortenPath } from '../text/format.ts';
import { ApprovalCardOver } from './approval-over.tsx';
import { OfflineBanner, OtherBuild, Warnings } from './banners.tsx';
import { ControlBar } from './control-bar.tsx';
import { TransfersOver } from './file-transfers.tsx';
import { Keys } from './hint.tsx';
import { Replay } from './replay.tsx';
import { SearchBar } from './search-bar.tsx';
import { TerminalPane } from './terminal-pane.tsx';

export function TerminalArea() {
  const { tabs, activeTab } = useApp((state) => state.preferences);
  const host = useActiveHost();
  const isLoaded = host?.sessions != null;
  const isSearching = useApp((state) => state.isSearching);
  const isOffline = host?.link.is === 'offline';
  return (
    <main
      className="terminal-area"
      data-region="terminal"
      onPasteCapture={(event) => {
        event.preventDefault();
        event.stopPropagation();
        pasteText(event.clipboardData.getData('text/plain'));
      }}
    >
      {isOffline ? <OfflineBanner /> : tabs.length > 0 && <ControlBar />}
      <Warnings />
      <OtherBuild />
      <div className={`panes${isOffline ? ' offline' : ''}`}>
        {tabs.map((id) => (
          <TerminalPane key={id} session={id as SessionKey} isActive={id === activeTab} />
        ))}
        <Replay />
        <ApprovalCardOver />
        <TransfersOver />
        {isSearching && activeTab && <SearchBar key={activeTab} />}
        {tabs.length === 0 && isLoaded && <EmptyState />}
        {tabs.length === 0 && !isLoaded && !isOffline && (
          <p className="placeholder" role="status">
            Connecting to the host…
          </p>
        )}
      </div>
    </main>
  );
}

function EmptyState() {
  const hosts = useApp((state) => state.hosts);
  const running = hosts.flatMap(({ sessions }) => sessions ?? []).filter(({ state }) => state === 'running');
  const key = keyText('new-session');
  const next = useRef<HTMLButtonElement>(null);
  // Enter goes on in the newest session, or begins one, for whoever has not begun something else.
  useEffect(() => {
    if (document.activeElement === document.body) next.current?.focus();
  }, []);
  return (
    <div className="empty">
      <SquareTerminal size={28} strokeWidth={1.4} />
      <p>
        A session is a running shell that outlives every window: close this one and it goes on, open it elsewhere and it is the same, and
        others can join it.
      </p>
      <button
        type="button"
        className="button primary"
        data-region-focus
        ref={running.length > 0 ? null : next}
        onClick={() => void quickSession()}
      >
        New session
        {key && <Keys text={key} />}
      </button>
      {platform.reachesHosts && (
        <button type="button" className="button quiet" onClick={() => openJoin('')}>
          Join somebody’s session…
        </button>
      )}
      {running.length > 0 && (
        <ul className="empty-sessions" aria-label="Running sessions">
          {running.slice(-5).map((session, at, all) => (
            <li key={session.key}>
              <button type="button" className="button quiet" ref={at === all.length - 1 ? next : null} onClick={() => openTab(session.key)}>
                {session.name} <span className="dim">{shortenPath(session.cwd)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <p className="dim">
        Everything is in the command palette: <Keys text={keyText('palette') ?? ''} />
      </p>
    </div>
  );
}
