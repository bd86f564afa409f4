/** A transport over SSH as the client sees it: introduced to the host, and its end told to who owns the link. */
import { encodeOrigin } from '#protocol/frames.ts';
import type { Origin } from '#protocol/shapes.ts';
import type { Transport, TransportListener } from '#protocol/transport.ts';

type Options = {
  /** Put behind the client's magic, which it sends alone and first; null where a bridge does that. */
  origin: Origin | null;
  onClosed: () => void;
};

export class CarriedTransport implements Transport {
  readonly #transport: Transport;
  readonly #onClosed: () => void;
  #origin: Origin | null;

  constructor(transport: Transport, { origin, onClosed }: Options) {
    this.#transport = transport;
    this.#origin = origin;
    this.#onClosed = onClosed;
  }

  get kind(): string {
    return this.#transport.kind;
  }
  get queuedBytes(): number {
    return this.#transport.queuedBytes;
  }

  send(...parts: Uint8Array[]): void {
    const origin = this.#origin;
    this.#origin = null;
    if (origin) this.#transport.send(...parts, encodeOrigin(origin));
    else this.#transport.send(...parts);
  }

  listen(listener: TransportListener): void {
    this.#transport.listen({
      received: (bytes) => listener.received(bytes),
      drained: () => listener.drained(),
      closed: (error) => {
        this.#onClosed();
        listener.closed(error);
      },
    });
  }

  pause(): void {
    this.#transport.pause?.();
  }
  resume(): void {
    this.#transport.resume?.();
  }
  close(): void {
    this.#transport.close();
  }
}
