/** Who started a bridge, as this machine's own programs say: sshd, sudo. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { account } from '#local/account.ts';
import type { Origin } from '#protocol/shapes.ts';

/** Most that is read of what sshd says about an authentication, bytes: a certificate takes two thousand. */
const MAX_AUTH_BYTES = 64 * 1024;

export function originOf(env: NodeJS.ProcessEnv): Origin {
  const from = env.SSH_CONNECTION?.split(' ')[0];
  const user = (env.SUDO_USER || account(env).name).slice(0, 256);
  if (!from) return { kind: 'command', user };
  const key = env.SSH_USER_AUTH ? keyIn(textOf(env.SSH_USER_AUTH)) : null;
  return { kind: 'ssh', from: from.slice(0, 256), user, ...(key ? { key } : {}) };
}

/** Fingerprint of the key in sshd's words: `publickey ssh-ed25519 AAAA…`, one method a line. */
export function keyIn(words: string): string | null {
  const [, type = '', base64 = ''] = /^publickey (\S+) ([A-Za-z0-9+/]+=*)$/m.exec(words) ?? [];
  if (!base64) return null;
  const hash = createHash('sha256')
    .update(certifiedKey(type, Buffer.from(base64, 'base64')))
    .digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}

/** Fields of a public key behind its type (PROTOCOL.certkeys): in a certificate they follow its nonce. */
const FIELDS: Readonly<Record<string, number>> = {
  'ssh-ed25519': 1,
  'ssh-rsa': 2,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
  'sk-ssh-ed25519@openssh.com': 2,
  'sk-ecdsa-sha2-nistp256@openssh.com': 3,
};

/** The key that a certificate is about, since its fingerprint is the one that people know; any other key as it is. */
function certifiedKey(type: string, blob: Buffer): Buffer {
  const plain = type.replace('-cert-v01@openssh.com', type.startsWith('sk-') ? '@openssh.com' : '');
  const count = FIELDS[plain];
  if (plain === type || count === undefined) return blob;
  const fields: Buffer[] = [];
  for (let at = 0; fields.length < count + 2; ) {
    if (at + 4 > blob.length) return blob;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return blob;
    fields.push(blob.subarray(at, end));
    at = end;
  }
  const name = Buffer.alloc(4 + plain.length);
  name.writeUInt32BE(plain.length);
  name.write(plain, 4);
  return Buffer.concat([name, ...fields.slice(2)]);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, MAX_AUTH_BYTES);
  } catch {
    return ''; // sshd removes it with the connection; then there is nothing to tell
  }
}
