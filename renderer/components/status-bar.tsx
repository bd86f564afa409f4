/** The last line of the window: the link, the session's address, how the bytes get here, and what still waits. */

import { copyText } from '../state/actions.ts';
import { useActiveSession, useApp } from '../state/store.ts';
import { latencyText } from '../text/format.ts';
import { useActiveTerminal, useTerminalView } from './use-terminal.ts';

export function StatusBar() {
  const link = useApp((state) => state.link);
  const transport = useApp((state) => state.transport);
  const latencyMs = useApp((state) => state.latencyMs);
  const me = useApp((state) => state.me);
  const session = useActiveSession();
  const terminal = useActiveTerminal();
  const view = useTerminalView(terminal);
  const state = link.is === 'connected' ? (link.isResponsive ? 'connected' : 'unresponsive') : link.is;
  const stateText = { connected: 'Connected', unresponsive: 'No answer', connecting: 'Connecting', offline: 'Offline', closed: 'Closed' }[
    state
  ];
  return (
    <footer className="status-bar" data-testid="status-bar" data-link={state}>
      <span className={`link-state ${state}`}>
        <span className="link-dot" aria-hidden="true" />
        {stateText}
      </span>
      {transport && <span>{transport}</span>}
      {latencyMs !== null && link.is === 'connected' && <span title="Round trip to the host">{latencyText(latencyMs)}</span>}
      {session && (
        <button
          type="button"
          className="status-button"
          title="Copy address"
          onClick={() => void copyText(session.address, 'Address copied.')}
        >
          {session.address}
        </button>
      )}
      <span className="spring" />
      {view && view.pendingUnits > 0 && (
        <button
          type="button"
          className="status-button waiting"
          title="Forget what was not sent yet"
          onClick={() => terminal?.dropPending()}
        >
          {view.pendingUnits === 1 ? '1 input waits' : `${view.pendingUnits} inputs wait`}, click to drop
        </button>
      )}
      {view && session && (
        <span title="Size of the session's terminal">
          {view.size.cols}×{view.size.rows}
        </span>
      )}
      {view && <span>{view.role}</span>}
      {me && <span title="Who the host says you are">{me.name}</span>}
    </footer>
  );
}
