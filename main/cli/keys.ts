/** Keys of cmdop's own while attached: how people write them, and how terminals send them. Pure. */
import { UsageError } from './exit-codes.ts';

export type Key = {
  /** For people: `Ctrl-\`. */
  readonly name: string;
  /** Every form in which a terminal may send it. */
  readonly forms: readonly string[];
};

/** `ctrl-\`, `C-]`, `^^`, `ctrl-space`. Only Ctrl with another key, since everything else is typed. Throws UsageError. */
export function parseKey(text: string): Key {
  const match = /^(?:ctrl[-+]|c-|\^)(.|space)$/i.exec(text.trim());
  const given = match?.[1]?.toLowerCase();
  const character = given === 'space' ? ' ' : given;
  const code = character === undefined ? undefined : controlCode(character);
  if (character === undefined || code === undefined) {
    throw new UsageError(`"${text}" is no key for this: write ctrl- and one of a–z, \\, ], ^, _ or space, such as ctrl-]`);
  }
  if (RESERVED.has(code)) throw new UsageError(`"${text}" cannot be used: programs would lose ${RESERVED.get(code)}`);
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

/** Keys without which no program can be used. */
const RESERVED = new Map([
  [0x03, 'Ctrl-C'],
  [0x0d, 'Enter'],
  [0x09, 'Tab'],
  [0x1b, 'Escape'],
]);

function controlCode(character: string): number | undefined {
  if (character === ' ' || character === '@') return 0;
  if (/^[a-z]$/.test(character)) return character.charCodeAt(0) - 0x60;
  const index = '[\\]^_'.indexOf(character);
  return index < 0 ? undefined : 0x1b + index;
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
