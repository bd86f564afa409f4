/** Carries bytes between the page's port and the host. The page gets a stream, never a socket, a path or a token. */
import { MessageChannelMain, type WebFrameMain } from 'electron';
import type { Transport } from '#protocol/transport.ts';
import type { ConnectAnswer } from '../../preload/api.ts';
import { PORT } from '../../preload/channels.ts';
import { pageReached } from './host-clients.ts';
import { reachHost } from './reach-host.ts';

let lastId = 0;

/** Connects to `host` and posts the port to `page`. Rejects only when the page went away meanwhile. */
export async function connectPage(page: WebFrameMain, host: string): Promise<ConnectAnswer> {
  const reached = await reachHost(host);
  if (reached.is === 'failed') return reached;
  pageReached(host);
  const { transport } = reached;
  const id = ++lastId;
  const { port1, port2 } = new MessageChannelMain();
  try {
    page.postMessage(PORT, id, [port1]);
  } catch (error) {
    transport.close(); // the page went away while we connected
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
