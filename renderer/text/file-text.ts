/** How the window writes files: kinds, paths as words of a shell, and what is in a file whose nature nobody told. Pure. */
import { shownName } from '#session/file-names.ts';

/** Bytes shown of what is no text. */
const HEX_BYTES = 4096;

/** Types that a browser draws without running anything, by how they begin. */
const PICTURES: readonly (readonly [type: string, start: readonly number[], at?: readonly [number, string]])[] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/gif', [0x47, 0x49, 0x46, 0x38]],
  ['image/webp', [0x52, 0x49, 0x46, 0x46], [8, 'WEBP']],
];

export type Seen = { is: 'text'; text: string } | { is: 'picture'; type: string } | { is: 'bytes'; text: string };

/** `isWhole`: no more than these bytes are in the file. */
export function seenIn(bytes: Uint8Array, isWhole: boolean): Seen {
  const picture = isWhole && PICTURES.find(([, start, at]) => start.every((byte, i) => bytes[i] === byte) && (!at || hasText(bytes, at)));
  if (picture) return { is: 'picture', type: picture[0] };
  const text = bytes.includes(0) ? null : asText(bytes, isWhole);
  return text === null ? { is: 'bytes', text: hexOf(bytes.subarray(0, HEX_BYTES)) } : { is: 'text', text };
}

/** As a word that a shell takes for exactly this path; null where typing it could do something else. */
export function shellWord(path: string): string | null {
  if (/[\p{Cc}\p{Cs}]/u.test(path)) return null;
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** The folders on the way to `path`, from the root on, each with its own path. */
export function crumbsOf(path: string): { name: string; path: string }[] {
  const names = path.split('/').filter(Boolean);
  return [{ name: '/', path: '/' }, ...names.map((name, at) => ({ name: shownName(name), path: `/${names.slice(0, at + 1).join('/')}` }))];
}

export const inFolder = (folder: string, name: string): string => (folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`);

/** Null where it is no UTF-8; a character that is cut at the end is left out. */
function asText(bytes: Uint8Array, isWhole: boolean): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !isWhole });
    // What turns the direction of text, or does not show, is written out: a file can be made to be read wrongly.
    return text.replace(/[^\n\t]+/g, shownName);
  } catch {
    return null; // other bytes
  }
}

function hexOf(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join('\n');
}

const hasText = (bytes: Uint8Array, [at, text]: readonly [number, string]): boolean =>
  [...text].every((character, i) => bytes[at + i] === character.charCodeAt(0));
