/** Reads all of a terminal's state for a snapshot: the cells of both screens, and what the epilogue restores. */
import type { TerminalModes } from '#protocol/shapes.ts';
import { type BufferState, type Printed, type SavedCursor, snapshotText, type TerminalState } from '#session/snapshot-epilogue.ts';
import { DEFAULT_STYLE, type SnapshotRow } from '#session/snapshot-rows.ts';
import { encodeInCharset, letterOf } from './charsets.ts';
import { type CellStyles, NO_STYLES, readCell, readRow, StyleReader, styleOfSaved } from './terminal-rows.ts';
import type { XtermBuffer, XtermCore } from './xterm-internals.ts';

/** State that xterm.js does not keep, followed by the session's terminal. */
export type FollowedState = {
  readonly colors: string;
  readonly modifyKeys: string;
  readonly keyboard: { readonly normal: readonly number[]; readonly alternate: readonly number[] };
};

const NOTHING_FOLLOWED: FollowedState = { colors: '', modifyKeys: '', keyboard: { normal: [], alternate: [] } };

/** A line that wraps into what a snapshot holds is followed upwards, at most so many screens. */
const MAX_WRAP_SCREENS = 4;

/** What comes between rows, before other styles and over empty cells, and what is around all rows as a rule, bytes. */
const [ROW_BYTES, STYLE_BYTES, MOVE_BYTES, REST_BYTES] = [2, 5, 4, 256];

const encoder = new TextEncoder();

export type SnapshotWanted = {
  /** Lines above the screen. */
  scrollback: number;
  followed?: FollowedState;
  /** A text that were longer is not made: of the lines above the screen there are fewer, and of a screen that is too much nothing. */
  maxBytes?: number;
  /** Without colours and combining characters, and without what stands right of so many columns. */
  plainCols?: number | undefined;
};

/**
 * VT text that makes a reset terminal of the same size the same, with `scrollback` lines above the screen or few more. Null
 * where the screen alone is more than `maxBytes`.
 */
export function takeSnapshot(core: XtermCore, wanted: SnapshotWanted): { text: Uint8Array<ArrayBuffer>; scrollback: number } | null {
  try {
    const state = readState(core, wanted);
    const text = encoder.encode(snapshotText(state, encodeInCharset));
    return text.length > (wanted.maxBytes ?? text.length) ? null : { text, scrollback: state.normal.rows.length - core.rows };
  } catch (error) {
    if (error instanceof TooMuch) return null;
    throw error;
  }
}

class TooMuch extends Error {}

/** Throws TooMuch. */
export function readState(
  core: XtermCore,
  { scrollback, followed = NOTHING_FOLLOWED, maxBytes = Number.POSITIVE_INFINITY, plainCols }: SnapshotWanted,
): TerminalState {
  const { buffers, coreService, _charsetService: charsets, _inputHandler: input } = core;
  const styles = new StyleReader(core);
  const cells = plainCols === undefined ? { styles, cols: core.cols } : { styles: NO_STYLES, cols: Math.min(plainCols, core.cols) };
  const isAlternate = buffers.active === buffers.alt;
  const active = buffers.active;
  const pen = styles.ofPen(input._curAttrData);
  const dec = coreService.decPrivateModes;
  return {
    size: { cols: core.cols, rows: core.rows },
    normal: readBuffer({ buffer: buffers.normal, core, cells, scrollback, maxBytes, keyboard: followed.keyboard.normal }),
    alternate: isAlternate
      ? readBuffer({ buffer: buffers.alt, core, cells, scrollback: 0, maxBytes, keyboard: followed.keyboard.alternate })
      : null,
    hiddenSaved: isAlternate ? null : readSaved(buffers.alt, core),
    pen,
    corner: active.x >= core.cols ? cornerOf(active, core, styles) : null,
    joinable: joinableOf(active, core, styles),
    charsets: {
      g: [0, 1, 2, 3].map((level) => letterOf(charsets._charsets[level])),
      shift: charsets.glevel,
      active: letterOf(charsets.charset),
    },
    title: input._windowTitle,
    iconName: input._iconName,
    titleStack: input._windowTitleStack,
    iconNameStack: input._iconNameStack,
    ansiModes: core.optionsService.rawOptions.convertEol ? [20] : [],
    privateModes: [
      ...(dec.applicationCursorKeys ? [1] : []),
      ...(core.optionsService.rawOptions.cursorBlink ? [12] : []),
      ...(dec.reverseWraparound ? [45] : []),
      ...(dec.applicationKeypad ? [66] : []),
      ...(MOUSE_PROTOCOLS[core.coreMouseService.activeProtocol] ?? []),
      ...(MOUSE_ENCODINGS[core.coreMouseService.activeEncoding] ?? []),
      ...(dec.sendFocus ? [1004] : []),
      ...(dec.bracketedPasteMode ? [2004] : []),
      ...(dec.synchronizedOutput ? [2026] : []),
    ],
    privateModesReset: [...(dec.wraparound ? [] : [7]), ...(coreService.isCursorHidden ? [25] : [])],
    isInsert: coreService.modes.insertMode,
    isOrigin: dec.origin,
    cursorShape: dec.cursorStyle ? CURSOR_SHAPES[dec.cursorStyle] - (dec.cursorBlink ? 1 : 0) : 0,
    colors: followed.colors,
    modifyKeys: followed.modifyKeys,
  };
}

