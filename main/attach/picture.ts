/** Draws a part of a headless terminal into a terminal of another size, row by row, only what changed. Pure. */
import type { IBuffer, IBufferCell } from '@xterm/headless';
import type { Size } from '#protocol/shapes.ts';
import { cellWidth } from './cells.ts';

export type Picture = {
  readonly buffer: IBuffer;
  /** Of the session. */
  readonly size: Size;
  /** Of the window. */
  readonly window: Size;
  readonly isCursorVisible: boolean;
  /** For the last row; null leaves it to the session. */
  readonly status: string | null;
  /** SGR of a marked row of the session, with its semicolon in front; empty where it is not marked. */
  readonly mark?: (row: number) => string;
};

export class PicturePainter {
  #rows: string[] = [];

  /** The next picture is drawn in full. */
  forget(): void {
    this.#rows = [];
  }

  /** What to print to get from the last picture to this one. */
  paint(picture: Picture): string {
    const { window, size, buffer, status } = picture;
    const height = window.rows - (status === null ? 0 : 1);
    const { top, left } = corner(picture, height);
    const rows: string[] = [];
    for (let row = 0; row < height; row++) {
      if (row < size.rows)
        rows.push(drawRow(buffer, top + row, { left, cols: size.cols, width: window.cols, mark: picture.mark?.(top + row) ?? '' }));
      else
        rows.push(
          row === size.rows ? `\x1b[2m${'─'.repeat(Math.min(size.cols, window.cols))}${size.cols < window.cols ? '┘' : ''}\x1b[m` : '',
        );
    }
    if (status !== null) rows.push(statusRow(status, window.cols));
    const changed = rows.map((row, index) => (row === this.#rows[index] ? '' : `\x1b[${index + 1};1H\x1b[m\x1b[K${row}`)).join('');
    this.#rows = rows;
    return `\x1b[?2026h\x1b[?25l${changed}${cursor(picture, { top, left, height })}\x1b[?2026l`;
  }
}

/** Which cell of the session is shown in the window's first: the one that keeps the cursor in sight. */
function corner({ buffer, size, window }: Picture, height: number): { top: number; left: number } {
  const offset = (at: number, length: number, room: number) => Math.max(0, Math.min(at - room + 1, length - room));
  return {
    top: offset(buffer.cursorY, size.rows, height),
    left: offset(Math.min(buffer.cursorX, size.cols - 1), size.cols, window.cols),
  };
}

function cursor({ buffer, size, isCursorVisible }: Picture, { top, left, height }: { top: number; left: number; height: number }): string {
  const row = buffer.cursorY - top;
  const col = Math.min(buffer.cursorX, size.cols - 1) - left;
  if (!isCursorVisible || row < 0 || row >= height) return '';
  return `\x1b[${row + 1};${col + 1}H\x1b[?25h`;
}

type RowPart = { left: number; cols: number; width: number; mark: string };

function drawRow(buffer: IBuffer, row: number, { left, cols, width, mark }: RowPart): string {
  const line = buffer.getLine(buffer.baseY + row);
  const end = Math.min(cols, left + width);
  let text = '';
  let style = '';
  /** Up to the last cell that shows anything: what follows is blank already. */
  let shown = '';
  for (let col = left; line && col < end; col++) {
    const cell = line.getCell(col);
    if (!cell) break;
    const sgr = mark === '' ? styleOf(cell) : `${styleOf(cell)}${mark}`;
    if (sgr !== style) {
      text += `\x1b[0${sgr}m`;
      style = sgr;
    }
    const cells = cell.getWidth();
    // Half of a wide character, at either edge, cannot be shown.
    const isCut = (cells === 0 && col === left) || col + cells > end;
    if (cells > 0 || isCut) text += isCut ? ' ' : cell.getChars() || ' ';
    if (sgr !== '' || (!isCut && cell.getChars() !== '')) shown = text;
  }
  if (shown.includes('\x1b')) shown += '\x1b[m';
  return end - left < width ? `${shown}\x1b[${end - left + 1}G\x1b[2m│\x1b[m` : shown;
}

/** SGR parameters, each with its semicolon in front. */
function styleOf(cell: IBufferCell): string {
  if (cell.isAttributeDefault()) return '';
  let sgr = '';
  if (cell.isBold()) sgr += ';1';
  if (cell.isDim()) sgr += ';2';
  if (cell.isItalic()) sgr += ';3';
  if (cell.isUnderline()) sgr += ';4';
  if (cell.isBlink()) sgr += ';5';
  if (cell.isInverse()) sgr += ';7';
  if (cell.isInvisible()) sgr += ';8';
  if (cell.isStrikethrough()) sgr += ';9';
  if (cell.isOverline()) sgr += ';53';
  if (!cell.isFgDefault()) sgr += color(38, cell.getFgColor(), cell.isFgRGB());
  if (!cell.isBgDefault()) sgr += color(48, cell.getBgColor(), cell.isBgRGB());
  return sgr;
}

function color(ground: 38 | 48, value: number, isRgb: boolean): string {
  if (isRgb) return `;${ground};2;${(value >> 16) & 255};${(value >> 8) & 255};${value & 255}`;
  if (value < 8) return `;${ground - 8 + value}`;
  if (value < 16) return `;${ground + 52 + value - 8}`;
  return `;${ground};5;${value}`;
}

/** One row in reverse, shortened to fit. */
function statusRow(text: string, cols: number): string {
  let shown = ` ${text} `;
  if (cellWidth(shown) > cols) {
    const characters = [...shown];
    while (characters.length > 0 && cellWidth(characters.join('')) > cols - 1) characters.pop();
    shown = `${characters.join('')}…`;
  }
  return `\x1b[7m${shown}${' '.repeat(Math.max(0, cols - cellWidth(shown)))}\x1b[m`;
}
