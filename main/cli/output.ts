/** How `cmdop` prints: for a person in a terminal, or plainly for a program. */
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

export function print(text: string): void {
  process.stdout.write(text);
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
  process.stderr.write(`cmdop: ${sentence}\n`);
}
