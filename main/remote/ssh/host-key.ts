/** Public keys as they go over the wire: their type and their fingerprint. Pure. */
import { createHash } from 'node:crypto';

/** What every SSH key blob starts with: the length and the name of its type; `unknown` if it is none. */
export function typeOf(key: Uint8Array): string {
  const blob = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  if (blob.length < 4) return 'unknown';
  const length = blob.readUInt32BE(0);
  if (length === 0 || length > 64 || blob.length < 4 + length) return 'unknown';
  const name = blob.toString('latin1', 4, 4 + length);
  return /^[\w.@-]+$/.test(name) ? name : 'unknown';
}

/** As `ssh-keygen -l` prints it: `SHA256:` and unpadded base64. */
export function fingerprintOf(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}
