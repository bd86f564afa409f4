/**
 * An Ed25519 key in a file of this account, sealed by what the desktop keeps secrets with, where there is such a thing. A key
 * that cannot be had again is said to be so: a new one is only made where there was none.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { CmdopError } from '#protocol/errors.ts';
import { type Identity, identityOf, mustBePrivate, newPrivateKey, privateKeyFrom } from './identity.ts';

/** What the desktop keeps secrets with. */
export type Vault = {
  /** Null where nothing here keeps anything secret. */
  readonly name: string | null;
  seal(text: string): Uint8Array;
  /** Throws where it is not its own, or is locked. */
  open(sealed: Uint8Array): string;
};

export type SealedIdentity = Identity & {
  /** The vault's name; null: the file alone keeps it. */
  readonly sealedBy: string | null;
};

/** Far more than a key takes, bytes. */
const MAX_BYTES = 64 * 1024;

const stored = z.discriminatedUnion('kept', [
  z.object({ kept: z.literal('sealed'), publicKey: z.string(), by: z.string().min(1), sealed: z.base64() }),
  z.object({ kept: z.literal('plain'), publicKey: z.string(), pem: z.string() }),
]);
type Stored = z.infer<typeof stored>;

/** Made when first asked for. Throws `storage` with what to do. */
export function sealedIdentity(file: string, vault: Vault): SealedIdentity {
  const known = read(file);
  const pem = known ? revealed(file, known, vault) : newPrivateKey();
  const identity = identityIn(file, pem);
  if (known && known.publicKey !== identity.publicKey.text) throw damaged(file);
  if (known?.kept === 'sealed') return { ...identity, sealedBy: known.by };
  const kept = sealedFor(vault, pem, identity);
  if (!known || kept.kept === 'sealed') write(file, kept);
  return { ...identity, sealedBy: kept.kept === 'sealed' ? kept.by : null };
}

function read(file: string): Stored | null {
  let text: string;
  try {
    mustBePrivate(file);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new CmdopError('storage', `the key of this app in ${file} cannot be used: ${(error as Error).message}`);
  }
  try {
    if (text.length > MAX_BYTES) throw new Error('too long');
    return stored.parse(JSON.parse(text));
  } catch {
    throw damaged(file);
  }
}

function revealed(file: string, known: Stored, vault: Vault): string {
  if (known.kept === 'plain') return known.pem;
  if (vault.name === null)
    throw lost(file, `is sealed by ${known.by}, and this desktop offers no keychain: start the app where you joined`);
  try {
    return vault.open(Buffer.from(known.sealed, 'base64'));
  } catch {
    // Which of the two it was, no keychain says.
    throw lost(file, `is not opened by ${vault.name}: unlock it, or start the app where you joined (it was sealed by ${known.by})`);
  }
}

function identityIn(file: string, pem: string): Identity {
  try {
    return identityOf(privateKeyFrom(pem));
  } catch {
    throw damaged(file);
  }
}

/** In the open where the vault cannot give back what it took. */
function sealedFor(vault: Vault, pem: string, { publicKey: { text: publicKey } }: Identity): Stored {
  const plain: Stored = { kept: 'plain', publicKey, pem };
  if (vault.name === null) return plain;
  try {
    const sealed = vault.seal(pem);
    if (vault.open(sealed) === pem) return { kept: 'sealed', publicKey, by: vault.name, sealed: Buffer.from(sealed).toString('base64') };
  } catch {
    // locked, or gone: the file is for this account alone
  }
  return plain;
}

/** Whole or not at all. */
function write(file: string, key: Stored): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const temporary = `${file}.${process.pid}.new`;
    writeFileSync(temporary, `${JSON.stringify(key)}\n`, { mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    throw new CmdopError('storage', `no key can be kept in ${file}: ${(error as Error).message}`);
  }
}

const damaged = (file: string) => lost(file, 'is damaged: put its file back from a copy');
const lost = (file: string, what: string) =>
  new CmdopError(
    'storage',
    `the key of this app ${what}, or remove ${file} for a new key, and ask those who invited you for another code`,
    { needs: 'person' },
  );
