/** Files of private keys: what can be known of one without its passphrase, and opening it with one. */
import { readFileSync, statSync } from 'node:fs';
import ssh2, { type ParsedKey } from 'ssh2';

/** Largest file that is read, bytes. */
const MAX_BYTES = 64 * 1024;

export type KeyFile =
  | { readonly is: 'missing' }
  | { readonly is: 'unusable'; readonly why: string }
  /** Only the public half is here: it says which key of the agent is meant. */
  | { readonly is: 'public'; readonly publicKey: ParsedKey }
  | { readonly is: 'open'; readonly publicKey: ParsedKey; readonly privateKey: ParsedKey }
  /** `publicKey` is null where only the passphrase reveals it. */
  | { readonly is: 'locked'; readonly publicKey: ParsedKey | null; open(passphrase: string): ParsedKey | null };

export function readKeyFile(file: string): KeyFile {
  const content = contentOf(file);
  if (typeof content !== 'string') {
    if (content.is === 'missing') {
      const alone = publicKeyIn(contentOf(`${file}.pub`));
      if (alone) return { is: 'public', publicKey: alone };
    }
    return content;
  }
  const parsed = parse(content);
  if (parsed instanceof Error) {
    if (!/encrypted/i.test(parsed.message)) return { is: 'unusable', why: reason(content, parsed) };
    const danger = exposure(file);
    if (danger) return danger;
    return { is: 'locked', publicKey: embeddedPublicKey(content) ?? publicKeyIn(contentOf(`${file}.pub`)), open: opener(content) };
  }
  if (!parsed.isPrivateKey()) return { is: 'public', publicKey: parsed };
  return exposure(file) ?? { is: 'open', publicKey: parsed, privateKey: parsed };
}

function opener(content: string): (passphrase: string) => ParsedKey | null {
  return (passphrase) => {
    const opened = parse(content, passphrase);
    return opened instanceof Error || !opened.isPrivateKey() ? null : opened;
  };
}

/** OpenSSH does not use a key that others can read, and says so; nor do we. */
function exposure(file: string): KeyFile | null {
  const own = process.getuid?.();
  const { mode, uid } = statSync(file);
  if (own === undefined || uid !== own || (mode & 0o077) === 0) return null;
  return { is: 'unusable', why: `others may read it (mode ${(mode & 0o777).toString(8)}): run \`chmod 600 ${file}\`` };
}

function contentOf(file: string): string | { is: 'missing' } | { is: 'unusable'; why: string } {
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) return { is: 'unusable', why: `it has ${size} bytes, which no key has` };
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return { is: 'missing' };
    return { is: 'unusable', why: error instanceof Error ? error.message : String(error) };
  }
}

function publicKeyIn(content: ReturnType<typeof contentOf>): ParsedKey | null {
  const parsed = typeof content === 'string' ? parse(content) : null;
  return parsed && !(parsed instanceof Error) && !parsed.isPrivateKey() ? parsed : null;
}

/** OpenSSH's format keeps the public key in the open, so that the passphrase is asked only where the key would be accepted. */
function embeddedPublicKey(content: string): ParsedKey | null {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(content)?.[1];
  if (!body) return null;
  const bytes = Buffer.from(body, 'base64');
  const magic = 'openssh-key-v1\0';
  if (bytes.toString('latin1', 0, magic.length) !== magic) return null;
  let at = magic.length;
  const field = () => {
    if (at + 4 > bytes.length) return null;
    const length = bytes.readUInt32BE(at);
    const value = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return value.length === length ? value : null;
  };
  // Cipher, derivation and its options, then the number of keys.
  if (!field() || !field() || !field()) return null;
  at += 4;
  const blob = field();
  const parsed = blob ? parse(blob) : null;
  return parsed instanceof Error ? null : parsed;
}

function parse(content: string | Buffer, passphrase?: string): ParsedKey | Error {
  try {
    const parsed: unknown = ssh2.utils.parseKey(content, passphrase);
    // The package gives a list for formats that hold several.
    const key: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
    return isKey(key) ? key : key instanceof Error ? key : new Error('no key');
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function isKey(value: unknown): value is ParsedKey {
  return typeof value === 'object' && value !== null && !(value instanceof Error) && 'getPublicSSH' in value;
}

function reason(content: string, error: Error): string {
  if (/sk-(ssh|ecdsa)/.test(Buffer.from(content.replace(/-----[^-]+-----/g, ''), 'base64').toString('latin1'))) {
    return 'keys on hardware tokens are not supported';
  }
  return error.message;
}
