/** What is wrong with the link or the host: since when, and what to do. It stands where the control bar is, so that nothing moves. */
import { useEffect, useState } from 'react';
import { replaceHost, upgradeHost } from '../state/actions.ts';
import { setHost, useActiveHost } from '../state/store.ts';
import { timeText } from '../text/format.ts';
import { HostRemedy } from './host-remedy.tsx';
import { useActiveTerminal, useTerminalView } from './use-terminal.ts';

export function OfflineBanner() {
  const host = useActiveHost();
  if (host?.link.is !== 'offline') return null;
  const { link, guestEnd } = host;
  if (guestEnd !== null) {
    return (
      <div className="banner offline" role="alert" data-testid="offline-banner">
        <span className="banner-text wrap">
          <strong>You are no guest any more.</strong> {guestEnd}
        </span>
      </div>
    );
  }
  return (
    <div className="banner offline" role="alert" data-testid="offline-banner">
      {/* What only a person can mend is told whole. */}
      <span className={link.isHeld ? 'banner-text wrap' : 'banner-text'} title={link.error.message}>
        <strong>{awayText(link, host.sessions !== null)}</strong> {host.sessions !== null && 'Sessions go on. '}
        <span className="dim">{link.error.message}</span>
      </span>
      <Waiting />
      <NextTry at={link.retryAt} />
      <HostRemedy host={host} />
    </div>
  );
}

/** `isShown`: there is something of it on screen, which is as old as the loss. */
function awayText({ isHeld, since }: { isHeld: boolean; since: number }, isShown: boolean): string {
  if (!isHeld) return `Offline since ${clockText(since)}.`;
  return isShown ? `Not connected since ${clockText(since)}.` : 'Not connected.';
}

/** What was typed meanwhile: how much, not what, since it may be a secret. */
function Waiting() {
  const terminal = useActiveTerminal();
  const units = useTerminalView(terminal)?.pendingUnits ?? 0;
  if (units === 0) return null;
  return (
    <>
      <span data-testid="waiting-input">{units === 1 ? '1 input waits' : `${units} inputs wait`} to be sent</span>
      <button type="button" className="button small quiet" onClick={() => terminal?.dropPending()}>
        Drop
      </button>
    </>
  );
}

export function Warnings() {
  const host = useActiveHost();
  return host?.warnings.map((warning) => (
    <div key={warning} className="banner" role="status">
      <span className="banner-text wrap">{warning}</span>
    </div>
  ));
}

/** Quiet: the old host works, it is only not the newest. */
export function OtherBuild() {
  const host = useActiveHost();
  if (!host?.otherBuild || host.link.is !== 'connected') return null;
  const { name, otherBuild } = host;
  return (
    <div className="banner" role="status" data-testid="other-build">
      <span className="banner-text">
        {otherBuild === 'install'
          ? `${name} has an older cmdop. Sessions go on while it is upgraded.`
          : 'The host is of another build. Sessions go on while it is replaced.'}
      </span>
      <button type="button" className="button small quiet" onClick={() => setHost(name, { otherBuild: null })}>
        Not now
      </button>
      <button
        type="button"
        className="button small"
        onClick={() => void (otherBuild === 'install' ? upgradeHost(name) : replaceHost(name, otherBuild))}
      >
        {otherBuild === 'install' ? 'Upgrade' : 'Replace host'}
      </button>
    </div>
  );
}

/** Seconds to the next attempt; only while it is far enough to be worth reading. */
function NextTry({ at }: { at: number | null }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const seconds = at === null ? 0 : Math.ceil((at - now) / 1_000);
  return seconds > 1 && <span className="dim" aria-hidden="true">{`next try in ${seconds} s`}</span>;
}

function clockText(time: number): string {
  const isOld = Date.now() - time > 12 * 3_600_000;
  if (isOld) return timeText(time);
  return new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
}
