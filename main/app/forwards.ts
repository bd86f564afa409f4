/**
 * Forwards that the window asked for: ports of sessions, opened on this machine by the app, since a page cannot listen. They
 * end with their session, and with the app.
 */
import type { ConnectionEvent } from '#client/connection.ts';
import { Forward } from '#local/forward.ts';
import type { ForwardView, WantedForward } from '../../preload/api.ts';
import { hostClient, leaveHost } from './host-clients.ts';
import { tellPage } from './page-events.ts';

/** How often the page is told of byte counts, milliseconds. */
const TELL_EVERY_MS = 500;
/** Of all hosts. */
const MAX_FORWARDS = 64;

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
  const client = await hostClient(host, user);
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
    leaveHost(host);
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

const user = {
  uses: (host: string) => [...forwards.values()].some((each) => each.host === host),
  event(event: ConnectionEvent) {
    if (event.event !== 'ports.closed') return;
    for (const { forward } of [...forwards.values()]) void forward.closedByHost(event.params);
  },
};

function forget(id: number): void {
  const known = forwards.get(id);
  if (!known) return;
  forwards.delete(id);
  leaveHost(known.host);
  tellSoon();
}

function tellSoon(): void {
  if (telling) return;
  telling = setTimeout(() => {
    telling = null;
    tellPage({ is: 'forwards', forwards: forwardViews() });
  }, TELL_EVERY_MS);
}
