/** An Ed25519 key kept in a file that only this account reads: of an installation, or of a host. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CmdopError } from '#protocol/errors.ts';
import { type PublicKey, publicKeyOf } from './ssh-keys.ts';

/** Proves who we are, without showing with what. */
export type Identity = {
  readonly publicKey: PublicKey;
  /** Base64. */
  sign(text: Uint8Array): string;
};

/** Made when first asked for. Throws `storage` where the file cannot be used, or others may read it. */
export function fileIdentity(file: string): Identity {
  return identityOf(readKey(file) ?? makeKey(file));
}

export function identityOf(key: KeyObject): Identity {
  return { publicKey: publicKeyOf(key), sign: (text) => sign(null, text, key).toString('base64') };
}

/** A key from what `newPrivateKey` gave. Throws on anything else. */
export function privateKeyFrom(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`an ${key.asymmetricKeyType} key, not ed25519`);
  return key;
}

/** PEM. */
export const newPrivateKey = (): string => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Throws where others may read it. */
export function mustBePrivate(file: string): void {
  const { mode, uid } = lstatSync(file);
  if (process.platform !== 'win32' && ((mode & 0o077) !== 0 || uid !== process.getuid?.()))
    throw new Error(`others may read it: \`chmod 600 ${file}\`, or remove it for a new key`);
}

function readKey(file: string): KeyObject | null {
  try {
    mustBePrivate(file);
    return privateKeyFrom(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new CmdopError('storage', `the key in ${file} cannot be used: ${(error as Error).message}`);
  }
}

/** Whole or not at all; of two that begin at once, the first one's counts for both. */
function makeKey(file: string): KeyObject {
  const pem = newPrivateKey();
  const temporary = `${file}.${process.pid}.new`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    rmSync(temporary, { force: true });
    writeFileSync(temporary, pem, { mode: 0o600, flag: 'wx' });
    const other = readKey(file);
    if (other) {
      rmSync(temporary, { force: true });
      return other;
    }
    renameSync(temporary, file);
  } catch (error) {
    if (error instanceof CmdopError) throw error;
    throw new CmdopError('storage', `no key can be kept in ${file}: ${(error as Error).message}`);
  }
  return privateKeyFrom(pem);
}
