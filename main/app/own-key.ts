/** The app's key as a guest of other hosts: kept by the desktop's keychain, used in this process alone. */
import { existsSync } from 'node:fs';
import { safeStorage } from 'electron';
import { fileIdentity, type Identity } from '#local/identity.ts';
import { localPaths } from '#local/paths.ts';
import { type SealedIdentity, sealedIdentity, type Vault } from '#local/sealed-identity.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { AppKey } from '../../preload/api.ts';
import type { ShareEntry } from '../remote/hosts-file.ts';

const KEYCHAINS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'the macOS Keychain', win32: 'Windows (DPAPI)' };

let own: SealedIdentity | null = null;

/** Made when it is first needed. Throws `storage` with what to do. */
export function ownIdentity(): SealedIdentity {
  own ??= sealedIdentity(localPaths().appKeyFile, keychain());
  return own;
}

/** What can be told of it; none of it is secret. */
export function ownKey(): AppKey {
  const { publicKey, sealedBy } = ownIdentity();
  return { publicKey: publicKey.text, fingerprint: publicKey.fingerprint, sealedBy, file: localPaths().appKeyFile };
}

/**
 * Our key for a host. One that the command line joined knows the key in its file, also where it was joined before the app had
 * a key of its own. Throws `unauthorized`, `storage`.
 */
export function identityFor({ key }: ShareEntry): Identity {
  const { keyFile } = localPaths();
  if (key === undefined) return fileIdentity(keyFile);
  const inFile = existsSync(keyFile) ? fileIdentity(keyFile) : null;
  if (inFile?.publicKey.fingerprint === key) return inFile;
  const identity = ownIdentity();
  if (identity.publicKey.fingerprint === key) return identity;
  throw new CmdopError(
    'unauthorized',
    `the key ${key} was invited there, and this app has ${identity.publicKey.fingerprint}: ask the owner for another code`,
    { needs: 'person' },
  );
}

/** On Linux without a keychain Electron only scrambles, with a password that everybody knows: that seals nothing. */
function keychain(): Vault {
  const isSealing = safeStorage.isEncryptionAvailable();
  const backend = process.platform === 'linux' ? safeStorage.getSelectedStorageBackend() : null;
  const isKeychain = isSealing && backend !== 'basic_text' && backend !== 'unknown';
  return {
    name: isKeychain ? (backend ?? KEYCHAINS[process.platform] ?? 'the keychain') : null,
    seal: (text) => safeStorage.encryptString(text),
    open: (sealed) => safeStorage.decryptString(Buffer.from(sealed)),
  };
}
