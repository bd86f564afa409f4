/** Text as a person must see it before saying yes: whatever a screen hides, moves or turns round is written out. Pure. */

/** Control, format, private and unassigned characters, odd blanks and line ends, and what only combines or only fills. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\p{Mn}\p{Me}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{2800}]|(?! )\p{Zs}/gu;
/** Direction marks, zero-width and other characters that are there and do not show. */
const INVISIBLE = /[\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{2800}]|(?! )\p{Zs}/u;

const NAMES = new Map([
  ['\r', 'Enter'],
  ['\n', 'newline'],
  ['\t', 'Tab'],
  ['\x1b', 'Esc'],
  ['\x7f', 'Backspace'],
]);

/** `‹Enter›`, `‹^C›`, `‹U+202E›` in the place of what does not show; everything else as it is. */
export function shownText(text: string): string {
  return text.replace(HIDDEN, (character) => `‹${nameOf(character)}›`);
}

/** Whether `text` has characters that are there and do not show, or change the direction of what does. */
export const hasInvisible = (text: string): boolean => INVISIBLE.test(text);

/** Exact for UTF-8; of other bytes each one above 127 as the character of its number, and `isText` is false. */
export function textOf(bytes: Uint8Array): { text: string; isText: boolean } {
  try {
    return { text: strict.decode(bytes), isText: true };
  } catch {
    return { text: String.fromCharCode(...bytes), isText: false }; // no UTF-8: told by `isText`
  }
}

function nameOf(character: string): string {
  const name = NAMES.get(character);
  if (name !== undefined) return name;
  const code = character.codePointAt(0) ?? 0;
  return code < 0x20 ? `^${String.fromCharCode(code + 0x40)}` : `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
