/** The key by which guests know this installation again: made once, kept where only this account reads it. */
import { createHash } from 'node:crypto';
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import ssh2, { type ParsedKey } from 'ssh2';

/** `ssh-ed25519` and 32 bytes, each with its length. */
const ED25519_SSH_BYTES = 4 + 11 + 4 + 32;

export type HostKey = { readonly privateKey: string; readonly publicKey: string; readonly fingerprint: string };

/** Throws a sentence where it cannot be read or made: a new one would look like an attack to who knows the old one. */
export function readHostKey(file: string): HostKey {
  const text = stored(file) ?? made(file);
  const key = privateKeyIn(text);
  if (!key)
    throw new Error(
      `${file} holds no private key: guests would not know this machine again; put the old one back, or remove it for a new one`,
    );
  const publicKey = key.getPublicSSH();
  return { privateKey: text, publicKey: `${key.type} ${publicKey.toString('base64')} cmdop`, fingerprint: fingerprintOf(publicKey) };
}

/** Null where ssh2 finds none in it. */
export function privateKeyIn(text: string): ParsedKey | null {
  const parsed = ssh2.utils.parseKey(text);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  return key && !(key instanceof Error) && key.isPrivateKey() ? key : null;
}

/** `generate` drops zero bytes at the start of a public key (ssh2 1.17, lib/keygen.js): one of 256 is no key, and made again. */
export function newPrivateKey(generate = () => ssh2.utils.generateKeyPairSync('ed25519', { comment: 'cmdop' }).private): string {
  for (let text = generate(); ; text = generate()) {
    const key = privateKeyIn(text);
    if (key?.getPublicSSH().length === ED25519_SSH_BYTES) return text;
  }
}

/** `SHA256:…`, as OpenSSH shows it. */
export function fingerprintOf(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** A public key in OpenSSH's format; null if ssh2 cannot use it. */
export function publicKeyOf(line: string): ParsedKey | null {
  const parsed = ssh2.utils.parseKey(line);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  return key && !(key instanceof Error) && !key.isPrivateKey() ? key : null;
}

function stored(file: string): string | null {
  try {
    const { mode } = statSync(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new Error(`others can read ${file}: run \`chmod 600 ${file}\`, or remove it for a new key`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null; // the first time
    throw error;
  }
}

function made(file: string): string {
  const text = newPrivateKey();
  const whole = `${file}.${process.pid}`;
  writeFileSync(whole, text, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(whole, file); // fails where another was quicker: then theirs counts
    return text;
  } catch (error) {
    const theirs = stored(file);
    if (theirs === null) throw error;
    return theirs;
  } finally {
    rmSync(whole, { force: true });
  }
}
