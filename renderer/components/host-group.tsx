/** One host in the sidebar, where there are several: how it stands, what is wrong with it, what can be done. */
import { Ellipsis, Plus } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import { type ReactNode, useId, useLayoutEffect, useRef, useState } from 'react';
import { LOCAL_HOST } from '#protocol/address.ts';
import { quickSession } from '../state/actions.ts';
import { client } from '../state/engines.ts';
import { removeHost } from '../state/open-hosts.ts';
import { app, type HostView, setHost } from '../state/store.ts';
import { timeText } from '../text/format.ts';
import { hostTitle, LINK_TEXTS, linkIs } from '../text/host-state.ts';
import { HostRemedy } from './host-remedy.tsx';
import { IconButton } from './icon-button.tsx';

export function HostGroup({ host, children }: { host: HostView; children: ReactNode }) {
  const id = useId();
  const { name, link } = host;
  const is = linkIs(link);
  return (
    <section className={`host-group ${is}`} aria-labelledby={id} data-testid="host-group" data-host={name} data-link={is}>
      <header className="host-head">
        <span className={`link-state ${is}`}>
          <span className="link-dot" aria-hidden="true" />
        </span>
        <h2 id={id} title={hostTitle(name)}>
          {hostTitle(name)}
        </h2>
        <span className="spring" />
        {(is === 'connecting' || is === 'unresponsive') && <span className="host-state">{LINK_TEXTS[is]}</span>}
        <HostMenu host={host} />
        {host.guest === null && (
          <IconButton
            label={`New session on ${hostTitle(name)}`}
            className="small"
            disabled={is !== 'connected'}
            onClick={() => void quickSession(name)}
          >
            <Plus size={14} />
          </IconButton>
        )}
      </header>
      {host.install ? <Progress host={host} /> : <Trouble host={host} />}
      {children}
    </section>
  );
}

function HostMenu({ host: { name, link, guest } }: { host: HostView }) {
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>
        <IconButton label={`${hostTitle(name)}: more`} className="small host-name">
          <Ellipsis size={14} />
        </IconButton>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" collisionPadding={8} align="end">
          {guest === null && (
            <DropdownMenu.Item onSelect={() => setTimeout(() => app.set({ dialog: { is: 'new-session', host: name } }))}>
              New session…
            </DropdownMenu.Item>
          )}
          <DropdownMenu.Item disabled={link.is !== 'offline'} onSelect={() => client(name).reconnectNow()}>
            Reconnect now
          </DropdownMenu.Item>
          {name !== LOCAL_HOST && (
            <>
              <DropdownMenu.Separator />
              <DropdownMenu.Item onSelect={() => removeHost(name)}>Remove from this window</DropdownMenu.Item>
            </>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** Why the host is not there, in the words of whoever found out. */
function Trouble({ host }: { host: HostView }) {
  const { name, link, installFailure, guestEnd } = host;
  if (installFailure !== null) return <InstallFailure host={name} sentence={installFailure} />;
  if (link.is !== 'offline') return null;
  const text = guestEnd ?? `${link.isHeld ? '' : `Since ${timeText(link.since)}: `}${link.error.message}`;
  return (
    <div className="host-trouble" role="alert" data-testid="host-trouble">
      <Sentence key={text} text={text} />
      <HostRemedy host={host} />
    </div>
  );
}

/** A few lines of it, since the sessions are below; all of it when that is asked for. */
function Sentence({ text }: { text: string }) {
  const shown = useRef<HTMLParagraphElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  const [isCut, setIsCut] = useState(false);
  useLayoutEffect(() => {
    const element = shown.current;
    if (!element || isOpen) return;
    const measure = () => setIsCut(element.scrollHeight > element.clientHeight + 1);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [isOpen]);
  return (
    <>
      <p ref={shown} className={isOpen ? undefined : 'clamped'}>
        {text}
      </p>
      {isCut && (
        <button type="button" className="button small quiet" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          {isOpen ? 'Show less' : 'Show all'}
        </button>
      )}
    </>
  );
}

function InstallFailure({ host, sentence }: { host: string; sentence: string }) {
  return (
    <div className="host-trouble" role="alert" data-testid="host-trouble">
      <Sentence key={sentence} text={sentence} />
      <div className="host-choices">
        <button type="button" className="button small" onClick={() => app.set({ dialog: { is: 'install', host } })}>
          Try again…
        </button>
        <button type="button" className="button small quiet" onClick={() => setHost(host, { installFailure: null })}>
          Dismiss
        </button>
      </div>
    </div>
  );
}

function Progress({ host: { name, install } }: { host: HostView }) {
  return (
    <div className="host-trouble quiet" role="status">
      <p>{install?.step}</p>
      <progress aria-label={`Installing cmdop on ${name}`} max={1} {...(install?.share == null ? {} : { value: install.share })} />
    </div>
  );
}
