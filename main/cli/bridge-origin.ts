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
  const base64 = /^publickey \S+ ([A-Za-z0-9+/]+=*)$/m.exec(words)?.[1];
  if (!base64) return null;
  const hash = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, MAX_AUTH_BYTES);
  } catch {
    return ''; // sshd removes it with the connection; then there is nothing to tell
  }
}
