/** Rows as aligned columns. Pure. */

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

/** A name or title from elsewhere must not move our cursor. */
export const printable = (text: string) =>
  text.replace(/[\x00-\x1f\x7f-\x9f]/g, (control) => (control === '\t' || control === '\n' ? ' ' : '�'));

/** Cells a text takes: 2 for wide characters, 0 for combining ones (close enough for a table). */
export function cellWidth(text: string): number {
  let cells = 0;
  for (const character of text) {
    if (/[\p{Mark}\p{Format}]/u.test(character)) continue;
    cells += WIDE.test(character) ? 2 : 1;
  }
  return cells;
}

/** East Asian wide and fullwidth blocks, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
