/** Keys of cmdop's own while attached, as terminals send them. Pure. */

export type Key = {
  /** For people: `Ctrl-\`. */
  readonly name: string;
  /** Every form in which a terminal may send it. */
  readonly forms: readonly string[];
};

/** Ctrl with a character in lower case; null where there is no such key. */
export function controlKey(character: string): Key | null {
  const code = controlCode(character);
  if (code === null) return null;
  const point = character.codePointAt(0) ?? 0;
  return {
    name: `Ctrl-${character === ' ' ? 'Space' : character.toUpperCase()}`,
    forms: [
      String.fromCharCode(code),
      // A program may have asked the terminal to send keys in kitty's or xterm's long form.
      `\x1b[${point};5u`,
      `\x1b[${point};5:1u`,
      `\x1b[27;5;${point}~`,
      // Ctrl-^ is Ctrl-Shift-6 on many keyboards.
      ...(character === '^' ? ['\x1b[54;6u', '\x1b[54;6:1u', '\x1b[27;6;54~', '\x1b[27;6;94~', '\x1b[94;6u'] : []),
    ],
  };
}

function controlCode(character: string): number | null {
  if (character === ' ' || character === '@') return 0;
  if (/^[a-z]$/.test(character)) return character.charCodeAt(0) - 0x60;
  const index = '[\\]^_'.indexOf(character);
  return index < 0 || character === '' ? null : 0x1b + index;
}

/** Where a form of `key` begins in `typed`, and where it ends; null if it is not there. */
export function findKey(key: Key, typed: string): { from: number; to: number } | null {
  let first: { from: number; to: number } | null = null;
  for (const form of key.forms) {
    const from = typed.indexOf(form);
    if (from >= 0 && (!first || from < first.from)) first = { from, to: from + form.length };
  }
  return first;
}
