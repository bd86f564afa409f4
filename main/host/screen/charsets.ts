/** The character sets a terminal knows, by the letter that designates them. */
import headless from '@xterm/headless';
import { internalsOf, type XtermCharset } from './xterm-internals.ts';

/** Letters that xterm.js knows (data/Charsets.ts). */
const LETTERS = [...'0A4C5RQKYE6Z7H=B'];

let letters: Map<XtermCharset, string> | undefined;

/** The tables are objects shared by all terminals of this process: a terminal is made to name them once. */
function tables(): Map<XtermCharset, string> {
  if (letters) return letters;
  letters = new Map<XtermCharset, string>([[undefined, 'B']]);
  const terminal = new headless.Terminal({ cols: 2, rows: 1, allowProposedApi: true });
  const core = internalsOf(terminal);
  for (const letter of LETTERS) {
    core._inputHandler.parse(new TextEncoder().encode(`\x1b(${letter}`));
    const table = core._charsetService._charsets[0];
    if (!letters.has(table)) letters.set(table, letter);
  }
  terminal.dispose();
  return letters;
}

/** ASCII, `B`, for a table that is not known. */
export const letterOf = (table: XtermCharset): string => tables().get(table) ?? 'B';

/** What has to be printed under `charset` for `text` to be shown. */
export function encodeInCharset(text: string, charset: string): string {
  for (const [table, letter] of tables()) {
    if (letter !== charset || !table) continue;
    for (const [ascii, shown] of Object.entries(table)) if (shown === text) return ascii;
  }
  return text;
}
