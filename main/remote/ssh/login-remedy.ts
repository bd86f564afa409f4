/** What to do about a login that was refused: the last sentence of its error. */
import type { HostConfig } from './host-config.ts';

type Refused = {
  readonly config: HostConfig;
  /** Methods that the server would take. */
  readonly allowed: readonly string[];
  /** A key had no passphrase that was right. */
  readonly isKeyLocked: boolean;
};

/** `why`: the server's own words for it, where there are any. */
export function loginRemedy({ config, allowed, isKeyLocked }: Refused, why = ''): string {
  if (isKeyLocked) return 'Try again with the right passphrase, or let your agent open the key first (`ssh-add`)';
  if (/too many/i.test(why)) return 'Set IdentitiesOnly yes and one IdentityFile for this host, so that fewer keys are offered';
  if (allowed.includes('publickey') && config.methods.includes('publickey'))
    return `Add one of your public keys to authorized_keys there, or name the right one with IdentityFile in ~/.ssh/config`;
  const missing = allowed.filter((name) => !config.methods.some((method) => method === name));
  if (missing.length > 0) return `cmdop was not to use ${missing.join(', ')}, or cannot: see ~/.ssh/config`;
  return 'Check the user name and what the host accepts';
}
