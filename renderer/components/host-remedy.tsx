/** The button beside a host that is not there: try again, or bring cmdop to it. */
import { client } from '../state/engines.ts';
import { app, type HostView } from '../state/store.ts';
import { isHostTooOld } from '../text/host-state.ts';

export function HostRemedy({ host: { name, link } }: { host: HostView }) {
  if (link.is !== 'offline') return null;
  if (link.error.data?.needs === 'install' || isHostTooOld(link.error)) {
    return (
      <button type="button" className="button small" onClick={() => app.set({ dialog: { is: 'install', host: name } })}>
        Install cmdop…
      </button>
    );
  }
  const isTrying = link.retryAt === null && !link.isHeld;
  return (
    <button type="button" className="button small" disabled={isTrying} onClick={() => client(name).reconnectNow()}>
      {link.isHeld ? 'Try again' : isTrying ? 'Connecting…' : 'Reconnect now'}
    </button>
  );
}
