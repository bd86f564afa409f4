/** Over the terminal: who has control, how to take or release it, and why the last input was not typed. */
import { Eye, Keyboard, Lock } from 'lucide-react';
import type { PointerEvent, ReactNode } from 'react';
import type { Actor, Control } from '#protocol/shapes.ts';
import { ask, closeTab, releaseControl, restartSession, takeControl } from '../state/actions.ts';
import { keyText } from '../state/commands.ts';
import { guestAt } from '../state/guests.ts';
import { openReplay } from '../state/replaying.ts';
import { app, type HostedSession, typingKey, useActiveHost, useActiveSession, useApp } from '../state/store.ts';
import type { SessionTerminal } from '../terminal/session-terminal.ts';
import type { TerminalView } from '../terminal/terminal-view.ts';
import { endText } from '../text/session-state.ts';
import { ActorMark, INTERFACE_NAMES } from './actor-mark.tsx';
import { ControlMenu } from './control-menu.tsx';
import { RequestLine } from './control-request.tsx';
import { Hint, Keys } from './hint.tsx';
import { PausedMark } from './pause-agents.tsx';
import { useActiveTerminal, useTerminalView } from './use-terminal.ts';

export function ControlBar() {
  const terminal = useActiveTerminal();
  const view = useTerminalView(terminal);
  const session = useActiveSession();
  const request = useApp(({ requests }) => requests.find((each) => each.session === session?.key));
  if (!terminal || !view || !session) return <div className="control-bar" data-testid="control-bar" />;
  return (
    <div
      className={`control-bar${view.refusal ? ' refused' : request ? ' asked' : session.agentsPaused ? ' paused' : ''}`}
      data-testid="control-bar"
      data-control={controlState(view, session)}
    >
      {request && !view.refusal ? <RequestLine request={request} /> : <Content terminal={terminal} view={view} session={session} />}
      <PausedMark session={session} />
      {session.state === 'running' && <ControlMenu session={session} />}
    </div>
  );
}

/** Who holds control and is still there: whoever left keeps it only until somebody types. */
function presentHolder({ control }: TerminalView, { attached }: HostedSession): Control['holder'] {
  const holder = control?.holder ?? null;
  return attached.some(({ client }) => client === holder?.client) ? holder : null;
}

function controlState(view: TerminalView, session: HostedSession): 'mine' | 'other' | 'none' {
  if (view.hasControl) return 'mine';
  return presentHolder(view, session) ? 'other' : 'none';
}

function Content({ terminal, view, session }: { terminal: SessionTerminal; view: TerminalView; session: HostedSession }) {
  const host = useActiveHost();
  const me = host?.me ?? null;
  const isResponsive = host?.link.is !== 'connected' || host.link.isResponsive;
  const secretTypist = useApp(({ typingSecrets }) =>
    session.attached.find(({ client }) => typingSecrets.has(typingKey(session.key, client))),
  );
  const holder = presentHolder(view, session);
  if (session.state === 'ended' || view.state === 'ended') return <Ended session={session} view={view} />;
  if (view.state === 'failed') return null;
  if (view.waiting !== null) return <Line alert>{view.waiting}. What you type waits here.</Line>;
  if (view.state === 'attaching') return null;
  if (view.state === 'cut' || !isResponsive) return <Line alert>The host does not answer. What you type waits here until it does.</Line>;
  if (view.refusal) {
    return (
      <Line alert actor={holder?.actor ?? null} action={<Remedy terminal={terminal} view={view} session={session} />}>
        {view.refusal.message}
      </Line>
    );
  }
  // Nobody sees, and nothing keeps, what it is; so it must be seen that it is typed.
  if (secretTypist) {
    return (
      <Line icon={<Lock size={14} aria-label="Secret" />} action={secretTypist.client === host?.client ? <Release /> : <Take />}>
        {secretTypist.client === host?.client ? 'You type' : `${secretTypist.actor.name} types`} a secret: it is not shown and not kept
      </Line>
    );
  }
  if (view.role === 'observer') {
    return (
      <Line icon={<Eye size={14} />} action={view.isDemoted ? null : <Join terminal={terminal} />}>
        Observing{holder && `, ${holder.actor.name} has control`}. Typing does nothing here:{' '}
        {view.isDemoted ? 'an owner of the session made you an observer.' : 'you joined as observer.'}
      </Line>
    );
  }
  if (view.control?.mode === 'open') {
    return <Line icon={<Keyboard size={14} />}>Open: everybody's input is taken, each piece whole, in one order.</Line>;
  }
  if (view.hasControl) {
    return (
      <Line actor={me} action={<Release />}>
        You have control
      </Line>
    );
  }
  if (!holder && view.control?.mode === 'locked') {
    return (
      <Line icon={<Keyboard size={14} />} action={<Take />}>
        Locked, and nobody has control. Typing does not take it.
      </Line>
    );
  }
  if (!holder) return <Line icon={<Keyboard size={14} />}>Nobody has control. Type to take it.</Line>;
  return (
    <Line
      actor={holder.actor}
      action={
        <>
          {holder.actor.kind === 'human' && holder.actor.id !== me?.id && <AskFor session={session} />}
          <Take />
        </>
      }
    >
      {holder.actor.id === me?.id
        ? `You have control in another window (${INTERFACE_NAMES[holder.actor.interface]})`
        : `${holder.actor.name} has control`}
    </Line>
  );
}

