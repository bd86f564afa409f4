/** One tab's content: margin with command bars, terminal, and a line that says whose window gives the size. */
import { useEffect, useRef, useState } from 'react';
import type { Size } from '#protocol/shapes.ts';
import { closeTab, focusTerminal } from '../state/actions.ts';
import { dropOnTerminal } from '../state/dropped-files.ts';
import { client } from '../state/engines.ts';
import { hostOfKey, type SessionKey } from '../state/session-key.ts';
import { app, findHost, findSession, type HostedSession, useApp } from '../state/store.ts';
import { terminals } from '../state/terminals.ts';
import type { SessionTerminal } from '../terminal/session-terminal.ts';
import type { TerminalView } from '../terminal/terminal-view.ts';
import { INTERFACE_NAMES } from './actor-mark.tsx';
import { Gutter, MarkedBlock } from './gutter.tsx';
import { PointedOver } from './pointed-over.tsx';
import { TerminalMenu } from './terminal-menu.tsx';
import { useDrop } from './use-drop.ts';
import { useTerminalView } from './use-terminal.ts';

export function TerminalPane({ session, isActive }: { session: SessionKey; isActive: boolean }) {
  const frame = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const [terminal, setTerminal] = useState<SessionTerminal | null>(null);
  const view = useTerminalView(terminal);
  const drop = useDrop((transfer) => {
    const summary = findSession(app.get(), session);
    if (summary) void dropOnTerminal(summary, transfer);
  });

  useEffect(() => {
    if (!frame.current || !host.current) return;
    const opened = terminals.open(client(hostOfKey(session)), session);
    opened.screen.mount(frame.current, host.current);
    host.current.cmdopTerminal = opened.terminal;
    setTerminal(opened);
    return () => terminals.close(session);
  }, [session]);

  useEffect(() => {
    if (!terminal) return;
    if (isActive) {
      terminal.screen.show();
      focusTerminal();
    } else terminal.screen.hide();
    void terminal.attach(); // once; a tab in front tells its size with it
  }, [terminal, isActive]);

  return (
    <section
      className="pane"
      id={`pane-${session}`}
      role="tabpanel"
      aria-labelledby={`tab-${session}`}
      hidden={!isActive}
      data-state={view?.state}
      data-replaying={view?.isReplaying}
      data-letterboxed={view?.windowSize ? !isSame(view.size, view.windowSize) : undefined}
    >
      <TerminalMenu terminal={terminal}>
        <div className="frame" ref={frame} {...drop}>
          <div className="gutter">{terminal && isActive && <Gutter session={session} terminal={terminal} />}</div>
          <div className="terminal-host" ref={host} data-testid="terminal" data-session={session}>
            {terminal && isActive && <MarkedBlock terminal={terminal} />}
            {terminal && isActive && <PointedOver terminal={terminal} />}
          </div>
        </div>
      </TerminalMenu>
      {view && <SizeHint session={session} view={view} />}
      {view?.state === 'attaching' && (
        <p className="placeholder" role="status">
          {view.waiting ?? 'Attaching…'}
        </p>
      )}
      {view?.failure && (
        <div className="failure" role="alert">
          <p>{view.failure.message}</p>
          <button type="button" className="button" onClick={() => closeTab(session)}>
            Close tab
          </button>
        </div>
      )}
    </section>
  );
}

function SizeHint({ session, view }: { session: SessionKey; view: TerminalView }) {
  const summary = useApp((state) => findSession(state, session));
  const me = useApp((state) => findHost(state, hostOfKey(session))?.client ?? null);
  const { size, windowSize } = view;
  if (!windowSize || !summary || view.state !== 'attached' || isSame(size, windowSize)) return null;
  return (
    <p className="size-hint">
      {size.cols}×{size.rows}, {decider(summary, me, size)}; this window would be {windowSize.cols}×{windowSize.rows}
    </p>
  );
}

function decider(session: HostedSession, me: string | null, size: Size): string {
  const { holder } = session.control;
  const sameSize = session.attached.find((each) => each.client !== me && each.size && isSame(each.size, size));
  const by = holder && holder.client !== me ? holder : sameSize;
  if (!by) return 'as the session was left';
  return `as ${by.actor.name}'s window (${INTERFACE_NAMES[by.actor.interface]}) has it`;
}

const isSame = (a: Size, b: Size): boolean => a.cols === b.cols && a.rows === b.rows;
