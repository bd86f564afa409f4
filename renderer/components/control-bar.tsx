/** Over the terminal: who has control, how to take or release it, and why the last input was not typed. */
import { Eye, Keyboard } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Actor, Control } from '#protocol/shapes.ts';
import { ask, closeTab, releaseControl, restartSession, takeControl } from '../state/actions.ts';
import { keyText } from '../state/commands.ts';
import { type HostedSession, useActiveHost, useActiveSession } from '../state/store.ts';
import type { SessionTerminal } from '../terminal/session-terminal.ts';
import type { TerminalView } from '../terminal/terminal-view.ts';
import { endText } from '../text/session-state.ts';
import { ActorMark, INTERFACE_NAMES } from './actor-mark.tsx';
import { Hint, Keys } from './hint.tsx';
import { useActiveTerminal, useTerminalView } from './use-terminal.ts';

export function ControlBar() {
  const terminal = useActiveTerminal();
  const view = useTerminalView(terminal);
  const session = useActiveSession();
  if (!terminal || !view || !session) return <div className="control-bar" data-testid="control-bar" />;
  return (
    <div className={`control-bar${view.refusal ? ' refused' : ''}`} data-testid="control-bar" data-control={controlState(view, session)}>
      <Content terminal={terminal} view={view} session={session} />
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
  const holder = presentHolder(view, session);
  if (session.state === 'ended' || view.state === 'ended') return <Ended session={session} view={view} />;
  if (view.state === 'attaching' || view.state === 'failed') return null;
  if (view.state === 'cut' || !isResponsive) return <Line alert>The host does not answer. What you type waits here until it does.</Line>;
  if (view.refusal) {
    return (
      <Line alert actor={holder?.actor ?? null} action={view.role === 'observer' ? <Join terminal={terminal} /> : <Take isKeyShown />}>
        {view.refusal}
      </Line>
    );
  }
  if (view.role === 'observer') {
    return (
      <Line icon={<Eye size={14} />} action={<Join terminal={terminal} />}>
        Observing{holder && `, ${holder.actor.name} has control`}. Typing does nothing here: you joined as observer.
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
    <Line actor={holder.actor} action={<Take />}>
      {holder.actor.id === me?.id
        ? `You have control in another window (${INTERFACE_NAMES[holder.actor.interface]})`
        : `${holder.actor.name} has control`}
    </Line>
  );
}

type LineProps = { icon?: ReactNode; actor?: Actor | null; action?: ReactNode; alert?: boolean; children: ReactNode };

function Line({ icon, actor, action, alert, children }: LineProps) {
  return (
    <>
      {actor ? <ActorMark actor={actor} size="small" /> : icon}
      <span className="control-text" role={alert ? 'alert' : 'status'}>
        {children}
      </span>
      {action}
    </>
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
  return (
    <Line
      action={
        <>
          <button
            type="button"
            className="button small quiet"
            onClick={() => void ask({ host: session.host, method: 'session.remove', params: { session: session.id } })}
          >
            Remove from list
          </button>
          <button type="button" className="button small quiet" onClick={() => closeTab(session.key)}>
            Close tab
          </button>
          <Hint label="Below the old screen; nothing is run again">
            <button type="button" className="button small" onClick={() => void restartSession(session)}>
              New shell here
            </button>
          </Hint>
        </>
      }
    >
      Session ended: {endText(session.end ?? view.end)}. Its history stays.
    </Line>
  );
}
