/** The wire over a WebSocket, for the page in a browser: binary messages are its bytes. */
import { CmdopError } from '#protocol/errors.ts';
import type { Transport, TransportListener } from '#protocol/transport.ts';

/** How often we look whether the browser sent what it holds, milliseconds; it has no event for it. */
const DRAIN_POLL_MS = 50;
/** How long a host may take to say why it refuses this page, milliseconds. */
const ANSWER_MS = 10_000;

/**
 * Resolves once open; `key`: what this page was given to be let in. Rejects with a sentence that says what to do, and as
 * `unauthorized` where only a person can help.
 */
export async function connectWebSocket(url: string, key: string | null): Promise<Transport> {
  const opened = key === null ? null : await open(url, key);
  if (opened) return opened;
  throw (await refusal(url, key)) ?? new Error('the host does not answer; if it was stopped, run `cmdop web` and open the new address');
}

/** Null where it cannot be opened. */
function open(url: string, key: string): Promise<Transport | null> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, ['cmdop', `key.${key}`]);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      socket.onopen = null;
      socket.onclose = null;
      resolve(new WebSocketTransport(socket));
    };
    socket.onclose = () => resolve(null);
  });
}

/** Browsers do not tell why a WebSocket was refused, so the host is asked. Null where it lets this page in, or is not there. */
async function refusal(url: string, key: string | null): Promise<CmdopError | null> {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  try {
    const answer = await fetch(url.replace('ws', 'http'), { headers, signal: AbortSignal.timeout(ANSWER_MS) });
    return answer.status === 401 ? new CmdopError('unauthorized', (await answer.text()).trim(), { needs: 'person' }) : null;
  } catch {
    return null; // nobody answers there
  }
}

class WebSocketTransport implements Transport {
  readonly kind = 'websocket';
  readonly #socket: WebSocket;
  #drainTimer: ReturnType<typeof setInterval> | null = null;
  #listener: TransportListener | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get queuedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  listen(listener: TransportListener): void {
    this.#listener = listener;
    this.#socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) listener.received(new Uint8Array(data));
    };
    this.#socket.onclose = ({ wasClean, reason }) => {
      this.#stopDraining();
      listener.closed(wasClean ? undefined : new Error(reason || 'the connection was cut'));
    };
    if (this.#socket.readyState >= WebSocket.CLOSING) queueMicrotask(() => listener.closed());
  }

  send(...parts: Uint8Array[]): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    for (const part of parts) this.#socket.send(new Uint8Array(part));
    this.#drainTimer ??= setInterval(() => {
      if (this.queuedBytes > 0) return;
      this.#stopDraining();
      this.#listener?.drained();
    }, DRAIN_POLL_MS);
  }

  close(): void {
    this.#socket.close(1000);
  }

  #stopDraining(): void {
    if (this.#drainTimer !== null) clearInterval(this.#drainTimer);
    this.#drainTimer = null;
  }
}