/** A line too long for its place is cut, so that the terminal below keeps its size; a pointer on it reads it whole. */
function titleIfCut({ currentTarget: line }: PointerEvent<HTMLElement>): void {
  line.title = line.scrollWidth > line.clientWidth ? (line.textContent ?? '') : '';
}

type LineProps = { icon?: ReactNode; actor?: Actor | null; action?: ReactNode; alert?: boolean; children: ReactNode };

function Line({ icon, actor, action, alert, children }: LineProps) {
  return (
    <>
      {actor ? <ActorMark actor={actor} size="small" /> : icon}
      <span className="control-text" role={alert ? 'alert' : 'status'} onPointerEnter={titleIfCut}>
        {children}
      </span>
      {action}
    </>
  );
}

/** What helps against a refusal: only what would let the next key pass. */
function Remedy({ terminal, view, session }: { terminal: SessionTerminal; view: TerminalView; session: HostedSession }) {
  if (view.role === 'observer') return view.isDemoted ? null : <Join terminal={terminal} />;
  switch (view.refusal?.reason) {
    case 'policy':
    case 'rejected':
      return guestAt(session.host) ? null : (
        <button type="button" className="button small" onClick={() => app.set({ dialog: { is: 'policy', host: session.host } })}>
          Policy…
        </button>
      );
    case 'secret-prompt':
    case 'session-ended':
      return null;
    default:
      return <Take isKeyShown />;
  }
}

function AskFor({ session }: { session: HostedSession }) {
  return (
    <button type="button" className="button small quiet" onClick={() => app.set({ dialog: { is: 'ask-control', session: session.key } })}>
      Ask for it…
    </button>
  );
}

function Take({ isKeyShown = false }: { isKeyShown?: boolean }) {
  return (
    <Hint label="Take control now" command="take-control">
      <button type="button" className="button small" onClick={() => void takeControl()}>
        Take control
        {isKeyShown && <Keys text={keyText('take-control') ?? ''} />}
      </button>
    </Hint>
  );
}

function Release() {
  return (
    <Hint label="Let the next one type at once">
      <button type="button" className="button small quiet" onClick={() => void releaseControl()}>
        Release
      </button>
    </Hint>
  );
}

function Join({ terminal }: { terminal: SessionTerminal }) {
  return (
    <button type="button" className="button small" onClick={() => terminal.setRole('operator')}>
      Join as operator
    </button>
  );
}

function Ended({ session, view }: { session: HostedSession; view: TerminalView }) {
  const isGuest = guestAt(session.host) !== null;
  return (
    <Line
      action={
        <>
          {!isGuest && (
            <button
              type="button"
              className="button small quiet"
              onClick={() => void ask({ host: session.host, method: 'session.remove', params: { session: session.id } })}
            >
              Remove from list
            </button>
          )}
          <button type="button" className="button small quiet" onClick={() => closeTab(session.key)}>
            Close tab
          </button>
          <button type="button" className="button small quiet" onClick={() => openReplay(session.key, 0)}>
            Replay
          </button>
          {!isGuest && (
            <Hint label="Below the old screen; nothing is run again">
              <button type="button" className="button small" onClick={() => void restartSession(session)}>
                New shell here
              </button>
            </Hint>
          )}
        </>
      }
    >
      Ended: {endText(session.end ?? view.end)}. Its history stays.
    </Line>
  );
}
