/**
 * What a terminal is, and the VT text that makes a reset terminal the same: both screens, cell by cell, then an epilogue
 * for all that no cell shows. Pure.
 *
 * @xterm/addon-serialize 0.14 is not used: it loses what this epilogue restores, and of the cells underline style and
 * colour, links, protection, dim after bold, and the style of cells erased under a coloured row.
 */
import { DEFAULT_STYLE, type SnapshotRow, SnapshotWriter, type Style } from './snapshot-rows.ts';

/** Final character of the sequence that designates a character set; `B` is ASCII. */
export type Charset = string;

/** A cursor saved by DECSC. Of the style, only what that saves. */
export type SavedCursor = { readonly row: number; readonly col: number; readonly style: Style; readonly charset: Charset };

export type BufferState = {
  readonly rows: readonly SnapshotRow[];
  /** `col` is the number of columns if the next character wraps. */
  readonly cursor: { readonly row: number; readonly col: number };
  /** Rows that scroll, both inclusive; null: all. */
  readonly region: { readonly top: number; readonly bottom: number } | null;
  /** Columns with a stop; null: every eighth. */
  readonly tabStops: readonly number[] | null;
  readonly saved: SavedCursor | null;
  /** Kitty keyboard flags, pushed in this order. */
  readonly keyboard: readonly number[];
};

/** A character on the screen that has to be printed again, because having printed it is part of the state. */
export type Printed = {
  readonly text: string;
  readonly cells: number;
  readonly style: Style;
  /** Its row is empty, in this style: it was erased after it was printed. */
  readonly isErased?: boolean;
};

export type TerminalState = {
  readonly size: { readonly cols: number; readonly rows: number };
  readonly normal: BufferState;
  /** The alternate screen, if it is shown. */
  readonly alternate: BufferState | null;
  /** Saved cursor of the alternate screen while it is not shown. */
  readonly hiddenSaved: SavedCursor | null;
  readonly pen: Style;
  /** Character in the last column, while the next one wraps. */
  readonly corner: Printed | null;
  /** The last character, if a combining one that follows would join it. */
  readonly joinable: Printed | null;
  /** Sets G0 to G3, which of them is invoked, and the set in use: another one after DECRC. */
  readonly charsets: { readonly g: readonly Charset[]; readonly shift: number; readonly active: Charset };
  readonly title: string;
  readonly iconName: string;
  readonly titleStack: readonly string[];
  readonly iconNameStack: readonly string[];
  /** Parameters of SM. */
  readonly ansiModes: readonly number[];
  /** Parameters of DECSET, and of DECRST for modes that are set at first. Origin mode apart. */
  readonly privateModes: readonly number[];
  readonly privateModesReset: readonly number[];
  readonly isInsert: boolean;
  readonly isOrigin: boolean;
  /** Parameter of DECSCUSR, 0: not set. */
  readonly cursorShape: number;
  /** Sequences that set the colours the program changed. */
  readonly colors: string;
  /** XTMODKEYS, as the program sent it, or empty. */
  readonly modifyKeys: string;
};

/** Text of a character in ASCII that a character set maps to `text`; `text` if there is none. */
export type Encode = (text: string, charset: Charset) => string;

/**
 * What a reset of xterm.js leaves as it was: a sequence it is in the middle of, a hidden cursor, automatic newline, colours.
 */
const PROLOGUE = '\x18\x1b[?25h\x1b[20l\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\';

/** A title longer than this is cut, characters. */
const MAX_TITLE = 4096;

