/** Public keys as OpenSSH writes them, and Ed25519 keys of our own in that form. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { CmdopError } from '#protocol/errors.ts';

export type PublicKey = {
  /** `ssh-ed25519`, `ssh-rsa`… */
  readonly type: string;
  /** `TYPE BASE64`, without a comment. */
  readonly text: string;
  /** As it is on the wire of SSH. */
  readonly blob: Buffer;
  /** `SHA256:…`, as `ssh-keygen -l` says it. */
  readonly fingerprint: string;
};

const ED25519 = 'ssh-ed25519';
const ED25519_BYTES = 32;

/** One key, as in a `.pub` file or a line of `authorized_keys` (whose options do not count). Throws `bad-request`. */
export function parsePublicKey(text: string): PublicKey {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  if (lines.length !== 1) throw noKey(lines.length === 0 ? 'there is none in it' : `there are ${lines.length} in it: give one`);
  if (/PRIVATE KEY/.test(text)) throw noKey('it is a private key: give the file that ends in .pub');
  const [, type, base64] = /(?:^|\s)((?:ssh|ecdsa|sk)-[\w@.-]+)\s+([A-Za-z0-9+/]+={0,2})(?:\s|$)/.exec(lines[0] ?? '') ?? [];
  if (type === undefined || base64 === undefined) throw noKey(`it begins with ${JSON.stringify(lines[0]?.slice(0, 30))}`);
  const blob = Buffer.from(base64, 'base64');
  if (fieldOf(blob)?.toString() !== type) throw noKey(`its text is no ${type}`);
  return { type, text: `${type} ${blob.toString('base64')}`, blob, fingerprint: fingerprintOf(blob) };
}

/** Throws `bad-request` for a key that is not Ed25519. */
export function ed25519KeyObject(key: PublicKey): KeyObject {
  const raw = key.blob.subarray(4 + ED25519.length + 4);
  if (key.type !== ED25519 || raw.length !== ED25519_BYTES)
    throw noKey(`it is ${key.type}: cmdop proves Ed25519 keys (\`cmdop key\` prints yours); others are for plain ssh`);
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
}

/** The public half of a private or public Ed25519 key. */
export function publicKeyOf(key: KeyObject): PublicKey {
  const { x = '' } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return parsePublicKey(
    `${ED25519} ${Buffer.concat([field(Buffer.from(ED25519)), field(Buffer.from(x, 'base64url'))]).toString('base64')}`,
  );
}

export const fingerprintOf = (blob: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;

/** The first field of a key on the wire. */
function fieldOf(blob: Buffer): Buffer | null {
  if (blob.length < 4) return null;
  const length = blob.readUInt32BE(0);
  return 4 + length <= blob.length ? blob.subarray(4, 4 + length) : null;
}

function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const noKey = (why: string) => new CmdopError('bad-request', `no OpenSSH public key: ${why}`);
