/** The last line of the window: the link, the session's address, how the bytes get here, and what still waits. */
import { useEffect, useState } from 'react';
import { copyText } from '../state/actions.ts';
import { client } from '../state/engines.ts';
import { type HostView, useActiveHost, useActiveSession } from '../state/store.ts';
import { bytesText, durationText, latencyText } from '../text/format.ts';
import { LINK_TEXTS, linkIs } from '../text/host-state.ts';
import { SharedMark } from './shared-mark.tsx';
import { useActiveTerminal, useTerminalView } from './use-terminal.ts';

/** How often the traffic is looked at, milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** Less than this a second is not worth reading, bytes: keystrokes and pings. */
const QUIET_BYTES = 4 * 1024;
/** A host that said nothing for this long should have answered a ping, milliseconds. */
const SILENT_MS = 8_000;

export function StatusBar() {
  const host = useActiveHost();
  const session = useActiveSession();
  const terminal = useActiveTerminal();
  const view = useTerminalView(terminal);
  if (!host) return null;
  const { link, transport, latencyMs, me } = host;
  const state = linkIs(link);
  return (
    <footer className="status-bar" data-testid="status-bar" data-link={state}>
      <span className={`link-state ${state}`}>
        <span className="link-dot" aria-hidden="true" />
        {LINK_TEXTS[state]}
      </span>
      {transport && <span>{transport}</span>}
      {latencyMs !== null && link.is === 'connected' && <span title="Round trip to the host">{latencyText(latencyMs)}</span>}
      {link.is === 'connected' && <Traffic key={host.name} host={host} />}
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
      {session && <SharedMark session={session} />}
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
      {view && <span>{host.guest ? `guest, ${view.role}` : view.role}</span>}
      {me && <span title="Who the host says you are">{me.name}</span>}
    </footer>
  );
}

/** How much comes a second, and how long nothing came; nothing where neither is worth a look. */
function Traffic({ host: { name } }: { host: HostView }) {
  const [text, setText] = useState('');
  useEffect(() => {
    let before = client(name).traffic?.receivedBytes ?? 0;
    const timer = setInterval(() => {
      const traffic = client(name).traffic;
      if (document.visibilityState !== 'visible' || !traffic) return;
      const perSecond = ((traffic.receivedBytes - before) * 1_000) / LOOK_EVERY_MS;
      before = traffic.receivedBytes;
      if (traffic.silentMs > SILENT_MS) setText(`last byte ${durationText(Math.floor(traffic.silentMs / 1_000) * 1_000)} ago`);
      else setText(perSecond > QUIET_BYTES ? `${bytesText(perSecond)}/s` : '');
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [name]);
  return text === '' ? null : <span data-testid="traffic">{text}</span>;
}
