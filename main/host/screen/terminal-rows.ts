/** Turns xterm.js' packed cells into rows of styled runs. The bits are those of its buffer/Constants.ts. */
import { DEFAULT_STYLE, type Link, type Run, type SnapshotRow, type Style } from '#session/snapshot-rows.ts';
import type { XtermAttributes, XtermCore, XtermExtended, XtermLine } from './xterm-internals.ts';

const [CODEPOINT, COMBINED, CONTENT, WIDTH_SHIFT] = [0x1fffff, 0x200000, 0x3fffff, 22];
const [COLOR_MODE, PALETTE_16, PALETTE_256, RGB] = [0x3000000, 0x1000000, 0x2000000, 0x3000000];
/** Flags of the foreground, with the SGR parameter of each. */
const FOREGROUND_FLAGS = [
  [0x8000000, 1],
  [0x20000000, 5],
  [0x4000000, 7],
  [0x40000000, 8],
  [0x80000000, 9],
] as const;
const UNDERLINE = 0x10000000;
/** Flags of the background, with the SGR parameter of each. */
const BACKGROUND_FLAGS = [
  [0x8000000, 2],
  [0x4000000, 3],
  [0x40000000, 53],
] as const;
const [HAS_EXTENDED, PROTECTED] = [0x10000000, 0x20000000];
const NOT_EXTENDED: XtermExtended = { _ext: 0, _urlId: 0 };

/** How the cells of a line look. */
export type CellStyles = Pick<StyleReader, 'ofCell'>;

/** All as nobody has coloured them. */
export const NO_STYLES: CellStyles = { ofCell: () => DEFAULT_STYLE };

/** Makes styles from packed attributes; alike ones are one object. */
export class StyleReader {
  readonly #core: XtermCore;
  readonly #styles = new Map<string, Style>();
  readonly #links = new Map<number, Link | null>();
  #fg = 0;
  #bg = 0;
  #extended: XtermExtended | undefined;
  #last = DEFAULT_STYLE;

  constructor(core: XtermCore) {
    this.#core = core;
  }

