/** What runs in the session in front: the tree of its processes, what each takes, and signals to one of them. */
import { Ellipsis } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import type { SignalName } from '#protocol/processes.ts';
import { type ShownProcess, useProcesses } from '../state/processes.ts';
import { app, findHost, type HostedSession, useActiveSession, useApp } from '../state/store.ts';
import { bytesText, durationText, programText, shortenPath } from '../text/format.ts';
import { IconButton } from './icon-button.tsx';
import { PanelHead } from './panel-head.tsx';

const SIGNALS: readonly { signal: SignalName; label: string; isHarmful?: boolean }[] = [
  { signal: 'SIGINT', label: 'Interrupt (SIGINT)' },
  { signal: 'SIGSTOP', label: 'Hold (SIGSTOP)' },
  { signal: 'SIGCONT', label: 'Let go on (SIGCONT)' },
  { signal: 'SIGTERM', label: 'Ask to end (SIGTERM)', isHarmful: true },
  { signal: 'SIGKILL', label: 'Kill (SIGKILL)', isHarmful: true },
];

export function ProcessesPanel() {
  const session = useActiveSession();
  return (
    <aside className="panel" aria-label="Processes" data-region="panel">
      <PanelHead title="Processes" panel="processes" />
      {session ? (
        <SessionProcesses key={session.key} session={session} />
      ) : (
        <p className="nothing">Open a session to see what runs in it.</p>
      )}
    </aside>
  );
}

function SessionProcesses({ session }: { session: HostedSession }) {
  const { processes, error } = useProcesses(session);
  const isOffline = useApp((state) => findHost(state, session.host)?.link.is !== 'connected');
  if (session.state !== 'running') return <p className="nothing">This session has ended: no process of it runs.</p>;
  return (
    <>
      {isOffline && <p className="nothing">The host is away{processes ? ': this is what ran last.' : '.'}</p>}
      {error !== null && !isOffline && (
        <p className="nothing" role="alert">
          {error}
        </p>
      )}
      {!processes && !isOffline && error === null && <p className="nothing">Looking…</p>}
      <ul className="panel-list" data-region-focus tabIndex={-1}>
        {processes?.map((process) => (
          <ProcessRow key={`${process.pid} ${process.birth}`} process={process} session={session} />
        ))}
      </ul>
    </>
  );
}

function ProcessRow({ process, session }: { process: ShownProcess; session: HostedSession }) {
  const { pid, command, load, memoryBytes, startedAt, cwd, depth } = process;
  return (
    <li className="process-row" data-testid="process-row" data-pid={pid} style={{ paddingLeft: 6 + Math.min(depth, 8) * 12 }}>
      <span className="process-text">
        <code className="process-command" title={command}>
          {programText(command)}
        </code>
        <span className="dim process-facts">
          <span>{pid}</span>
          <span className={load >= 0.5 ? 'busy' : undefined}>{Math.round(load * 100)} % CPU</span>
          <span>{bytesText(memoryBytes)}</span>
          {startedAt !== null && <span>{durationText(Math.max(0, Date.now() - startedAt))}</span>}
          {cwd !== null && <span title={cwd}>{shortenPath(cwd)}</span>}
        </span>
      </span>
      <DropdownMenu.Root>
        <DropdownMenu.Trigger asChild>
          <IconButton label={`Signal process ${pid}`}>
            <Ellipsis size={14} />
          </IconButton>
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu" align="end" collisionPadding={8}>
            {SIGNALS.map(({ signal, label, isHarmful }) => (
              <DropdownMenu.Item
                key={signal}
                className={isHarmful ? 'danger' : undefined}
                onSelect={() => app.set({ dialog: { is: 'signal', session: session.key, process, signal } })}
              >
                {label}
              </DropdownMenu.Item>
            ))}
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
    </li>
  );
}
