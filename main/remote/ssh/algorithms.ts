/** Which algorithms are offered: ssh2's, in the order for speed, as ssh_config changes them. */
import { getCiphers } from 'node:crypto';
import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';
import { CmdopError } from '#protocol/errors.ts';
import { matchesPattern } from './patterns.ts';

const KEX: readonly KexAlgorithm[] = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
];
/** Broken or slow: only where the configuration names them. */
const OLD_KEX: readonly KexAlgorithm[] = [
  'diffie-hellman-group-exchange-sha1',
  'diffie-hellman-group14-sha1',
  'diffie-hellman-group1-sha1',
];

const HOST_KEYS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];
const OLD_HOST_KEYS: readonly ServerHostKeyAlgorithm[] = ['ssh-rsa', 'ssh-dss'];

/** AES-GCM first: Node's crypto does it in hardware, 130 to 250 MB/s here; what comes last has no native part in a bundle. */
const CIPHERS: readonly CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
];
const OLD_CIPHERS: readonly CipherAlgorithm[] = ['aes256-cbc', 'aes192-cbc', 'aes128-cbc', '3des-cbc'];

const MACS: readonly MacAlgorithm[] = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
  'hmac-sha1-etm@openssh.com',
  'hmac-sha1',
];
const OLD_MACS: readonly MacAlgorithm[] = ['hmac-md5', 'hmac-sha1-96', 'hmac-md5-96'];

/** A list as the configuration has it, and where. */
export type AskedList = { readonly text: string; readonly where: string } | null;

export type AlgorithmWishes = {
  readonly kex: AskedList;
  readonly hostKeys: AskedList;
  readonly ciphers: AskedList;
  readonly macs: AskedList;
  readonly isCompressed: boolean;
};

/**
 * `knownTypes` are the key types under which the host is known: they are offered first, so that a host with several
 * keys shows the one that can be checked. Throws `bad-configuration` where nothing that is asked for can be done.
 */
export function algorithmsFor(wishes: AlgorithmWishes, knownTypes: readonly string[]): Algorithms {
  const hostKeys = chosen(wishes.hostKeys, HOST_KEYS, OLD_HOST_KEYS);
  const isKnown = (name: string) => knownTypes.includes(keyTypeOf(name));
  return {
    kex: chosen(wishes.kex, KEX, OLD_KEX),
    // The user's own order of host keys stands.
    serverHostKey: wishes.hostKeys ? hostKeys : [...hostKeys.filter(isKnown), ...hostKeys.filter((name) => !isKnown(name))],
    cipher: chosen(wishes.ciphers, CIPHERS.filter(isPossible), OLD_CIPHERS),
    hmac: chosen(wishes.macs, MACS, OLD_MACS),
    compress: wishes.isCompressed ? ['zlib@openssh.com', 'none'] : ['none'],
  };
}

/** By which a user's key may prove itself, of those that can be done at all; null where the configuration leaves it open. */
export const userKeyAlgorithms = (asked: AskedList): readonly string[] | null => asked && listed(asked, HOST_KEYS, OLD_HOST_KEYS);

/** Electron's crypto has fewer ciphers than Node's, and ssh2 refuses a list with one that is not there. */
function isPossible(cipher: CipherAlgorithm): boolean {
  return !cipher.startsWith('chacha20') || getCiphers().includes('chacha20');
}

/** Keys are of one type whatever hash signs with them. */
function keyTypeOf(algorithm: string): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}

function chosen<Name extends string>(asked: AskedList, usual: readonly Name[], old: readonly Name[]): Name[] {
  if (!asked) return [...usual];
  const found = listed(asked, usual, old);
  if (found.length > 0) return found;
  throw new CmdopError('bad-configuration', `${asked.where}: cmdop has none of ${asked.text}: add one of ${usual.join(', ')}`);
}

/** `A,B` replaces the list, `+A` adds behind it, `-A` removes, `^A` puts first; each with `*` and `?`. */
function listed<Name extends string>({ text }: { text: string }, usual: readonly Name[], old: readonly Name[]): Name[] {
  const sign = /^[+^-]/.exec(text)?.[0] ?? '';
  const patterns = text.slice(sign.length).split(',').filter(Boolean);
  const all = [...usual, ...old];
  const named = patterns.flatMap((pattern) => all.filter((name) => matchesPattern(name, pattern)));
  return [...new Set(listWith(sign, { usual, named, patterns }))];
}

function listWith<Name extends string>(
  sign: string,
  { usual, named, patterns }: { usual: readonly Name[]; named: readonly Name[]; patterns: readonly string[] },
): Name[] {
  switch (sign) {
    case '+':
      return [...usual, ...named];
    case '^':
      return [...named, ...usual];
    case '-':
      return usual.filter((name) => !patterns.some((pattern) => matchesPattern(name, pattern)));
    default:
      return [...named];
  }
}
