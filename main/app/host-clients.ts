/** The app's own clients of hosts, beside those of its page: one for each host, as long as something of the app uses it. */
import { randomBytes } from 'node:crypto';
import { app } from 'electron';
import { CmdopClient } from '#client/cmdop-client.ts';
import type { ConnectionEvent } from '#client/connection.ts';
import { systemClock } from '#local/clock.ts';
import { personName } from '#local/person-name.ts';
import { newClientId } from '#protocol/ids.ts';
import { reach } from '../remote/reach.ts';
import { identityFor } from './own-key.ts';
import { askPage } from './questions.ts';
import { whatHelps } from './what-helps.ts';

export type HostUser = {
  /** Whether it still needs a client of the host. */
  uses(host: string): boolean;
  event?(event: ConnectionEvent): void;
};

const clients = new Map<string, CmdopClient>();
const users = new Set<HostUser>();

/** Resolves once it is connected; from then on it comes back by itself. Rejects if it cannot connect at first. */
export function hostClient(host: string, user: HostUser): Promise<CmdopClient> {
  users.add(user);
  const known = clients.get(host);
  if (known) return known.whenConnected().then(() => known);
  return new Promise((resolve, reject) => {
    let wasConnected = false;
    const client = new CmdopClient({
      identity: { id: newClientId(randomBytes), interface: 'desktop', name: personName(), build: app.getVersion() },
      connect: async (signal) => {
        const ask = askPage(host);
        signal.addEventListener('abort', () => ask.end());
        try {
          return await reach(host, { ask, start: false, signal, identity: identityFor });
        } finally {
          ask.end();
        }
      },
      clock: systemClock,
      random: Math.random,
      // As the page's: who said no is not asked by another dialog.
      isHeldBy: (error) => whatHelps(error) !== 'time',
      onEvent: (event) => {
        for (const each of users) each.event?.(event);
      },
      onState: (state) => {
        if (state.is === 'connected' && !wasConnected) {
          wasConnected = true;
          resolve(client);
        } else if (state.is === 'offline' && !wasConnected) {
          clients.delete(host);
          client.close();
          reject(state.error);
        }
      },
    });
    clients.set(host, client);
  });
}

/** The page got there: what kept us away as well is over. */
export function pageReached(host: string): void {
  const client = clients.get(host);
  if (client?.state.is === 'offline' && client.state.isHeld) client.reconnectNow();
}

/** Somebody needs it no more. */
export function leaveHost(host: string): void {
  if ([...users].some((user) => user.uses(host))) return;
  clients.get(host)?.close();
  clients.delete(host);
}

/** The machine woke up. */
export function recheckHosts(): void {
  for (const client of clients.values()) client.networkChanged();
}
