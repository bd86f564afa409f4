/**
 * What a client says to the keeper of a session, over a connection of its own, once the host has delegated typing to it:
 *
 *   u32le length · u8 13 · token        first
 *   INPUT frames (frames.ts)            client → keeper, in the epoch of the delegation
 *   OUTPUT frames                       keeper → client: what comes at once of its units, as far as it is little
 *
 * Either side ends it by closing the connection. Then the client sends the units that have no verdict to the host, in order:
 * the keeper's ledger drops those that it has.
 */
import { writeUint32 } from './integers.ts';

const USE = 13;

/** A unit with more is the host's, bytes. */
export const MAX_DELEGATED_BYTES = 1024;

/** `token` in hex, as `input.delegated` has it. */
export function encodeUse(token: string): Uint8Array {
  const bytes = (token.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16));
  const frame = new Uint8Array(5 + bytes.length);
  writeUint32(frame, 0, 1 + bytes.length);
  frame[4] = USE;
  frame.set(bytes, 5);
  return frame;
}
