/**
 * Names of files as text, exactly, and as a person must see them. Pure.
 *
 * A name is any bytes. Where they are UTF-8 the text is what they say; each other byte is a lone surrogate U+DC80 … U+DCFF,
 * which no UTF-8 says, so that the text leads back to the same bytes.
 */

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Of the surrogate that stands for byte 0x00. */
const ESCAPED = 0xdc00;
/** What does not show, or turns the direction of what does; not the marks of many scripts, which only combine. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{2800}]|(?! )\p{Zs}/gu;

export function nameOfBytes(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return withEscapes(bytes); // no UTF-8
  }
}

export function bytesOfName(name: string): Uint8Array {
  if (!/[\udc80-\udcff]/.test(name)) return encoder.encode(name);
  const parts = [...name].map((character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > ESCAPED + 0x7f && code <= ESCAPED + 0xff ? Uint8Array.of(code - ESCAPED) : encoder.encode(character);
  });
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** `‹U+202E›`, `‹^J›`, `‹xE9›` in the place of what does not show. */
export function shownName(name: string): string {
  return name.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code > ESCAPED + 0x7f && code <= ESCAPED + 0xff) return `‹x${(code - ESCAPED).toString(16).toUpperCase()}›`;
    if (code < 0x20) return `‹^${String.fromCharCode(code + 0x40)}›`;
    return `‹U+${code.toString(16).toUpperCase().padStart(4, '0')}›`;
  });
}

/** A name that another machine says may become a file here: one name, no way out of its folder. */
export const isPlainName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && name.length <= 255;

function withEscapes(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0);
    const character = length === 0 ? null : decoded(bytes.subarray(at, at + length));
    text += character ?? String.fromCharCode(ESCAPED + (bytes[at] ?? 0));
    at += character === null ? 1 : length;
  }
  return text;
}

function decoded(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null; // cut, overlong, or a surrogate
  }
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}
