/** What a person typed to log in, kept in the memory of this process so that a reconnect need not ask again. Never on disk. */
import type { ParsedKey } from 'ssh2';

export type Secrets = {
  /** A decrypted private key, by the fingerprint of its public one. */
  readonly keys: Map<string, ParsedKey>;
  /** A password that was accepted, however it was asked for, by user, host, port and the fingerprint of the host's key. */
  readonly passwords: Map<string, string>;
};

export function newSecrets(): Secrets {
  return { keys: new Map(), passwords: new Map() };
}

/** Of this process. */
export const processSecrets: Secrets = newSecrets();
