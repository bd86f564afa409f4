/** Carries bytes between the page's ports and the host or a keeper. The page gets streams, never a socket. */
import { MessageChannelMain, type WebFrameMain } from 'electron';
import { connectToKeeper } from '#local/keeper-connection.ts';
import { localPaths } from '#local/paths.ts';
import type { Transport } from '#protocol/transport.ts';
import type { ConnectAnswer, Connected } from '../../preload/api.ts';
import { PORT } from '../../preload/channels.ts';
import { pageReached } from './host-clients.ts';
import { reachHost } from './reach-host.ts';

let lastId = 0;

/** Connects to `host` and posts the port to `page`. Rejects only when the page went away meanwhile. */
export async function connectPage(page: WebFrameMain, host: string): Promise<ConnectAnswer> {
  const reached = await reachHost(host);
  if (reached.is === 'failed') return reached;
  pageReached(host);
  return hand(page, reached.transport);
}

/** Rejects where nobody listens at `socket`, or it is no keeper's of this user's: a page must reach nothing else by it. */
export async function connectPageToKeeper(page: WebFrameMain, socket: string): Promise<Connected> {
  const session = /k-(\w+)(?:\.sock)?$/.exec(socket)?.[1] ?? '';
  if (localPaths().keeperSocket(session) !== socket) throw new Error(`${socket} is no session's of this machine`);
  return hand(page, await connectToKeeper(socket));
}

function hand(page: WebFrameMain, transport: Transport): Connected {
  const id = ++lastId;
  const { port1, port2 } = new MessageChannelMain();
  try {
    page.postMessage(PORT, id, [port1]);
  } catch (error) {
    transport.close(); // the page went away meanwhile
    throw error;
  }
  pump(transport, port2);
  return { is: 'connected', id, transport: transport.kind };
}

/**
 * No flow control of its own is needed: the host sends at most its window beyond what the page's terminal has
 * acknowledged (1 MiB for each attached session), so that is all that can pile up here.
 */
function pump(transport: Transport, port: Electron.MessagePortMain): void {
  let waiting: Uint8Array[] = [];
  let isClosed = false;

  const flush = () => {
    const parts = waiting;
    waiting = [];
    if (!isClosed && parts.length > 0) port.postMessage(concat(parts));
  };
  const close = () => {
    if (isClosed) return;
    flush();
    isClosed = true;
    port.postMessage(null);
    port.close();
    transport.close();
  };

  transport.listen({
    received: (bytes) => {
      // One message a tick: each costs the page a task, whatever its size.
      if (waiting.push(bytes) === 1) setImmediate(flush);
    },
    drained: () => {},
    closed: close,
  });
  port.on('message', ({ data }: { data: unknown }) => {
    if (data instanceof Uint8Array) transport.send(data);
    else close();
  });
  port.on('close', close);
  port.start();
}

/** Always a copy of exactly these bytes: cloning a view would send the whole pool behind it. */
function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
