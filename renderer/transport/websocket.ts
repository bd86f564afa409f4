/** The wire over a WebSocket, for the page in a browser: binary messages are its bytes. */
import type { Transport, TransportListener } from '#protocol/transport.ts';

/** How often we look whether the browser sent what it holds, milliseconds; it has no event for it. */
const DRAIN_POLL_MS = 50;

/** Resolves once open. Rejects with a sentence that says what to do. */
export function connectWebSocket(url: string): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      socket.onopen = null;
      socket.onclose = null;
      resolve(new WebSocketTransport(socket));
    };
    socket.onclose = () => reject(new Error('the host does not answer; if it was stopped, run `cmdop web` and open the new address'));
  });
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
