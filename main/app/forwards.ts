/**
 * Forwards that the window asked for: ports of sessions, opened on this machine by the app, since a page cannot listen. Each
 * host has one client for them, as long as there are any; they end with their session, and with the app.
 */
import { randomBytes } from 'node:crypto';
import { app } from 'electron';
import { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import { Forward } from '#local/forward.ts';
import { personName } from '#local/person-name.ts';
import { newClientId } from '#protocol/ids.ts';
import type { ForwardView, WantedForward } from '../../preload/api.ts';
import { reach } from '../remote/reach.ts';
import { identityFor } from './own-key.ts';
import { tellPage } from './page-events.ts';
import { askPage } from './questions.ts';

/** How often the page is told of byte counts, milliseconds. */
const TELL_EVERY_MS = 500;
/** Of all hosts. */
const MAX_FORWARDS = 64;

const clients = new Map<string, CmdopClient>();
const forwards = new Map<number, { host: string; forward: Forward }>();
let lastId = 0;
let telling: NodeJS.Timeout | null = null;

export function forwardViews(): ForwardView[] {
  return [...forwards].map(([id, { host, forward }]) => {
    const { session, port, localPort, address, counts } = forward;
    return { id, host, session, port, localPort, address, ...counts };
  });
}

/** The one that is there already, if it is. Rejects with a sentence that says what to do. */
export async function openForward({ host, session, port }: WantedForward): Promise<ForwardView> {
  const known = forwardViews().find((each) => each.host === host && each.session === session && each.port === port);
  if (known) return known;
  if (forwards.size >= MAX_FORWARDS) throw new Error(`${MAX_FORWARDS} ports are forwarded already: stop one first`);
  const id = ++lastId;
  const client = await clientOf(host);
  try {
    const forward = await Forward.open({
      client,
      session,
      port,
      changed: tellSoon,
      ended: ({ message }) => {
        forget(id);
        tellPage({ is: 'notice', host, text: message });
      },
    });
    forwards.set(id, { host, forward });
  } finally {
    leaveIfUnused(host);
  }
  tellSoon();
  const view = forwardViews().find((each) => each.id === id);
  if (!view) throw new Error(`the forward of port ${port} has ended already`);
  return view;
}

export function endForward(id: number): void {
  forwards.get(id)?.forward.close();
  forget(id);
}

function forget(id: number): void {
  const known = forwards.get(id);
  if (!known) return;
  forwards.delete(id);
  leaveIfUnused(known.host);
  tellSoon();
}

function leaveIfUnused(host: string): void {
  if ([...forwards.values()].some((each) => each.host === host)) return;
  clients.get(host)?.close();
  clients.delete(host);
}

/** Resolves once it is connected; from then on it comes back by itself. Rejects if it cannot connect at first. */
function clientOf(host: string): Promise<CmdopClient> {
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
      onEvent: (event) => {
        if (event.event !== 'ports.closed') return;
        for (const { forward } of [...forwards.values()]) void forward.closedByHost(event.params.forward, event.params.message);
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

function tellSoon(): void {
  if (telling) return;
  telling = setTimeout(() => {
    telling = null;
    tellPage({ is: 'forwards', forwards: forwardViews() });
  }, TELL_EVERY_MS);
}
