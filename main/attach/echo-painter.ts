/**
 * Draws what is foretold at the cursor of a person's terminal, underlined, and takes it back so that nothing shows it was
 * there: the cells, the cursor and the style of printing are as the program left them. Only at the end of a line whose
 * rest is blank. Pure: returns what to print.
 *
 * The cursor moves relatively: what stands left of it may take other widths there than here.
 */
import type { EchoOverlay } from '#client/echo-prediction.ts';
import type { ScreenTerminal } from '../host/screen/screen-terminal.ts';

type CursorLine = NonNullable<ScreenTerminal['cursorLine']>;
type Drawing = { readonly text: string; readonly takeBack: string };

const NOTHING: Drawing = { text: '', takeBack: '' };

export class EchoPainter {
  #drawing = NOTHING;

  get hasDrawn(): boolean {
    return this.#drawing !== NOTHING;
  }

  /** From what is drawn to this; `line` is the same as when that was drawn. */
  show(line: CursorLine | null, overlay: EchoOverlay | null): string {
    const drawing = line && overlay ? drawingOf(line, overlay) : NOTHING;
    if (drawing.text === this.#drawing.text) return '';
    const takeBack = this.takeBack();
    this.#drawing = drawing;
    return takeBack + drawing.text;
  }

  /** To be printed before anything else is. */
  takeBack(): string {
    const { takeBack } = this.#drawing;
    this.#drawing = NOTHING;
    return takeBack;
  }
}

function drawingOf(line: CursorLine, { row, cells, cursorCol }: EchoOverlay): Drawing {
  const changed = [...cells].toSorted(([a], [b]) => a - b);
  const end = Math.max(cursorCol, (changed.at(-1)?.[0] ?? 0) + 1);
  if (row !== line.row || end + line.maxShift >= line.cols || !isBlankBehind(line)) return NOTHING;
  if (!changed.every(([col]) => isPlainCell(line, col))) return NOTHING;
  const [text, takeBack] = [new Strokes(line.col), new Strokes(cursorCol)];
  const underlined = line.pen === '' ? '4' : `${line.pen};4`;
  for (const [col, char] of changed) {
    text.print(col, char, underlined);
    const { text: before, style } = line.cell(col);
    if (before === '') takeBack.erase(col, style.sgr);
    else takeBack.print(col, before, style.sgr);
  }
  return { text: text.end(cursorCol, line.pen), takeBack: takeBack.end(line.col, line.pen) };
}

function isBlankBehind({ col, cols, cell }: CursorLine): boolean {
  for (let at = col; at < cols; at++) if (cell(at).width !== 1 || cell(at).text.trim() !== '') return false;
  return true;
}

function isPlainCell({ cell }: CursorLine, col: number): boolean {
  const { width, text, style } = cell(col);
  return width === 1 && text.length <= 1 && !style.link && !style.isProtected;
}

/** Printing and erasing of single cells in one row. */
class Strokes {
  #text = '';
  #col: number;
  #sgr: string | null = null;

  constructor(col: number) {
    this.#col = col;
  }

  print(col: number, char: string, sgr: string): void {
    this.#style(sgr);
    this.#move(col);
    this.#text += char;
    this.#col++;
  }

  erase(col: number, sgr: string): void {
    this.#style(sgr);
    this.#move(col);
    this.#text += '\x1b[X';
  }

  /** The whole; afterwards the cursor is there, and prints so. */
  end(col: number, sgr: string): string {
    if (this.#sgr !== null) this.#style(sgr);
    this.#move(col);
    return this.#text;
  }

  #style(sgr: string): void {
    if (sgr === this.#sgr) return;
    this.#sgr = sgr;
    this.#text += sgr === '' ? '\x1b[m' : `\x1b[0;${sgr}m`;
  }

  #move(col: number): void {
    if (col > this.#col) this.#text += `\x1b[${col - this.#col}C`;
    if (col < this.#col) this.#text += `\x1b[${this.#col - col}D`;
    this.#col = col;
  }
}
