/** How much output may be on its way to one client. Pure. Source: credit windows as in SSH (RFC 4254, section 5.2). */
import type { Offset } from '#protocol/ids.ts';

/** Sent and not yet acknowledged, bytes (DESIGN, section 4), unless the client wants less. */
export const WINDOW_BYTES = 1024 * 1024;

export class SendWindow {
  #cursor: number;
  #acked: number;
  /** By the client's word; it may have more than it was sent. */
  #parsed: number;
  /** May be on its way, bytes. */
  readonly bytes: number;
  #limit: number;

  constructor(start: Offset, bytes = WINDOW_BYTES) {
    this.#cursor = start;
    this.#acked = start;
    this.#parsed = start;
    this.bytes = bytes;
    this.#limit = bytes;
  }

  /** Offset of the next byte to send. */
  get cursor(): Offset {
    return this.#cursor as Offset;
  }
  /** The client has parsed what is before. */
  get acked(): Offset {
    return this.#acked as Offset;
  }
  /** Bytes that may be sent now. */
  get credit(): number {
    return Math.max(0, this.#limit - (this.#cursor - this.#acked));
  }

  sent(bytes: number): void {
    this.#cursor += bytes;
    this.#settle();
  }

  /** The client parsed up to `offset`. What it has from elsewhere (its keeper) counts once it is sent. */
  ack(offset: Offset): void {
    this.#parsed = Math.max(this.#parsed, offset);
    this.#settle();
  }

  /** No more than this may be on its way for now; at least a quarter of the window: an eighth may be unacknowledged at any time, a quarter by earlier clients. */
  narrow(bytes: number): void {
    this.#limit = Math.floor(Math.min(this.bytes, Math.max(this.bytes / 4, bytes)));
  }

  /** The stream goes on at `offset`, after a snapshot. */
  jump(offset: Offset): void {
    this.#cursor = offset;
    this.#acked = offset;
    this.#parsed = offset;
  }

  #settle(): void {
    this.#acked = Math.max(this.#acked, Math.min(this.#parsed, this.#cursor));
  }
}
