/** An ordered byte stream between a client and a host, whatever carries it: socket, pipe, WebSocket, port, SSH channel. */

export interface Transport {
  /** What carries the bytes, for the status bar: `unix socket`, `websocket`, `ssh`. */
  readonly kind: string;
  /** Sends the parts back to back. Never throws and never blocks; after close they are dropped. */
  send(...parts: Uint8Array[]): void;
  /** As `send`, but the parts may wait until the end of this turn for others to go with. Where the carrier can. */
  sendSoon?(...parts: Uint8Array[]): void;
  /** As `send`, and `done` once nothing of the parts is held any more, so that they may be changed. Where the carrier can tell. */
  sendThen?(done: () => void, ...parts: Uint8Array[]): void;
  /** Bytes accepted and not yet handed to the operating system. */
  readonly queuedBytes: number;
  /** Called once, before any byte arrives. `closed` is called exactly once, with why if it was not on purpose. */
  listen(listener: TransportListener): void;
  /** Stops delivery until `resume`, where the carrier can: the peer sends faster than its bytes can be used. */
  pause?(): void;
  resume?(): void;
  /** Ends the stream; what was sent before is still delivered if the carrier can. */
  close(): void;
}

export type TransportListener = {
  received(bytes: Uint8Array): void;
  /** `queuedBytes` fell to 0. */
  drained(): void;
  closed(error?: Error): void;
};
