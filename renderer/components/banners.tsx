/** What is wrong with the link or the host: since when, and what to do. It stands where the control bar is, so that nothing moves. */
import { useEffect, useState } from 'react';
import { replaceHost } from '../state/actions.ts';
import { client } from '../state/engine.ts';
import { app, useApp } from '../state/store.ts';
import { timeText } from '../text/format.ts';

export function OfflineBanner() {
  const link = useApp((state) => state.link);
  if (link.is !== 'offline') return null;
  return (
    <div className="banner offline" role="alert" data-testid="offline-banner">
      <span className="banner-text" title={link.error.message}>
        <strong>Offline since {clockText(link.since)}.</strong> Sessions go on. <span className="dim">{link.error.message}</span>
      </span>
      <NextTry at={link.retryAt} />
      <button type="button" className="button small" disabled={link.retryAt === null} onClick={() => client().reconnectNow()}>
        {link.retryAt === null ? 'Connecting…' : 'Reconnect now'}
      </button>
    </div>
  );
}

export function Warnings() {
  const warnings = useApp((state) => state.warnings);
  return warnings.map((warning) => (
    <div key={warning} className="banner" role="status">
      <span className="banner-text wrap">{warning}</span>
    </div>
  ));
}

/** Quiet: the old host works, it is only not the newest. */
export function OtherBuild() {
  const build = useApp((state) => state.otherBuild);
  const isConnected = useApp((state) => state.link.is === 'connected');
  if (!build || !isConnected) return null;
  return (
    <div className="banner" role="status" data-testid="other-build">
      <span className="banner-text">The host is of another build. Sessions go on while it is replaced.</span>
      <button type="button" className="button small quiet" onClick={() => app.set({ otherBuild: null })}>
        Not now
      </button>
      <button type="button" className="button small" onClick={() => void replaceHost(build)}>
        Replace host
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
