/** A row of terminal cells as HTML. Whatever it says, it is text: no output can become a tag, an attribute or a style. Pure. */
import type { IBufferCell, IBufferLine } from '@xterm/headless';

/** The first 16 colours, as the app's dark terminal has them. */
const COLORS = [
  ...['#24262c', '#f2777a', '#8fce8a', '#e8c476', '#7aa7f7', '#c79bf0', '#6fcbd3', '#c9cbd2'],
  ...['#6c707c', '#ff9a98', '#aee5a6', '#f6db9d', '#a0c2ff', '#dcbcff', '#98e4ea', '#f4f5f8'],
];
const FOREGROUND = '#dcdde2';
const BACKGROUND = '#101114';
/** Levels of the colour cube of 256-colour terminals. */
const CUBE = [0, 95, 135, 175, 215, 255];

/** Without the blanks at its end that nobody sees. */
export function htmlRow(line: IBufferLine, cell: IBufferCell): string {
  let html = '';
  let style = '';
  let run = '';
  const flush = () => {
    html += style === '' || run === '' ? escapeHtml(run) : `<span style="${style}">${escapeHtml(run)}</span>`;
    run = '';
  };
  const end = lastVisible(line, cell);
  for (let col = 0; col <= end; col++) {
    if (!line.getCell(col, cell) || cell.getWidth() === 0) continue; // the second half of a wide character
    const next = styleOf(cell);
    if (next !== style) flush();
    style = next;
    run += cell.isInvisible() ? ' ' : cell.getChars() || ' ';
  }
  flush();
  return html;
}

export const escapeHtml = (text: string): string =>
  text
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

function lastVisible(line: IBufferLine, cell: IBufferCell): number {
  for (let col = line.length - 1; col >= 0; col--) {
    if (!line.getCell(col, cell)) continue;
    if ((cell.getChars() !== '' && cell.getChars() !== ' ') || !cell.isBgDefault() || cell.isInverse() || cell.isUnderline()) return col;
  }
  return -1;
}

function styleOf(cell: IBufferCell): string {
  const own = colorOf(cell.isFgRGB(), cell.isFgPalette(), cell.getFgColor());
  const behind = colorOf(cell.isBgRGB(), cell.isBgPalette(), cell.getBgColor());
  const isInverse = cell.isInverse() !== 0;
  const foreground = isInverse ? (behind ?? BACKGROUND) : own;
  const background = isInverse ? (own ?? FOREGROUND) : behind;
  const lines = [cell.isUnderline() ? 'underline' : '', cell.isStrikethrough() ? 'line-through' : '', cell.isOverline() ? 'overline' : ''];
  const decoration = lines.filter((each) => each !== '').join(' ');
  return [
    foreground ? `color:${foreground}` : '',
    background ? `background:${background}` : '',
    cell.isBold() ? 'font-weight:bold' : '',
    cell.isItalic() ? 'font-style:italic' : '',
    cell.isDim() ? 'opacity:.6' : '',
    decoration ? `text-decoration:${decoration}` : '',
  ]
    .filter((each) => each !== '')
    .join(';');
}

/** Null for the default. */
function colorOf(isRgb: boolean, isPalette: boolean, color: number): string | null {
  if (isRgb) return `#${color.toString(16).padStart(6, '0')}`;
  if (!isPalette) return null;
  if (color < 16) return COLORS[color] ?? null;
  if (color >= 232)
    return `rgb(${Array(3)
      .fill((color - 232) * 10 + 8)
      .join(',')})`;
  const index = color - 16;
  return `rgb(${[Math.floor(index / 36), Math.floor(index / 6) % 6, index % 6].map((level) => CUBE[level] ?? 0).join(',')})`;
}
