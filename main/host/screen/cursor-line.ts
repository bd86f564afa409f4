/** The line of the cursor as a terminal of the same state has it, for who draws there for a moment and takes it back. */
import { type Cell, readCell, StyleReader } from './terminal-rows.ts';
import type { XtermBuffer, XtermCore, XtermLine } from './xterm-internals.ts';

/** Rows and columns from 0. */
export type CursorLine = {
  readonly row: number;
  readonly col: number;
  readonly cols: number;
  /** SGR parameters after a reset of what is printed next. */
  readonly pen: string;
  /** Cells by which the cursor may stand further right in the person's terminal: fonts and tables of widths differ. */
  readonly maxShift: number;
  cell(col: number): Cell;
};

const INVISIBLE = 0x40000000;

/**
 * Null while what is printed would not be what is to be seen, or could not be undone: a wrap that is pending, another
 * character set, insert mode, a link or protection that is being printed, a picture that is held back; and where the
 * program hides what it prints.
 */
export function readCursorLine(core: XtermCore): CursorLine | null {
  const { buffers, coreService, _charsetService: charsets, _inputHandler: input, cols } = core;
  const { x, y, ybase, lines } = buffers.active;
  const line = lines.get(ybase + y);
  if (!line || x >= cols || charsets.charset !== undefined || input._curAttrData.fg & INVISIBLE) return null;
  if (coreService.modes.insertMode || coreService.decPrivateModes.synchronizedOutput) return null;
  const styles = new StyleReader(core);
  const pen = styles.ofPen(input._curAttrData);
  if (pen.link || pen.isProtected) return null;
  return { row: y, col: x, cols, pen: pen.sgr, maxShift: maxShift(buffers.active, styles), cell: (col) => readCell(line, col, styles) };
}

/** A character beyond ASCII takes a cell more in one terminal than in another, also in rows above that wrap into this one. */
function maxShift({ lines, ybase, y, x }: XtermBuffer, styles: StyleReader): number {
  let cells = 0;
  let end = x;
  for (let at = ybase + y; at >= 0; at--) {
    const line = lines.get(at);
    if (!line) break;
    for (let col = 0; col < end; col++) if (isDisputed(line, col, styles)) cells++;
    if (!line.isWrapped) break;
    end = line.length;
  }
  return cells;
}

const isDisputed = (line: XtermLine, col: number, styles: StyleReader): boolean => /[^\x20-\x7e]/.test(readCell(line, col, styles).text);
