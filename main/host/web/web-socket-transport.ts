/** The wire over a WebSocket that a browser has opened: binary messages are its bytes. */
import type { WebSocket } from 'ws';
import type { Transport, TransportListener } from '#protocol/transport.ts';

export class WebSocketTransport implements Transport {
  readonly kind = 'websocket';
  readonly #socket: WebSocket;
  #listener: TransportListener | null = null;
  #unsent = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get queuedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(...parts: Uint8Array[]): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#unsent++;
    this.#socket.send(Buffer.concat(parts), () => {
      if (--this.#unsent === 0) this.#listener?.drained();
    });
  }

  listen(listener: TransportListener): void {
    this.#listener = listener;
    let failure: Error | undefined;
    this.#socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) listener.received(data);
      else this.#socket.close(1003);
    });
    this.#socket.on('error', (error) => {
      failure = error;
    });
    this.#socket.on('close', () => listener.closed(failure));
  }

  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }
  close(): void {
    this.#socket.close();
  }
}
