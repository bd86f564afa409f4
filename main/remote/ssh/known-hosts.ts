/** The known_hosts format: which keys a file vouches for under a name, which it revokes, and how a line is written. Pure. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { typeOf } from './host-key.ts';
import { matchesList } from './patterns.ts';

export type KnownHost = {
  readonly marker: 'none' | 'revoked' | 'cert-authority';
  /** As written: patterns, or one hashed name. */
  readonly names: string;
  readonly type: string;
  readonly key: Buffer;
  readonly file: string;
  readonly line: number;
};

/** What the files say of a key that a host shows. */
export type Verdict =
  | { readonly is: 'known' }
  | { readonly is: 'revoked'; readonly by: KnownHost }
  /** Another key of the same type is known. */
  | { readonly is: 'changed'; readonly known: KnownHost }
  /** None of this type; `others` are keys of other types, which this one should have been. */
  | { readonly is: 'unknown'; readonly others: readonly KnownHost[]; readonly authorities: readonly KnownHost[] };

/** Under which a host is kept: its alias, its name, or `[name]:port` where the port is not 22. */
export function knownName({ host, port, alias }: { host: string; port: number; alias: string | null }): string {
  if (alias) return alias.toLowerCase();
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** Lines that cannot be read are left out, as OpenSSH does. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split('\n').flatMap((raw, index) => {
    const fields = raw.trim().split(/[ \t]+/);
    if (fields[0] === '' || fields[0]?.startsWith('#')) return [];
    const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined;
    const [names = '', type = '', base64 = ''] = fields;
    const key = Buffer.from(base64, 'base64');
    if (!names || typeOf(key) !== type) return [];
    if (marker !== undefined && marker !== '@revoked' && marker !== '@cert-authority') return [];
    const kind = marker === '@revoked' ? 'revoked' : marker === '@cert-authority' ? 'cert-authority' : 'none';
    return [{ marker: kind, names, type, key, file, line: index + 1 }];
  });
}

export function isFor({ names }: KnownHost, name: string): boolean {
  if (!names.startsWith('|')) return matchesList(name, names.toLowerCase().split(','));
  const [, version, salt = '', hash = ''] = names.split('|');
  if (version !== '1') return false;
  const wanted = Buffer.from(hash, 'base64');
  const found = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return wanted.length === found.length && timingSafeEqual(wanted, found);
}

/**
 * `fallbackName` is the name without its port: a key that is known under it is accepted too, and nothing is refused for
 * its sake, since another server may listen there.
 */
export function judgeKey(entries: readonly KnownHost[], shown: { key: Uint8Array; name: string; fallbackName?: string }): Verdict {
  const { key, name, fallbackName } = shown;
  const own = entries.filter((entry) => isFor(entry, name));
  const isSame = (entry: KnownHost) => entry.key.equals(key);
  const revoked = own.find((entry) => entry.marker === 'revoked' && isSame(entry));
  if (revoked) return { is: 'revoked', by: revoked };
  const plain = own.filter(({ marker }) => marker === 'none');
  if (plain.some(isSame)) return { is: 'known' };
  const type = typeOf(key);
  const changed = plain.find((entry) => entry.type === type);
  if (changed) return { is: 'changed', known: changed };
  if (fallbackName) {
    const elsewhere = entries.filter((entry) => isFor(entry, fallbackName));
    const bad = elsewhere.find((entry) => entry.marker === 'revoked' && isSame(entry));
    if (bad) return { is: 'revoked', by: bad };
    if (elsewhere.some((entry) => entry.marker === 'none' && isSame(entry))) return { is: 'known' };
  }
  return { is: 'unknown', others: plain, authorities: own.filter(({ marker }) => marker === 'cert-authority') };
}

/** The types under which a host is known, to be asked for first. */
export function knownTypes(entries: readonly KnownHost[], name: string): string[] {
  return [...new Set(entries.filter((entry) => entry.marker === 'none' && isFor(entry, name)).map(({ type }) => type))];
}

/** `salt` (20 random bytes) hides the name in the line. */
export function knownHostsLine({ name, key, salt }: { name: string; key: Uint8Array; salt: Uint8Array | null }): string {
  const shown = salt ? `|1|${base64(salt)}|${createHmac('sha1', salt).update(name).digest('base64')}` : name;
  return `${shown} ${typeOf(key)} ${base64(key)}`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