  ofCell(line: XtermLine, col: number): Style {
    const fg = line._data[col * 3 + 1] ?? 0;
    const bg = line._data[col * 3 + 2] ?? 0;
    if (fg === 0 && bg === 0) return DEFAULT_STYLE;
    const extended = bg & HAS_EXTENDED ? line._extendedAttrs[col] : undefined;
    if (fg === this.#fg && bg === this.#bg && extended === this.#extended) return this.#last;
    this.#fg = fg;
    this.#bg = bg;
    this.#extended = extended;
    this.#last = this.#intern({ fg, bg, extended: extended ?? NOT_EXTENDED });
    return this.#last;
  }

  /** Unlike a cell, the pen keeps an underline colour also while nothing is underlined. */
  ofPen({ fg, bg, extended }: XtermAttributes): Style {
    return this.#intern({ fg, bg: bg | HAS_EXTENDED, extended }, true);
  }

  #intern({ fg, bg, extended }: XtermAttributes, isPen = false): Style {
    const { _ext: ext, _urlId } = bg & HAS_EXTENDED ? extended : NOT_EXTENDED;
    const key = `${fg},${bg},${ext},${_urlId},${isPen}`;
    let style = this.#styles.get(key);
    if (!style) {
      style = makeStyle({ fg, bg, ext, link: _urlId ? this.#link(_urlId) : null, isPen });
      this.#styles.set(key, style);
    }
    return style;
  }

  #link(id: number): Link | null {
    let link = this.#links.get(id);
    if (link === undefined) {
      const found = this.#core._oscLinkService.getLinkData(id);
      link = found ? { id: found.id ?? '', uri: found.uri } : null;
      this.#links.set(id, link);
    }
    return link;
  }
}

/** DECSC saves no underline style, underline colour or link. */
export function styleOfSaved({ fg, bg }: XtermAttributes): Style {
  return makeStyle({ fg, bg: bg & ~HAS_EXTENDED, ext: 0, link: null });
}

function makeStyle({ fg, bg, ext, link, isPen }: { fg: number; bg: number; ext: number; link: Link | null; isPen?: boolean }): Style {
  const parameters: (string | number)[] = [];
  for (const [flag, parameter] of FOREGROUND_FLAGS) if (fg & flag) parameters.push(parameter);
  for (const [flag, parameter] of BACKGROUND_FLAGS) if (bg & flag) parameters.push(parameter);
  const foreground = color(fg, 38);
  if (foreground) parameters.push(foreground);
  const background = color(bg, 48);
  if (background) parameters.push(background);
  const isExtended = (bg & HAS_EXTENDED) !== 0;
  const isUnderlined = (fg & UNDERLINE) !== 0;
  const underlineColor = isUnderlined || link || isPen ? color(ext, 58) : '';
  if (underlineColor) parameters.push(underlineColor);
  if (isUnderlined) {
    const shape = isExtended ? (ext >> 26) & 7 : 1;
    parameters.push(shape > 1 ? `4:${shape}` : 4);
  }
  const isProtected = (bg & PROTECTED) !== 0;
  const sgr = parameters.join(';');
  return sgr === '' && !isProtected && !link ? DEFAULT_STYLE : { sgr, background, isProtected, link };
}

/** `base` is 38, 48 or 58; the underline has no short forms and takes its colour as sub-parameters. */
function color(bits: number, base: number): string {
  const index = bits & 0xff;
  const separator = base === 58 ? ':' : ';';
  switch (bits & COLOR_MODE) {
    case PALETTE_16:
      if (base === 58) return `58:5:${index}`;
      return `${index < 8 ? base - 8 + index : base + 52 + index - 8}`;
    case PALETTE_256:
      return [base, 5, index].join(separator);
    case RGB: {
      const channels = [(bits >>> 16) & 0xff, (bits >>> 8) & 0xff, index];
      return base === 58 ? `58:2::${channels.join(':')}` : `${base};2;${channels.join(';')}`;
    }
    default:
      return '';
  }
}

export type Cell = { readonly text: string; readonly width: number; readonly style: Style };

export function readCell(line: XtermLine, col: number, styles: StyleReader): Cell {
  const content = line._data[col * 3] ?? 0;
  return { text: textOf(line, col, content), width: content >>> WIDTH_SHIFT, style: styles.ofCell(line, col) };
}

function textOf(line: XtermLine, col: number, content: number): string {
  if (content & COMBINED) return line._combined[col] ?? '';
  const codepoint = content & CODEPOINT;
  return codepoint ? String.fromCodePoint(codepoint) : '';
}

/** With NO_STYLES, of characters that are combined the first. */
export function readRow(line: XtermLine, cols: number, styles: CellStyles): SnapshotRow {
  const runs: Run[] = [];
  const data = line._data;
  const codes: number[] = [];
  const letters = (combined: string) => (styles === NO_STYLES ? String.fromCodePoint(combined.codePointAt(0) ?? 0x20) : combined);
  let col = 0;
  while (col < cols) {
    const style = styles.ofCell(line, col);
    const from = col;
    if (((data[col * 3] ?? 0) & CONTENT) === 0) {
      do col++;
      while (col < cols && ((data[col * 3] ?? 0) & CONTENT) === 0 && styles.ofCell(line, col) === style);
      runs.push({ kind: 'blank', cells: col - from, style });
      continue;
    }
    if ((data[col * 3] ?? 0) >>> WIDTH_SHIFT === 0) {
      runs.push({ kind: 'mark', cells: 1, text: letters(textOf(line, col, data[col * 3] ?? 0)), style });
      col++;
      continue;
    }
    let text = '';
    codes.length = 0;
    while (col < cols) {
      const content = data[col * 3] ?? 0;
      const width = content >>> WIDTH_SHIFT;
      if ((content & CONTENT) === 0 || width === 0 || (col > from && styles.ofCell(line, col) !== style)) break;
      if (content & COMBINED) {
        text += String.fromCodePoint(...codes) + letters(line._combined[col] ?? '');
        codes.length = 0;
      } else codes.push(content & CODEPOINT);
      col += width;
    }
    runs.push({ kind: 'text', cells: Math.min(col, cols) - from, text: text + String.fromCodePoint(...codes), style });
  }
  const last = runs.at(-1);
  if (last?.kind === 'blank' && last.style === DEFAULT_STYLE && runs.length === 1) return { isWrapped: line.isWrapped, runs: BLANK(cols) };
  return { isWrapped: line.isWrapped, runs };
}

const BLANK = (cells: number): Run[] => [{ kind: 'blank', cells, style: DEFAULT_STYLE }];
