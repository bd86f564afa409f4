/**
 * What every match of a search surely contains, as bytes of plain output. Pure.
 *
 * Where there is doubt it says less: a search then reads more than it must, and misses nothing.
 */
import type { Sought } from '../search/matcher.ts';

/** Characters that another one counts as, where case does not: K for kelvin, and the long s. */
const ALSO: ReadonlyMap<string, string> = new Map([
  ['\u212a', 'k'],
  ['\u017f', 's'],
]);
const encoder = new TextEncoder();

/** Unbroken runs of bytes; `isFolded` as of output that `foldedBytes` made. Empty: nothing is certain. */
export function certainRuns(sought: Sought, { isFolded }: { isFolded: boolean }): Uint8Array[] {
  const texts = sought.regex ? requiredTexts(sought.text) : [sought.text];
  return texts.flatMap((text) => runsOf(text, sought.ignoreCase, isFolded));
}

function runsOf(text: string, ignoreCase: boolean, isFolded: boolean): Uint8Array[] {
  const runs: Uint8Array[] = [];
  let run = '';
  const end = () => {
    if (run !== '') runs.push(encoder.encode(run));
    run = '';
  };
  for (const character of text) {
    const folded = isFolded ? (ALSO.get(character) ?? asciiLower(character)) : character;
    if (isCertain(character, ignoreCase, isFolded)) run += folded;
    else end();
  }
  end();
  return runs;
}

/** Its bytes stand in plain output wherever it is matched. */
function isCertain(character: string, ignoreCase: boolean, isFolded: boolean): boolean {
  const code = character.codePointAt(0) ?? 0;
  // Stands for bytes that are no text, or is half of a character.
  if (code === 0xfffd || (code >= 0xd800 && code <= 0xdfff)) return false;
  if (!ignoreCase) return true;
  if (!isFolded) return code < 0x80 && !/[a-z]/i.test(character);
  return code < 0x80 || ALSO.has(character) || isWithoutCase(code);
}

/** Han, kana and Hangul; there are more, which are left out to be certain. */
const isWithoutCase = (code: number) => (code >= 0x2e80 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7a3);

const asciiLower = (character: string) => (character >= 'A' && character <= 'Z' ? character.toLowerCase() : character);

/** As `plain` of `plainBytes` with `isFolded`, and with what counts as `k` and `s` as them. */
export function foldedBytes(plain: Uint8Array): Uint8Array {
  const buffer = Buffer.from(plain.buffer, plain.byteOffset, plain.length);
  let folded: Buffer = buffer;
  for (const [character, as] of ALSO) {
    if (!folded.includes(character)) continue;
    const [from, to] = [Buffer.from(character).toString('latin1'), as];
    folded = Buffer.from(folded.toString('latin1').replaceAll(from, to), 'latin1');
  }
  return folded;
}

/**
 * Texts that every line which matches the expression holds. Only plain characters in a row at its outermost level count;
 * of what is not surely understood nothing is concluded, and the whole is given up where it could change the meaning of the rest.
 */
function requiredTexts(expression: string): string[] {
  const texts: string[] = [];
  let text = '';
  const end = () => {
    if (text !== '') texts.push(text);
    text = '';
  };
  const characters = [...expression];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    let literal: string | null = null;
    if (character === '|') return []; // either side would do
    if (character === '(' || character === '[') {
      const close = closing(characters, at);
      if (close < 0) return [];
      at = close;
    } else if (character === '\\') {
      const escaped = characters[++at] ?? '';
      // Letters and digits have meanings of their own, some of them (\Q, \x, \p) for what follows.
      if (/[dDsSwWbBAz]/.test(escaped)) literal = null;
      else if (/^[!-/:-@[-`{-~]$/.test(escaped)) literal = escaped;
      else return [];
    } else if (!/[.^$*+?{}\])]/.test(character)) literal = character;
    const repeat = characters[at + 1] ?? '';
    if (/[*?{+]/.test(repeat)) {
      // It may be there not at all, or more than once: neither side of it is joined to it.
      if (repeat === '{' && !/^\{\d+(,\d*)?\}/.test(characters.slice(at + 1).join(''))) return [];
      end();
      at = repeat === '{' ? characters.indexOf('}', at + 1) : at + 1;
      if (/[*?{+]/.test(characters[at + 1] ?? '')) at++; // as few as possible
      if (/[*?{+]/.test(characters[at + 1] ?? '')) return [];
    } else if (literal === null) end();
    else text += literal;
  }
  end();
  return texts;
}

/** Where a group or a set that begins at `at` ends; −1 where it is not plain enough to be sure. */
function closing(characters: readonly string[], at: number): number {
  if (characters[at] === '[') {
    let end = at + 1;
    if (characters[end] === '^') end++;
    if (characters[end] === ']') return -1;
    for (; end < characters.length; end++) {
      if (characters[end] === '[') return -1;
      if (characters[end] === '\\') end++;
      else if (characters[end] === ']') return end;
    }
    return -1;
  }
  if (characters[at + 1] === '?') return -1; // flags may hold for what follows
  for (let end = at + 1; end < characters.length; end++) {
    const character = characters[end];
    if (character === ')') return end;
    if (character === '\\') {
      if (/[QEpPxC]/.test(characters[end + 1] ?? 'Q')) return -1;
      end++;
    } else if (character === '(' || character === '[') {
      end = closing(characters, end);
      if (end < 0) return -1;
    }
  }
  return -1;
}
