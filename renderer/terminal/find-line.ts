/** Finds a line of output among the lines a terminal holds. Pure. */

/** The part of xterm's buffer that is needed. */
export type LineBuffer = {
  readonly length: number;
  getLine(row: number): { readonly isWrapped: boolean; translateToString(trim: boolean): string } | undefined;
};

export type FoundLine = { readonly row: number; readonly column: number };

/** The first row, within `first` to `last`, of the last line there that contains `text`; null where none does. */
export function findLine(buffer: LineBuffer, text: string, { first, last }: { first: number; last: number }): FoundLine | null {
  let row = Math.min(last, buffer.length - 1);
  while (row >= Math.max(0, first)) {
    let begin = row;
    while (begin > 0 && buffer.getLine(begin)?.isWrapped) begin--;
    let whole = '';
    for (let part = begin; part <= row; part++) whole += buffer.getLine(part)?.translateToString(part === row) ?? '';
    const column = whole.indexOf(text);
    if (column >= 0) return { row: begin, column };
    row = begin - 1;
  }
  return null;
}
