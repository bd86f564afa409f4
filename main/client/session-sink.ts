/** What a stream of a session tells whoever shows it. */
import type { CmdopError } from '#protocol/errors.ts';
import type { ClientId, Offset } from '#protocol/ids.ts';
import type { Actor, SessionEnd, Size } from '#protocol/shapes.ts';
import type { Verdict } from './input-outbox.ts';

/** Where a stream delivers; calls come in stream order. `parsed` must be called when the bytes were parsed. */
export type SessionSink = {
  /** Reset the terminal, give it this size, write this text. */
  snapshot(text: Uint8Array, size: Size, parsed: () => void): void;
  output(bytes: Uint8Array, parsed: () => void): void;
  resized(size: Size): void;
  /** Output in this range was skipped, because this client was too slow or away too long. A snapshot follows. */
  gap(range: { from: Offset; to: Offset }): void;
  /** A unit was refused; `bytes` is what was typed. */
  refused(refusal: Extract<Verdict, { verdict: 'refused' }>, bytes: Uint8Array): void;
  /** Control, role, pending input or the state of the attachment changed. */
  changed(): void;
  ended(end: SessionEnd): void;
  /** The session cannot be attached (any more): it does not exist, or an owner has removed this actor from it. */
  failed(error: CmdopError): void;
  /** Somebody asks for control, for a reason in their own words. */
  requested?(request: { by: Actor; client: ClientId; reason: string }): void;
};
