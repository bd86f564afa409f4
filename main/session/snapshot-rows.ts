/** Writes rows of cells as VT text that draws them again, cell by cell, into an empty terminal. Pure. */

/** A hyperlink of OSC 8; two links may have the same address. */
export type Link = { readonly id: string; readonly uri: string };

/** How a cell is drawn. Styles of one snapshot that are alike are one object. */
export type Style = {
  /** SGR parameters after a reset, empty for the default. */
  readonly sgr: string;
  /** The part of `sgr` that colours the background: all that erasing leaves in a cell. */
  readonly background: string;
  /** DECSCA: not erased by selective erase. */
  readonly isProtected: boolean;
  readonly link: Link | null;
};

/** Neighbouring cells of one style. */
export type Run =
  /** Characters, each in as many cells as it is wide. */
  | { readonly kind: 'text'; readonly cells: number; readonly text: string; readonly style: Style }
  /** Cells that hold no character. */
  | { readonly kind: 'blank'; readonly cells: number; readonly style: Style }
  /** A character without width that has a cell of its own, because it followed nothing it could join. */
  | { readonly kind: 'mark'; readonly cells: 1; readonly text: string; readonly style: Style };

export type SnapshotRow = {
  /** It continues the row above: both are one line, when copied and when the width changes. */
  readonly isWrapped: boolean;
  readonly runs: readonly Run[];
};

export const DEFAULT_STYLE: Style = { sgr: '', background: '', isProtected: false, link: null };

const WIDE = '\u3000';

/** Collects text for a terminal and knows the style it has reached there. */
export class SnapshotWriter {
  readonly #parts: string[] = [];
  #style = DEFAULT_STYLE;

  get text(): string {
    return this.#parts.join('');
  }

  put(...parts: string[]): void {
    for (const part of parts) if (part) this.#parts.push(part);
  }

  /** Everything printed from here on has `style`. */
  style(style: Style): void {
    const before = this.#style;
    if (style === before) return;
    this.#style = style;
    // Protection ends with a reset of the style, in xterm.js; elsewhere it does not, so it is ended as well.
    if (before.isProtected && !style.isProtected) this.put('\x1b[0"q');
    if (style.sgr !== before.sgr || style.isProtected !== before.isProtected) this.put(style.sgr ? `\x1b[0;${style.sgr}m` : '\x1b[m');
    if (style.isProtected) this.put('\x1b[1"q');
    if (style.link !== before.link) this.put(openLink(style.link));
  }

  /** Something else changed the style: the next one is set in full. */
  forgetStyle(): void {
    this.put('\x1b[m', openLink(null), '\x1b[0"q');
    this.#style = DEFAULT_STYLE;
  }

  /** From the top left corner of an empty screen of `size`, with default style; rows beyond its height scroll. */
  rows(rows: readonly SnapshotRow[], size: { cols: number; rows: number }): void {
    if (rows[0]?.isWrapped && size.rows > 1) {
      // Nothing precedes what wraps: a line is made to wrap into it, and then deleted.
      this.put(column(size.cols), 'xx\x1b[H\x1b[M\x1b[H\x1b[X');
    }
    rows.forEach((row, index) => {
      const isPending = this.#row(row, size.cols);
      const next = rows[index + 1];
      if (next) this.#break({ row, next, isPending, cols: size.cols });
    });
    this.style(DEFAULT_STYLE);
  }

  /** Answers whether a character in the last column was printed last, so that the next one wraps. */
  #row({ runs }: SnapshotRow, cols: number): boolean {
    let col = 0;
    let at = 0;
    const moveTo = (target: number) => {
      if (at !== target) this.put(column(target + 1));
      at = target;
    };
    const last = runs.at(-1);
    // Made from a wide character before it, so it comes before what stands there.
    if (last?.kind === 'blank' && !isPlain(last.style)) {
      moveTo(cols - 2);
      this.#blankLast(last.style, cols);
      at = -1;
    }
    for (const run of runs) {
      const { style, cells } = run;
      if (run.kind === 'blank') {
        if (isPlain(style)) {
          if (style.background) {
            moveTo(col);
            this.style(style);
            this.put(`\x1b[${cells}X`);
          }
        } else {
          const end = Math.min(col + cells, cols - 1);
          for (let cell = col; cell < end; cell++) this.#blankStyled(cell, style);
          if (end > col) at = -1;
        }
      } else {
        if (run.kind === 'mark') at = -1; // a movement before it keeps it from joining
        moveTo(col);
        this.style(style);
        this.put(run.text);
        at = col + cells;
      }
      col += cells;
    }
    return at === cols;
  }

  /** An empty cell that has more than a background: what is left where one half of a wide character was overwritten. */
  #blankStyled(cell: number, style: Style): void {
    this.style(DEFAULT_STYLE);
    this.put(column(cell + 1), WIDE, column(cell + 2));
    this.style(style);
    this.put('x', column(cell + 2));
    this.style(DEFAULT_STYLE);
    this.put('\x1b[X');
  }

  #blankLast(style: Style, cols: number): void {
    this.style(DEFAULT_STYLE);
    this.put(WIDE, column(cols - 1));
    this.style(style);
    this.put('x', column(cols - 1));
    this.style(DEFAULT_STYLE);
    this.put('\x1b[X');
  }

  /** Goes to the start of the next row. */
  #break({ row, next, isPending, cols }: { row: SnapshotRow; next: SnapshotRow; isPending: boolean; cols: number }): void {
    if (!next.isWrapped) {
      // A line scrolled in takes the background there is.
      if (this.#style.background) this.style(DEFAULT_STYLE);
      this.put('\r\n');
      return;
    }
    const first = next.runs[0];
    const lastOfNext = next.runs.at(-1);
    const isNatural =
      isPending && first?.kind === 'text' && first.style.background === '' && !(lastOfNext?.kind === 'blank' && !isPlain(lastOfNext.style));
    if (isNatural) return; // the next character wraps by itself
    const last = row.runs.at(-1);
    if (isPending) {
      this.style(DEFAULT_STYLE);
      this.put('x');
    } else if (last?.kind === 'blank') {
      // A wide character that does not fit leaves the last cell empty, in its own style.
      this.put(column(cols));
      this.style(last.style);
      this.put(WIDE);
      this.style(DEFAULT_STYLE);
    }
    this.put('\r', `\x1b[${cols}X`);
  }
}

const column = (number: number) => `\x1b[${number}G`;

/** Erasing makes it. */
const isPlain = (style: Style) => style.sgr === style.background && !style.isProtected && !style.link;

function openLink(link: Link | null): string {
  if (!link) return '\x1b]8;;\x1b\\';
  return `\x1b]8;${link.id ? `id=${link.id}` : ''};${link.uri}\x1b\\`;
}
