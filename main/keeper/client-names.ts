/**
 * Names of clients as the keeper's wire has them: a length and so many bytes of UTF-8. Whoever typed last types on, so the
 * last name is kept both ways: to make it anew took as long as all the rest of a keystroke's frame.
 */
import type { ClientId } from '#protocol/ids.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

let written: { name: string; bytes: Uint8Array } = { name: '', bytes: new Uint8Array(0) };
let read: { name: ClientId | ''; bytes: Uint8Array } = { name: '', bytes: new Uint8Array(0) };

/** Not to be changed. Throws RangeError if it is too long for the wire. */
export function nameBytes(client: string): Uint8Array {
  if (client !== written.name) {
    const bytes = encoder.encode(client);
    if (bytes.length > 255) throw new RangeError(`client id of ${bytes.length} bytes exceeds 255`);
    written = { name: client, bytes };
  }
  return written.bytes;
}

/** The name whose bytes lie in `body` from `from` to `to`. */
export function readName(body: Uint8Array, from: number, to: number): ClientId | '' {
  const { bytes } = read;
  let isSame = bytes.length === to - from;
  for (let at = 0; isSame && at < bytes.length; at++) isSame = bytes[at] === body[from + at];
  if (!isSame) {
    const ours = body.slice(from, to);
    read = { name: decoder.decode(ours) as ClientId | '', bytes: ours };
  }
  return read.name;
}
