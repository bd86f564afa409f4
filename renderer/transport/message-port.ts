/** The wire over a MessagePort, for the page in the desktop app: the app pumps it to a socket. */
import { CmdopError } from '#protocol/errors.ts';
import type { Transport, TransportListener } from '#protocol/transport.ts';
import type { Connected, DesktopApi } from '../../preload/api.ts';

/** Ports that arrived before, and waiters that asked before, the other half was there; by id. */
const arrived = new Map<number, MessagePort>();
const waiting = new Map<number, (port: MessagePort) => void>();

window.addEventListener('message', (event: MessageEvent<unknown>) => {
  const port = event.ports[0];
  if (event.source !== window || !port || !isPortMessage(event.data)) return;
  const waiter = waiting.get(event.data.id);
  waiting.delete(event.data.id);
  if (waiter) waiter(port);
  else arrived.set(event.data.id, port);
});

/** Rejects with the app's sentence if the host cannot be reached or started; its `data.needs` says what would help. */
export async function connectMessagePort(app: DesktopApi, host: string): Promise<Transport> {
  const answer = await app.connect(host);
  if (answer.is === 'failed') throw new CmdopError('host-unreachable', answer.message, { needs: answer.needs });
  return overPort(answer);
}

/** Rejects where there is no such keeper any more. */
export const connectKeeperPort = async (app: DesktopApi, socket: string): Promise<Transport> => overPort(await app.connectKeeper(socket));

async function overPort({ id, transport }: Connected): Promise<Transport> {
  const port =
    arrived.get(id) ??
    (await new Promise<MessagePort>((resolve) => {
      waiting.set(id, resolve);
    }));
  arrived.delete(id);
  return new MessagePortTransport(port, transport);
}

class MessagePortTransport implements Transport {
  readonly kind: string;
  /** A port takes everything at once. */
  readonly queuedBytes = 0;
  readonly #port: MessagePort;
  #listener: TransportListener | null = null;
  #isClosed = false;

  constructor(port: MessagePort, kind: string) {
    this.#port = port;
    this.kind = kind;
  }

  listen(listener: TransportListener): void {
    this.#listener = listener;
    this.#port.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (this.#isClosed) return;
      if (data instanceof Uint8Array) listener.received(data);
      else if (data === null) this.#closed();
    };
    this.#port.addEventListener('close', () => this.#closed(new Error('the app closed the connection')));
    this.#port.start();
  }

  send(...parts: Uint8Array[]): void {
    if (this.#isClosed) return;
    for (const part of parts) this.#port.postMessage(part);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#port.postMessage(null);
    this.#closed();
  }

  #closed(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#port.close();
    this.#listener?.closed(error);
  }
}

function isPortMessage(message: unknown): message is { cmdop: 'port'; id: number } {
  return typeof message === 'object' && message !== null && 'cmdop' in message && message.cmdop === 'port' && 'id' in message;
}
