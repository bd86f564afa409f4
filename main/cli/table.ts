/** Rows as aligned columns. Pure. */
import { cellWidth, printable } from '../attach/cells.ts';

export type Column = {
  readonly title: string;
  readonly align?: 'right';
  /** Shortened first when the terminal is too narrow, from its start (`start`) or its end. */
  readonly shrink?: 'start' | 'end';
};

export type Style = (text: string) => string;
export type Cell = string | { readonly text: string; readonly style: Style };

/** Narrowest that a shrinking column becomes, cells. */
const MIN_SHRUNK = 8;
const GAP = '  ';

/** `width`: of the terminal; Infinity where a program reads, which gets everything. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly Cell[])[], width: number): string {
  const widths = columns.map(({ title }, index) => Math.max(cellWidth(title), ...rows.map((row) => cellWidth(plain(row[index] ?? '')))));
  shrink(columns, widths, width);
  const line = (cells: readonly Cell[]) => {
    const shown = columns.map((column, index) => {
      const cell = cells[index] ?? '';
      const isLast = index === columns.length - 1;
      const text = shortened(plain(cell), widths[index] ?? 0, column.shrink);
      const padding = ' '.repeat(Math.max(0, (widths[index] ?? 0) - cellWidth(text)));
      const styled = typeof cell === 'string' ? text : cell.style(text);
      if (column.align === 'right') return padding + styled;
      return isLast ? styled : styled + padding;
    });
    return `${shown.join(GAP).trimEnd()}\n`;
  };
  return line(columns.map(({ title }) => title)) + rows.map(line).join('');
}

function shrink(columns: readonly Column[], widths: number[], width: number): void {
  let excess = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (columns.length - 1) - width;
  while (excess > 0) {
    const widest = columns.reduce((best, column, index) => {
      if (!column.shrink || (widths[index] ?? 0) <= MIN_SHRUNK) return best;
      return best < 0 || (widths[index] ?? 0) > (widths[best] ?? 0) ? index : best;
    }, -1);
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess--;
  }
}

function shortened(text: string, width: number, side: 'start' | 'end' = 'end'): string {
  if (cellWidth(text) <= width) return text;
  const characters = [...text];
  while (characters.length > 0 && cellWidth(characters.join('')) > width - 1) {
    if (side === 'start') characters.shift();
    else characters.pop();
  }
  return side === 'start' ? `…${characters.join('')}` : `${characters.join('')}…`;
}

const plain = (cell: Cell) => printable(typeof cell === 'string' ? cell : cell.text);
