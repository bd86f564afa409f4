/** Which keys the configuration lets count: `RequiredRSASize` for the host's and the user's, `PubkeyAcceptedAlgorithms` for the user's. */
import { typeOf } from './host-key.ts';

export type KeyRules = {
  /** Least bits of an RSA key. */
  readonly rsaBits: number;
  /** By which a user's key may prove itself; null for all. */
  readonly algorithms: readonly string[] | null;
};

/** Why a public key is too small; null if it is not. */
export function tooSmall(key: Uint8Array, { rsaBits }: KeyRules): string | null {
  const bits = typeOf(key) === 'ssh-rsa' ? rsaBitsOf(Buffer.from(key)) : null;
  return bits !== null && bits < rsaBits ? `it has ${bits} bits, and RequiredRSASize is ${rsaBits}` : null;
}

/** Why a user's key is not offered; null if it may be. */
export function whyNotOffered(key: Uint8Array, rules: KeyRules): string | null {
  const names = signatureNames(typeOf(key));
  if (rules.algorithms && !names.some((name) => rules.algorithms?.includes(name))) return `PubkeyAcceptedAlgorithms has no ${names[0]}`;
  return tooSmall(key, rules);
}

/** Why a key may not sign with that hash; null if it may. */
export function whyNotSigned(key: Uint8Array, hash: string | undefined, { algorithms }: KeyRules): string | null {
  const type = typeOf(key);
  const name = type === 'ssh-rsa' ? (({ sha256: 'rsa-sha2-256', sha512: 'rsa-sha2-512' } as const)[hash ?? ''] ?? type) : type;
  return algorithms && !algorithms.includes(name) ? `PubkeyAcceptedAlgorithms has no ${name}, which is tried with this host` : null;
}

/** What the signatures of a key of that type are called. */
const signatureNames = (type: string): readonly string[] => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type]);

/** Behind the type come exponent and modulus, each with its length in front (RFC 4253, section 6.6). Null if it is cut off. */
function rsaBitsOf(key: Buffer): number | null {
  let at = 0;
  let last: Buffer = Buffer.alloc(0);
  for (let part = 0; part < 3; part++) {
    if (key.length < at + 4) return null;
    last = key.subarray(at + 4, at + 4 + key.readUInt32BE(at));
    at += 4 + last.length;
  }
  const first = last.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (last.length - first) * 8 - (Math.clz32(last[first] ?? 0) - 24);
}
