/**
 * Names of files as the bytes they are: a string of one character a byte, so that no name is lost, equal names are equal
 * strings, and the order is git's. People see them as text, quoted where text cannot hold them.
 */

declare const brand: unique symbol;
/** A path below a folder, or a part of one; `/` between its parts. */
export type BytePath = string & { readonly [brand]: 'BytePath' };

export const fromBytes = (bytes: Buffer): BytePath => bytes.toString('latin1') as BytePath;
export const toBytes = (path: BytePath): Buffer => Buffer.from(path, 'latin1');
export const fromText = (text: string): BytePath => fromBytes(Buffer.from(text, 'utf8'));

/** Where a path lies below `root`, as the file system takes it. */
export const below = (root: string, path: BytePath): Buffer => Buffer.concat([Buffer.from(`${root}/`), toBytes(path)]);

/** The pieces between NULs, without the empty one at the end. */
export function splitAtNul(bytes: Buffer): BytePath[] {
  const text = fromBytes(bytes);
  return text === '' ? [] : ((text.endsWith('\0') ? text.slice(0, -1) : text).split('\0') as BytePath[]);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r' };

/** As text; with quotes and escapes, as git writes it, where it is no UTF-8 or would not show. */
export function shownPath(path: BytePath): string {
  let text: string;
  try {
    text = utf8.decode(toBytes(path));
  } catch {
    return quoted(path); // no UTF-8
  }
  return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text) || text.startsWith('"') ? quoted(path) : text;
}

function quoted(path: BytePath): string {
  const inner = path.replaceAll(/[^ !#-[\]-~]/g, (byte) => ESCAPES[byte] ?? `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `"${inner}"`;
}

/** The path that a person means with what was shown. Null if the quotes are not right. */
export function meantPath(text: string): BytePath | null {
  if (!text.startsWith('"')) return fromText(text);
  if (text.length < 2 || !text.endsWith('"')) return null;
  const unescaped = text.slice(1, -1).replaceAll(/\\([0-7]{3}|.)/gs, (_, written: string) => {
    if (written.length === 3) return String.fromCharCode(Number.parseInt(written, 8) & 0xff);
    return Object.entries(ESCAPES).find(([, letter]) => letter === `\\${written}`)?.[0] ?? written;
  });
  return /[^\0-\xff]/.test(unescaped) ? null : (unescaped as BytePath);
}

/** Whether git, and we, may write at this path: nothing that leaves the folder, or is a repository's own. */
export function isPlain(path: BytePath): boolean {
  return path.length > 0 && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git');
}

/** Whether `path` is one of `wanted`, or below one; everything is where nothing is wanted. */
export function isWanted(path: BytePath, wanted: readonly BytePath[]): boolean {
  return wanted.length === 0 || wanted.some((each) => path === each || path.startsWith(`${each}/`));
}
