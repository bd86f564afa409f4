/** One session in the sidebar: what it is called, where it is, what it does, who is there; with its menu. */
import { ContextMenu } from 'radix-ui';
import { type KeyboardEvent, useEffect, useRef } from 'react';
import { ask, copyText, focusTerminal, openTab, renameSession, restartSession } from '../state/actions.ts';
import { guestAt } from '../state/guests.ts';
import { app, findHost, type HostedSession, useApp } from '../state/store.ts';
import { terminals } from '../state/terminals.ts';
import { shortenPath, timeText } from '../text/format.ts';
import { endText, runningCommand } from '../text/session-state.ts';
import { ActorMarks } from './actor-mark.tsx';
import { AgentBadge } from './agent-badge.tsx';
import { SharedMark } from './shared-mark.tsx';

export function SessionRow({ session, isActive }: { session: HostedSession; isActive: boolean }) {
  const running = runningCommand(session);
  const isRenaming = useApp((state) => state.renaming === session.key);
  const isGuest = useApp((state) => findHost(state, session.host)?.guest != null);
  const act = (run: () => void) => () => setTimeout(run); // after the menu gave the focus back
  return (
    <ContextMenu.Root>
      <ContextMenu.Trigger asChild>
        <li className={`session-row ${session.state}${isActive ? ' active' : ''}`} data-testid="session-row" data-session={session.id}>
          {isRenaming ? (
            <RenameField session={session} />
          ) : (
            <button
              type="button"
              className="session-open"
              aria-current={isActive ? 'true' : undefined}
              {...(isActive ? { 'data-region-focus': true } : {})}
              onClick={() => openTab(session.key)}
              onDoubleClick={() => !isGuest && app.set({ renaming: session.key })}
              onKeyDown={(event) => onRowKey(event, session)}
            >
              <span className="session-line">
                <StateDot session={session} />
                <span className="session-name">{session.name}</span>
                <SharedMark session={session} />
                <AgentBadge session={session} />
                <ActorMarks actors={session.attached.map(({ actor }) => actor)} label="Attached" />
              </span>
              <span className="session-line dim">
                <span className="session-path" title={session.cwd}>
                  <bdi>{shortenPath(session.cwd)}</bdi>
                </span>
                <span className={running ? 'session-doing mono' : 'session-doing'} title={running ?? undefined}>
                  {stateText(session)}
                </span>
              </span>
            </button>
          )}
        </li>
      </ContextMenu.Trigger>
      <ContextMenu.Portal>
        <ContextMenu.Content className="menu" collisionPadding={8} onCloseAutoFocus={(event) => event.preventDefault()}>
          <ContextMenu.Item onSelect={act(() => openTab(session.key))}>Open</ContextMenu.Item>
          {session.state === 'running' && (
            <ContextMenu.Item
              onSelect={act(() => {
                const open = terminals.get(session.key);
                if (open) open.setRole('observer');
                else terminals.observeNext(session.key);
                openTab(session.key);
              })}
            >
              Open as observer
            </ContextMenu.Item>
          )}
          {session.state === 'ended' && !isGuest && (
            <ContextMenu.Item onSelect={act(() => void restartSession(session))}>New shell here</ContextMenu.Item>
          )}
          {!isGuest && (
            <>
              <ContextMenu.Item onSelect={act(() => app.set({ renaming: session.key }))}>
                Rename<span className="menu-key">F2</span>
              </ContextMenu.Item>
              <ContextMenu.Item onSelect={act(() => app.set({ dialog: { is: 'share', session: session.key } }))}>Share…</ContextMenu.Item>
            </>
          )}
          <ContextMenu.Item onSelect={act(() => void copyText(session.address, 'Address copied.'))}>Copy address</ContextMenu.Item>
          {!isGuest && <Ending session={session} act={act} />}
        </ContextMenu.Content>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}

/** What ends a session, or takes an ended one off the list. */
function Ending({ session, act }: { session: HostedSession; act: (run: () => void) => () => void }) {
  return (
    <>
      <ContextMenu.Separator />
      {session.state === 'running' ? (
        <ContextMenu.Item className="danger" onSelect={act(() => app.set({ dialog: { is: 'kill', session: session.key } }))}>
          Kill…<span className="menu-key">Del</span>
        </ContextMenu.Item>
      ) : (
        <ContextMenu.Item onSelect={act(() => void ask({ host: session.host, method: 'session.remove', params: { session: session.id } }))}>
          Remove from list<span className="menu-key">Del</span>
        </ContextMenu.Item>
      )}
    </>
  );
}

export function StateDot({ session }: { session: HostedSession }) {
  const is = session.state === 'ended' ? 'ended' : runningCommand(session) === null ? 'prompt' : 'running';
  return <span className={`state-dot ${is}`} aria-hidden="true" />;
}

function stateText(session: HostedSession): string {
  if (session.unreachable !== undefined) return session.unreachable;
  if (session.state === 'ended') return `${endText(session.end)}${session.endedAt === null ? '' : `, ${timeText(session.endedAt)}`}`;
  return runningCommand(session) ?? 'at prompt';
}

function onRowKey(event: KeyboardEvent, session: HostedSession): void {
  if (guestAt(session.host)) return;
  if (event.key === 'F2') app.set({ renaming: session.key });
  else if (event.key === 'Delete' && session.state === 'running') app.set({ dialog: { is: 'kill', session: session.key } });
  else if (event.key === 'Delete') void ask({ host: session.host, method: 'session.remove', params: { session: session.id } });
  else return;
  event.preventDefault();
}

function RenameField({ session }: { session: HostedSession }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  const end = (name: string | null) => {
    if (app.get().renaming !== session.key) return;
    void renameSession(session, name ?? session.name);
    focusTerminal();
  };
  return (
    <input
      ref={field}
      className="field rename"
      aria-label={`New name of ${session.name}`}
      defaultValue={session.name}
      maxLength={64}
      spellCheck={false}
      onBlur={(event) => end(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') end(event.currentTarget.value);
        else if (event.key === 'Escape') end(null);
        else return;
        event.preventDefault();
      }}
    />
  );
}
