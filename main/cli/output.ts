/** How `cmdop` prints: for a person in a terminal, or plainly for a program. */
import { printable } from '../attach/cells.ts';
import type { Style } from './table.ts';

/** Width to lay tables out for; Infinity where a program reads. */
export const tableWidth = (): number => (process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY);

/** Colours are for people who did not ask to be spared (no-color.org). */
const hasColor = () => process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

/** SGR parameters that begin and end each. */
const STYLES = { dim: [2, 22], bold: [1, 22], green: [32, 39], red: [31, 39], yellow: [33, 39] } as const;

const style =
  ([on, off]: readonly [number, number]): Style =>
  (text) =>
    hasColor() ? `\x1b[${on}m${text}\x1b[${off}m` : text;

export const dim = style(STYLES.dim);
export const bold = style(STYLES.bold);
export const green = style(STYLES.green);
export const red = style(STYLES.red);
export const yellow = style(STYLES.yellow);

/** Our own styles, and what makes lines and columns. */
const OURS = new RegExp(`(\\x1b\\[(?:${Object.values(STYLES).flat().join('|')})m|[\\t\\n])`);

/** `text` as a terminal may get it: what hosts, programs and other people put into it says nothing to the terminal itself. */
export const harmless = (text: string): string =>
  text
    .split(OURS)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join('');

/** Byte by byte where a program reads. */
export function print(text: string): void {
  process.stdout.write(process.stdout.isTTY ? harmless(text) : text);
}

/** One object, readable by itself; the form does not depend on who reads. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** One object of a stream, on one line. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** What is not the answer itself: hints and progress. */
export function note(sentence: string): void {
  process.stderr.write(`cmdop: ${harmless(sentence)}\n`);
}
