/** A transport that is another one, but for what a subclass changes on the way. */
import type { Transport, TransportListener } from '#protocol/transport.ts';

export abstract class PassingTransport implements Transport {
  protected readonly transport: Transport;
  /** Only where the carrier can; nothing is changed on this way, which is for streams. */
  readonly sendThen?: NonNullable<Transport['sendThen']>;

  constructor(transport: Transport) {
    this.transport = transport;
    if (transport.sendThen) this.sendThen = (done, ...parts) => transport.sendThen?.(done, ...parts);
  }

  get kind(): string {
    return this.transport.kind;
  }
  get queuedBytes(): number {
    return this.transport.queuedBytes;
  }

  send(...parts: Uint8Array[]): void {
    this.transport.send(...parts);
  }

  listen(listener: TransportListener): void {
    this.transport.listen({
      received: (bytes) => this.received(bytes, listener),
      drained: () => listener.drained(),
      closed: (error) => this.closed(error, listener),
    });
  }

  pause(): void {
    this.transport.pause?.();
  }
  resume(): void {
    this.transport.resume?.();
  }
  close(): void {
    this.transport.close();
  }

  protected received(bytes: Uint8Array, listener: TransportListener): void {
    listener.received(bytes);
  }
  protected closed(error: Error | undefined, listener: TransportListener): void {
    listener.closed(error);
  }
}