export function snapshotText(state: TerminalState, encode: Encode): string {
  const writer = new SnapshotWriter();
  const active = state.alternate ?? state.normal;
  writer.put(PROLOGUE);
  writer.rows(state.normal.rows, state.size);
  if (state.alternate) {
    margins(writer, state.normal, state.size.rows);
    if (state.normal.saved) saveCursor(writer, state.normal.saved);
    writer.put(moveTo(state.normal.cursor), keyboard(state.normal), '\x1b[?1047h\x1b[H');
    writer.rows(state.alternate.rows, state.size);
  } else if (state.hiddenSaved) {
    writer.put('\x1b[?1047h');
    saveCursor(writer, state.hiddenSaved);
    writer.put('\x1b[?1047l');
  }
  margins(writer, active, state.size.rows);
  writer.put(keyboard(active), state.modifyKeys, state.colors, titles(state));

  const { g, shift, active: inUse } = state.charsets;
  const isFromSaved = inUse !== (g[shift] ?? 'B');
  if (active.saved || isFromSaved) saveCursor(writer, active.saved ?? { row: 0, col: 0, style: DEFAULT_STYLE, charset: inUse });
  if (isFromSaved) {
    writer.put(designate(g, shift), '\x1b8');
    writer.forgetStyle();
  }
  for (const mode of state.ansiModes) writer.put(`\x1b[${mode}h`);
  for (const mode of state.privateModes) writer.put(`\x1b[?${mode}h`);
  if (state.cursorShape) writer.put(`\x1b[${state.cursorShape} q`);
  if (state.isOrigin) writer.put('\x1b[?6h');

  const { row, col } = active.cursor;
  const top = state.isOrigin ? (active.region?.top ?? 0) : 0;
  const again = state.joinable ?? state.corner;
  const at = moveTo({ row: row - top, col: again ? col - again.cells : Math.min(col, state.size.cols - 1) });
  if (state.joinable) {
    if (!isFromSaved) writer.put(designate(g, shift));
    unsetModes(writer, state);
    writer.style(state.pen);
    writer.put(at);
    // Printed in insert mode it makes room for itself: what stands there goes first.
    if (state.isInsert) writer.put(`\x1b[${state.joinable.cells}P\x1b[4h`);
    writer.put(encode(state.joinable.text, inUse));
    return writer.text;
  }
  writer.put(at);
  if (state.corner) {
    writer.style(state.corner.style);
    writer.put(encode(state.corner.text, isFromSaved ? inUse : 'B'), state.corner.isErased ? '\x1b[1K' : '');
  }
  if (!isFromSaved) writer.put(designate(g, shift));
  unsetModes(writer, state);
  // Set also where it is not: after a character that nothing shall join, something has to come.
  writer.put(state.isInsert ? '\x1b[4h' : '\x1b[4l');
  writer.style(state.pen);
  return writer.text;
}

/** Wraparound is among them, which the corner needs. */
function unsetModes(writer: SnapshotWriter, state: TerminalState): void {
  for (const mode of state.privateModesReset) writer.put(`\x1b[?${mode}l`);
}

function margins(writer: SnapshotWriter, { tabStops, region }: BufferState, rows: number): void {
  if (tabStops) writer.put('\x1b[3g', ...tabStops.map((col) => `\x1b[${col + 1}G\x1bH`));
  if (region && region.bottom < rows) writer.put(`\x1b[${region.top + 1};${region.bottom + 1}r`);
}

function saveCursor(writer: SnapshotWriter, { row, col, style, charset }: SavedCursor): void {
  if (charset !== 'B') writer.put(`\x1b(${charset}`);
  writer.style(style);
  writer.put(moveTo({ row, col }), '\x1b7');
  writer.style(DEFAULT_STYLE);
  if (charset !== 'B') writer.put('\x1b(B');
}

const SETS = ['(', ')', '*', '+'];
const SHIFTS = ['\x0f', '\x0e', '\x1bn', '\x1bo'];

function designate(g: readonly Charset[], shift: number): string {
  const sets = SETS.map((set, level) => (g[level] && g[level] !== 'B' ? `\x1b${set}${g[level]}` : '')).join('');
  return sets + (shift > 0 ? (SHIFTS[shift] ?? '') : '');
}

function titles({ title, iconName, titleStack, iconNameStack }: TerminalState): string {
  const command = (code: number, text: string) => `\x1b]${code};${text.slice(0, MAX_TITLE)}\x1b\\`;
  const icons =
    iconNameStack.map((each) => `${command(1, each)}\x1b[22;1t`).join('') +
    (iconName || iconNameStack.length > 0 ? command(1, iconName) : '');
  const saved = titleStack.map((each) => `${command(2, each)}\x1b[22;2t`).join('');
  return icons + saved + (title || saved ? command(2, title) : '');
}

const keyboard = ({ keyboard: flags }: BufferState) => flags.map((each) => `\x1b[>${each}u`).join('');

const moveTo = ({ row, col }: { row: number; col: number }) => `\x1b[${row + 1};${col + 1}H`;