/** The modes that people and programs are told. */
export function readModes(core: XtermCore): TerminalModes {
  const dec = core.coreService.decPrivateModes;
  return {
    alternateScreen: core.buffers.active === core.buffers.alt,
    applicationCursorKeys: dec.applicationCursorKeys,
    applicationKeypad: dec.applicationKeypad,
    bracketedPaste: dec.bracketedPasteMode,
    cursorVisible: !core.coreService.isCursorHidden,
    focusReporting: dec.sendFocus,
    insert: core.coreService.modes.insertMode,
    mouseTracking: MOUSE_TRACKING[core.coreMouseService.activeProtocol] ?? 'none',
    origin: dec.origin,
    wraparound: dec.wraparound,
  };
}

const MOUSE_TRACKING: Record<string, TerminalModes['mouseTracking']> = { X10: 'x10', VT200: 'vt200', DRAG: 'drag', ANY: 'any' };
const MOUSE_PROTOCOLS: Record<string, number[]> = { X10: [9], VT200: [1000], DRAG: [1002], ANY: [1003] };
const MOUSE_ENCODINGS: Record<string, number[]> = { SGR: [1006], SGR_PIXELS: [1016] };
/** Parameters of DECSCUSR, steady. */
const CURSOR_SHAPES = { block: 2, underline: 4, bar: 6 };

function readBuffer(of: {
  buffer: XtermBuffer;
  core: XtermCore;
  cells: { styles: CellStyles; cols: number };
  scrollback: number;
  maxBytes: number;
  keyboard: readonly number[];
}): BufferState {
  const { buffer, core, scrollback, keyboard } = of;
  let first = Math.max(0, buffer.ybase - scrollback);
  const highest = Math.max(0, first - core.rows * MAX_WRAP_SCREENS);
  if (scrollback > 0) while (first > highest && buffer.lines.get(first)?.isWrapped) first--;
  const rows: SnapshotRow[] = [];
  let left = of.maxBytes - REST_BYTES;
  // From below: the screen, and then as much above it as there is room for.
  for (let index = buffer.ybase + core.rows - 1; index >= first; index--) {
    const line = buffer.lines.get(index);
    const row = line ? widened(readRow(line, of.cells.cols, of.cells.styles), core.cols - of.cells.cols) : { isWrapped: false, runs: [] };
    left -= bytesOf(row);
    if (left < 0 && rows.length < core.rows) throw new TooMuch();
    if (left < 0) break;
    rows.push(row);
  }
  rows.reverse();
  const isWhole = buffer.scrollTop === 0 && buffer.scrollBottom >= core.rows - 1;
  return {
    rows,
    cursor: { row: buffer.y, col: Math.min(buffer.x, core.cols) },
    region: isWhole ? null : { top: buffer.scrollTop, bottom: buffer.scrollBottom },
    tabStops: tabStopsOf(buffer, core.cols),
    saved: readSaved(buffer, core),
    keyboard,
  };
}

/** With so many empty cells on its right. */
const widened = (row: SnapshotRow, cells: number): SnapshotRow =>
  cells === 0 ? row : { ...row, runs: [...row.runs, { kind: 'blank', cells, style: DEFAULT_STYLE }] };

/** What a row takes as text, or some bytes less. */
function bytesOf({ runs }: SnapshotRow): number {
  let bytes = ROW_BYTES;
  let before = DEFAULT_STYLE;
  for (const { kind, style, ...run } of runs) {
    bytes += 'text' in run ? Buffer.byteLength(run.text) : MOVE_BYTES;
    if (style !== before) bytes += style.sgr.length + STYLE_BYTES + (style.link && style.link !== before.link ? style.link.uri.length : 0);
    before = style;
  }
  return bytes;
}

function tabStopsOf({ tabs }: XtermBuffer, cols: number): number[] | null {
  const stops = Object.keys(tabs)
    .map(Number)
    .filter((col) => col < cols && tabs[col]);
  const isDefault = stops.length === Math.ceil(cols / 8) && stops.every((col) => col % 8 === 0);
  return isDefault ? null : stops;
}

function readSaved(buffer: XtermBuffer, core: XtermCore): SavedCursor | null {
  const { savedX, savedY, savedCurAttrData, savedCharset, ybase } = buffer;
  const row = Math.min(Math.max(savedY - ybase, 0), core.rows - 1);
  const style = styleOfSaved(savedCurAttrData);
  const charset = letterOf(savedCharset);
  if (savedX === 0 && row === 0 && style === DEFAULT_STYLE && charset === 'B') return null;
  return { row, col: Math.min(savedX, core.cols - 1), style, charset };
}

/** An empty corner in a row that is not empty becomes a space, which looks the same: the one thing that a snapshot changes. */
function cornerOf(buffer: XtermBuffer, core: XtermCore, styles: StyleReader): Printed | null {
  const line = buffer.lines.get(buffer.ybase + buffer.y);
  if (!line) return null;
  const last = readCell(line, core.cols - 1, styles);
  if (last.width === 0 && last.text === '') {
    const wide = readCell(line, core.cols - 2, styles);
    if (wide.width === 2) return { text: wide.text, cells: 2, style: wide.style };
  }
  const { runs } = readRow(line, core.cols, styles);
  const isErased = runs.length === 1 && runs[0]?.kind === 'blank';
  return { text: last.text || ' ', cells: 1, style: last.style, isErased };
}

/** xterm.js keeps the width of the last character as long as nothing but text follows it. */
function joinableOf(buffer: XtermBuffer, core: XtermCore, styles: StyleReader): Printed | null {
  const width = (core._inputHandler._parser.precedingJoinState >> 1) & 3;
  const col = Math.min(buffer.x, core.cols) - width;
  const line = buffer.lines.get(buffer.ybase + buffer.y);
  if (width === 0 || col < 0 || !line) return null;
  const cell = readCell(line, col, styles);
  return cell.width === width && cell.text !== '' ? { text: cell.text, cells: width, style: cell.style } : null;
}
