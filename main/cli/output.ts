/** How `cmdop` prints: for a person in a terminal, or plainly for a program. */
import { printable } from '../attach/cells.ts';
import type { Style } from './table.ts';

/** Width to lay tables out for; Infinity where a program reads. */
export const tableWidth = (): number => (process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY);

/** Colours are for people who did not ask to be spared (no-color.org). */
const hasColor = () => process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

const style =
  (on: string, off: string): Style =>
  (text) =>
    hasColor() ? `\x1b[${on}m${text}\x1b[${off}m` : text;

export const dim = style('2', '22');
export const bold = style('1', '22');
export const green = style('32', '39');
export const red = style('31', '39');
export const yellow = style('33', '39');

/** What `style` writes, and what makes lines and columns. */
const OURS = /(\x1b\[(?:1|2|22|31|32|33|39)m|[\t\n])/;

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
