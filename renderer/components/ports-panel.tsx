/** On which ports the programs of the session in front listen, and what of them is open on this machine. */
import { ArrowLeftRight, Copy, ExternalLink, X } from 'lucide-react';
import { formatAddress } from '#protocol/address.ts';
import type { ListeningPort } from '#protocol/ports.ts';
import type { ForwardView } from '../../preload/api.ts';
import { platform } from '../platform/platform.ts';
import { copyText } from '../state/actions.ts';
import { endForward, forwardOf, forwardPort, isNear, openPort, urlOf, usePorts, usePortsOf } from '../state/ports.ts';
import { findHost, findSession, type HostedSession, useActiveSession, useApp } from '../state/store.ts';
import { bytesText, programText } from '../text/format.ts';
import { IconButton } from './icon-button.tsx';
import { PanelHead } from './panel-head.tsx';
import { useMayAct } from './use-may-act.ts';

export function PortsPanel() {
  const session = useActiveSession();
  return (
    <aside className="panel" aria-label="Ports" data-region="panel">
      <PanelHead title="Ports" panel="ports" />
      <div className="panel-list" data-region-focus tabIndex={-1}>
        {session ? <SessionPorts session={session} /> : <p className="nothing">Open a session to see what listens in it.</p>}
        <OtherForwards session={session} />
      </div>
      {session?.state === 'running' && <FromElsewhere session={session} />}
    </aside>
  );
}

/** How else a port of another machine is reached from here. */
function FromElsewhere({ session }: { session: HostedSession }) {
  const isHere = useApp((state) => isNear(state, session.host));
  const mayAct = useMayAct(session);
  if (isHere) return null;
  if (!mayAct) return <p className="panel-foot dim">Observers forward nothing: ask an owner to make you an operator.</p>;
  if (!platform.canForward)
    return (
      <p className="panel-foot dim">
        A browser cannot open ports of another machine: use the app, or <code>cmdop forward</code>.
      </p>
    );
  return (
    <p className="panel-foot dim">
      From a terminal: <code>cmdop forward {session.address} PORT</code>
    </p>
  );
}

function SessionPorts({ session }: { session: HostedSession }) {
  const ports = usePortsOf(session.key);
  const forwards = usePorts((state) => state.forwards);
  const isOffline = useApp((state) => findHost(state, session.host)?.link.is !== 'connected');
  if (session.state !== 'running') return <p className="nothing">This session has ended: nothing of it listens.</p>;
  if (!ports) return <p className="nothing">{isOffline ? 'The host is away.' : 'Looking…'}</p>;
  if (ports.length === 0) return <p className="nothing">Nothing listens. A server that a program of this session starts appears here.</p>;
  return (
    <>
      {isOffline && <p className="nothing">The host is away: this is what listened last.</p>}
      <ul>
        {ports.map((port) => (
          <PortRow key={port.port} session={session} port={port} forward={forwardOf(forwards, session, port.port)} />
        ))}
      </ul>
    </>
  );
}

type RowProps = { session: HostedSession; port: ListeningPort; forward: ForwardView | undefined };

function PortRow({ session, port, forward }: RowProps) {
  const isHere = useApp((state) => isNear(state, session.host));
  const canForward = useMayAct(session) && platform.canForward && !isHere && !forward;
  const url = urlOf(session, port, forward);
  return (
    <li className="port-row" data-testid="port-row" data-port={port.port}>
      <span className="port-line">
        <span className="port-number">{port.port}</span>
        <span className="port-program" title={port.command}>
          {programText(port.command)}
        </span>
        <span className="spring" />
        {(url || canForward) && (
          <IconButton label={`Open port ${port.port} in the browser`} onClick={() => void openPort(session, port)}>
            <ExternalLink size={14} />
          </IconButton>
        )}
        {canForward && (
          <IconButton label={`Forward port ${port.port} to this machine`} onClick={() => void forwardPort(session, port.port)}>
            <ArrowLeftRight size={14} />
          </IconButton>
        )}
        {url && (
          <IconButton label={`Copy the address of port ${port.port}`} onClick={() => void copyText(url, 'Address copied.')}>
            <Copy size={14} />
          </IconButton>
        )}
      </span>
      <span className="port-line dim">
        {port.addresses.join(', ')} · process {port.pid}
      </span>
      {forward && <ForwardLine forward={forward} />}
    </li>
  );
}

function ForwardLine({ forward }: { forward: ForwardView }) {
  const { id, port, address, received, sent, connections } = forward;
  return (
    <>
      <span className="port-line forward" data-testid="forward">
        <ArrowLeftRight size={12} aria-label="here as" />
        <code>{address}</code>
        <span className="spring" />
        <IconButton label={`Stop the forward of port ${port}`} onClick={() => void endForward(id)}>
          <X size={14} />
        </IconButton>
      </span>
      <span className="port-line dim" data-testid="forward-counts">
        {bytesText(received)} in · {bytesText(sent)} out{connections > 0 && ` · ${connections} open`}
      </span>
    </>
  );
}

/** Of sessions that are not in front: they go on, and must not be forgotten. */
function OtherForwards({ session }: { session: HostedSession | null }) {
  const forwards = usePorts((state) => state.forwards);
  const shown = usePortsOf(session?.key ?? null) ?? [];
  const hosts = useApp((state) => state.hosts);
  const others = forwards.filter((each) => !(session && each.session === session.id && shown.some(({ port }) => port === each.port)));
  if (others.length === 0) return null;
  return (
    <>
      <h3 className="list-title">Other forwards</h3>
      <ul>
        {others.map((forward) => (
          <li key={forward.id} className="port-row">
            <span className="port-line">
              <span className="port-number">{forward.port}</span>
              <span className="port-program">{findSession({ hosts }, formatAddress(forward))?.name ?? forward.session}</span>
            </span>
            <ForwardLine forward={forward} />
          </li>
        ))}
      </ul>
    </>
  );
}
