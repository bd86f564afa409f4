/**
 * Terminal output as text for a reader that takes characters at their word, such as an agent. Pure.
 *
 * What a terminal would overwrite is gone, and what it would not show (direction marks, blanks of no width, tags) is
 * written out, so that nothing can hide in it.
 */

/** Format characters, lone surrogates, private and unassigned ones, controls, and selectors that can carry hidden text. */
const INVISIBLE = /[\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Cc}\u115f\u1160\u3164\uffa0]|[\u{e0100}-\u{e01ef}]/gu;
const KEPT = new Set(['\n', '\t', '\u200d']);
/** A joiner is part of a picture between two of them, and nothing elsewhere. */
const LONE_JOINER = /(?<!\p{Extended_Pictographic}\ufe0f?)\u200d|\u200d(?!\p{Extended_Pictographic})/gu;

/** `text` without control sequences (PlainText) as a reader sees it, line by line. */
export function visibleText(text: string): string {
  const lines = text
    .replaceAll('\r\n', '\n')
    .replaceAll(/[\v\f]/g, '\n')
    .split('\n');
  return lines.map((line) => written(overwritten(line))).join('\n');
}

/** What is left of a line after its carriage returns and backspaces. */
function overwritten(line: string): string {
  let shown = '';
  for (const part of line.split('\r')) {
    let cells = [...part];
    while (cells.includes('\b')) {
      const at = cells.indexOf('\b');
      cells = [...cells.slice(0, Math.max(0, at - 1)), ...cells.slice(at + 1)];
    }
    // What is behind a shorter text stays, as on a screen.
    shown = cells.join('') + [...shown].slice(cells.length).join('');
  }
  return shown;
}

function written(line: string): string {
  return line.replace(LONE_JOINER, named).replace(INVISIBLE, (character) => (KEPT.has(character) ? character : named(character)));
}

function named(character: string): string {
  return `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`;
}
