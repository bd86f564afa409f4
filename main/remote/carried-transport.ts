/** A transport over SSH as the client sees it: introduced to the host, and its end told to who owns the link. */
import { PassingTransport } from '#local/passing-transport.ts';
import { encodeOrigin } from '#protocol/frames.ts';
import type { Origin } from '#protocol/shapes.ts';
import type { Transport, TransportListener } from '#protocol/transport.ts';

type Options = {
  /** Put behind the client's magic, which it sends alone and first; null where a bridge does that. */
  origin: Origin | null;
  onClosed: () => void;
};

export class CarriedTransport extends PassingTransport {
  readonly #onClosed: () => void;
  #origin: Origin | null;

  constructor(transport: Transport, { origin, onClosed }: Options) {
    super(transport);
    this.#origin = origin;
    this.#onClosed = onClosed;
  }

  override send(...parts: Uint8Array[]): void {
    const origin = this.#origin;
    this.#origin = null;
    super.send(...parts, ...(origin ? [encodeOrigin(origin)] : []));
  }

  protected override closed(error: Error | undefined, listener: TransportListener): void {
    this.#onClosed();
    super.closed(error, listener);
  }
}
