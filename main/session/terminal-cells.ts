/**
 * Bounds what xterm.js 6.0 keeps in one cell: every combining character that is printed after its first one, without end.
 * A program that prints nothing else would fill the memory, and every snapshot of its screen. Pure.
 */

/**
 * As much text a cell holds, UTF-16 units; what would make it longer is not shown. The Stream-Safe Text Format (UAX #15)
 * allows 30 combining characters in a row.
 */
export const MAX_CELL_TEXT = 32;

type Add = (this: object, col: number, codePoint: number, width: number) => void;

/** Lines are made by all terminals of a process alike: once is enough. */
const bounded = new WeakSet<object>();

/** Throws if xterm.js is not as it has to be for this. */
export function boundCells(line: object | undefined): void {
  const lines: object | null = line ? Object.getPrototypeOf(line) : null;
  const add: unknown = lines && Reflect.get(lines, 'addCodepointToCell');
  if (!line || !lines || typeof add !== 'function' || typeof Reflect.get(line, '_combined') !== 'object') {
    throw new Error(
      'xterm.js is not as cmdop knows it (6.0.0): its lines combine characters elsewhere; pin it to 6.0.0 or adapt main/session/terminal-cells.ts',
    );
  }
  if (bounded.has(lines)) return;
  bounded.add(lines);
  const addUnbounded = add as Add;
  const addBounded: Add = function (col, codePoint, width) {
    if (!isFull(this as Line, col, codePoint)) addUnbounded.call(this, col, codePoint, width);
  };
  Reflect.set(lines, 'addCodepointToCell', addBounded);
}

type Line = { readonly _data: Uint32Array; readonly _combined: { readonly [col: number]: string | undefined } };

/** Numbers of a cell, and the bit of the first that says that its text is in `_combined`: buffer/Constants.ts. */
const [CELL_NUMBERS, IS_COMBINED] = [3, 0x200000];

function isFull({ _data: numbers, _combined: combined }: Line, col: number, codePoint: number): boolean {
  const length = (numbers[col * CELL_NUMBERS] ?? 0) & IS_COMBINED ? (combined[col]?.length ?? 0) : 0;
  return length + (codePoint > 0xffff ? 2 : 1) > MAX_CELL_TEXT;
}
