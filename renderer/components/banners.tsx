/** What is wrong with the link or the host, across the window: since when, and what to do. */
import { useEffect, useState } from 'react';
import { client } from '../state/engine.ts';
import { useApp } from '../state/store.ts';
import { timeText } from '../text/format.ts';

export function Banners() {
  const link = useApp((state) => state.link);
  const warnings = useApp((state) => state.warnings);
  return (
    <>
      {link.is === 'offline' && (
        <div className="banner offline" role="alert" data-testid="offline-banner">
          <span className="banner-text">
            <strong>The host cannot be reached since {clockText(link.since)}.</strong> Sessions go on; this window reconnects by itself
            <RetryText at={link.retryAt} />. <span className="dim">{link.error.message}</span>
          </span>
          <button type="button" className="button small" disabled={link.retryAt === null} onClick={() => client().reconnectNow()}>
            {link.retryAt === null ? 'Connecting…' : 'Reconnect now'}
          </button>
        </div>
      )}
      {link.is === 'connected' && !link.isResponsive && (
        <div className="banner" role="status">
          The host does not answer at the moment. What you type waits until it does.
        </div>
      )}
      {warnings.map((warning) => (
        <div key={warning} className="banner" role="status">
          {warning}
        </div>
      ))}
    </>
  );
}

/** Seconds to the next attempt; only while it is far enough to be worth reading. */
function RetryText({ at }: { at: number | null }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const seconds = at === null ? 0 : Math.ceil((at - now) / 1_000);
  return seconds > 1 ? <> in {seconds} s</> : null;
}

function clockText(time: number): string {
  const isOld = Date.now() - time > 12 * 3_600_000;
  return isOld ? timeText(time) : new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}
