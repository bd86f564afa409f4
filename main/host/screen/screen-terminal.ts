/**
 * One session's terminal: takes output, and is at every moment exactly what all bytes before its ground offset made.
 * Bytes of an unfinished sequence wait for its rest. It alone answers the program's queries.
 */
import { Unicode11Addon } from '@xterm/addon-unicode11';
import headless from '@xterm/headless';
import type { Offset } from '#protocol/ids.ts';
import type { ScreenText, Size, TerminalModes } from '#protocol/shapes.ts';
import { TerminalRepairs } from '#session/terminal-repairs.ts';
import { type Osc, VtScanner } from '#session/vt-scanner.ts';
import { MAX_SNAPSHOT_BYTES, snapshotToAnswer, snapshotToKeep, snapshotToSend } from './bounded-snapshots.ts';
import { type CursorLine, readCursorLine } from './cursor-line.ts';
import { KeyboardModes } from './keyboard-modes.ts';
import type { CursorPosition, ScreenColors, ScreenEvent, Snapshot } from './screen-messages.ts';
import { DEFAULT_COLORS, TerminalColors } from './terminal-colors.ts';
import { readModes, type SnapshotWanted, takeSnapshot } from './terminal-state.ts';
import { lineText, rowText, screenText } from './terminal-text.ts';
import { internalsOf, type XtermCore, type XtermLines } from './xterm-internals.ts';

/** Lines kept above the screen: replay makes more of them (DESIGN, section 4). */
const SCROLLBACK_LINES = 1000;
/** An unfinished sequence longer than this is parsed as it comes; such are images and clipboards, which change nothing until they end. */
const MAX_HELD_BYTES = 1024 * 1024;
const CHECKPOINT_BYTES = 256 * 1024;
/** Longest title that is told, characters: a program may set any. */
const MAX_TITLE = 4096;
/** Commands of OSC that the host is told: folder, notifications, shell integration. */
const TOLD_OSC = new Set([7, 9, 133, 633, 777]);

type ScreenStart = { offset: Offset; size: Size; snapshot: Uint8Array | null; colors?: ScreenColors };

const encoder = new TextEncoder();

export class ScreenTerminal {
  readonly #terminal: InstanceType<typeof headless.Terminal>;
  readonly #core: XtermCore;
  readonly #repairs: TerminalRepairs;
  readonly #keyboard: KeyboardModes;
  readonly #colors: TerminalColors;
  readonly #scanner: VtScanner;
  #events: ScreenEvent[] = [];
  #marks: Osc[] = [];
  /** Bytes behind `#parsed`, waiting. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #parsed: number;
  #checkpointed: number;
  #checkpointEvery = CHECKPOINT_BYTES;
  #trimmed = 0;
  #lines: XtermLines | null = null;
  #title: string | null = null;
  #hasRung = false;
  #modes: TerminalModes;

  constructor({ offset, size, snapshot, colors = DEFAULT_COLORS }: ScreenStart) {
    const terminal = new headless.Terminal({
      ...size,
      scrollback: SCROLLBACK_LINES,
      allowProposedApi: true,
      logLevel: 'off',
      windowOptions: WINDOW_OPTIONS,
    });
    terminal.loadAddon(new Unicode11Addon());
    terminal.unicode.activeVersion = '11';
    this.#terminal = terminal;
    this.#core = internalsOf(terminal);
    this.#repairs = new TerminalRepairs(terminal);
    this.#keyboard = new KeyboardModes(terminal.parser, () => this.#core.buffers.active === this.#core.buffers.alt);
    this.#colors = new TerminalColors(colors);
    this.#scanner = new VtScanner({ offset, onOsc: (osc) => TOLD_OSC.has(osc.code) && this.#marks.push(osc) });
    this.#parsed = offset;
    this.#checkpointed = offset;
    this.#follow();
    const { _inputHandler: input } = this.#core;
    input.onColor((requests) => this.#reply(this.#colors.handle(requests)));
    input.onRequestReset(() => this.#keyboard.reset());
    terminal.onData((text) => this.#reply(text));
    terminal.onBell(() => {
      this.#hasRung = true;
    });
    terminal.onTitleChange((title) => {
      this.#title = title;
    });
    if (snapshot) this.#parse(snapshot);
    this.#modes = readModes(this.#core);
    this.#title = null; // a title of the snapshot is no news
    this.#hasRung = false;
    this.#events = [];
  }

  /** The screen is what all bytes before it made. */
  get offset(): Offset {
    return Math.min(this.#scanner.groundOffset, this.#parsed) as Offset;
  }

  /** The cells of the screen that is shown, for who draws them. */
  get cells(): headless.IBuffer {
    return this.#terminal.buffer.active;
  }

  /** For who draws at the cursor for a moment; null where that could be seen afterwards. */
  get cursorLine(): CursorLine | null {
    return readCursorLine(this.#core);
  }

  get modes(): TerminalModes {
    return readModes(this.#core);
  }

  set colors(colors: ScreenColors) {
    this.#colors.theme = colors;
  }

  /** Takes the next bytes; what they did is in `events`. */
  take(bytes: Uint8Array): void {
    const start = this.#scanner.end;
    const ground = this.#scanner.push(bytes);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    const upTo = this.#heldBytes > MAX_HELD_BYTES && ground <= this.#parsed ? start + bytes.length : ground;
    if (upTo > this.#parsed) this.#advance(upTo);
    if (this.offset - this.#checkpointed >= this.#checkpointEvery) this.#checkpoint();
  }

  resize(size: Size): void {
    if (size.cols === this.#core.cols && size.rows === this.#core.rows) return;
    this.#terminal.resize(size.cols, size.rows);
    this.#checkpoint();
  }

  /** What happened since the last call, in order. */
  events(): ScreenEvent[] {
    if (this.#title !== null) this.#events.push({ kind: 'title', title: this.#title });
    if (this.#hasRung) this.#events.push({ kind: 'bell' });
    this.#title = null;
    this.#hasRung = false;
    const modes = readModes(this.#core);
    if (Object.entries(modes).some(([name, value]) => Reflect.get(this.#modes, name) !== value)) {
      this.#modes = modes;
      this.#events.push({ kind: 'modes', modes });
    }
    const events = this.#events;
    this.#events = [];
    return events;
  }

  snapshot(scrollback: number): Snapshot {
    return snapshotToSend(this.#take, { scrollback, cols: this.#core.cols });
  }

  /** As much of it as fits one answer. */
  answer(scrollback: number): ReturnType<typeof snapshotToAnswer> {
    return snapshotToAnswer(this.#take, { scrollback, cols: this.#core.cols });
  }

  /** As text: as much of it as fits an answer. */
  read(): ScreenText {
    const { active } = this.#core.buffers;
    const { rows, isCut } = screenText(this.cells, this.#core.rows);
    return {
      lines: rows,
      ...(isCut ? { isCut } : {}),
      cursor: { row: active.y, col: Math.min(active.x, this.#core.cols - 1), visible: !this.#core.coreService.isCursorHidden },
      size: this.#size,
      title: this.#core._inputHandler._windowTitle.slice(0, MAX_TITLE).toWellFormed(),
      modes: readModes(this.#core),
      offset: this.offset,
    };
  }

  cursor(): CursorPosition {
    const { active, alt } = this.#core.buffers;
    return {
      row: active.y,
      col: Math.min(active.x, this.#core.cols),
      line: this.#screenLine() + active.y,
      offset: this.offset,
      alternateScreen: active === alt,
    };
  }

  /** See Screens.lineText. */
  lineText(line: number, fromCol: number): string | null {
    return lineText(this.#terminal.buffer.normal, line - this.#trimmed, fromCol);
  }

  linesText(from: number, to: number): string[] {
    const { normal } = this.#terminal.buffer;
    const rows: string[] = [];
    const end = Math.min(normal.length, to - this.#trimmed);
    for (let index = Math.max(0, from - this.#trimmed); index < end; index++) rows.push(rowText(normal, index));
    return rows;
  }

  dispose(): void {
    this.#terminal.dispose();
  }

  get #size(): Size {
    return { cols: this.#core.cols, rows: this.#core.rows };
  }

  /** Absolute number of the screen's top line. */
  #screenLine(): number {
    this.#follow();
    return this.#trimmed + this.#core.buffers.normal.ybase;
  }

  /** See `takeSnapshot`. */
  readonly #take = (wanted: SnapshotWanted): Snapshot | null => {
    this.#repairs.settle();
    const followed = { colors: this.#colors.sequences(), modifyKeys: this.#keyboard.modifyKeys, keyboard: this.#keyboard };
    const taken = takeSnapshot(this.#core, { ...wanted, followed });
    return taken && { offset: this.offset, size: this.#size, line: this.#screenLine(), ...taken };
  };

  #reply(text: string): void {
    if (!text) return;
    const bytes = encoder.encode(text);
    this.#events.push({ kind: 'reply', bytes });
  }

  #checkpoint(): void {
    const snapshot = snapshotToKeep(this.#take, this.#core.rows);
    this.#checkpointed = this.offset;
    // To find out that it is too much takes longer than to parse what makes it so.
    this.#checkpointEvery = snapshot ? CHECKPOINT_BYTES : MAX_SNAPSHOT_BYTES;
    if (snapshot) this.#events.push({ kind: 'checkpoint', snapshot });
  }

  /** Parses what is held up to an offset; where a mark begins it stops to see the cursor. */
  #advance(upTo: number): void {
    const held = join(this.#held);
    const from = this.#parsed;
    for (const mark of this.#marks) {
      if (mark.start > this.#parsed) this.#parseTo(held, from, mark.start);
      const { row, col, line } = this.cursor();
      this.#events.push({ kind: 'osc', osc: { ...mark, row, col, line } });
    }
    this.#marks = [];
    this.#parseTo(held, from, upTo);
    const rest = held.subarray(upTo - from);
    this.#held = rest.length > 0 ? [rest] : [];
    this.#heldBytes = rest.length;
  }

  #parseTo(held: Uint8Array, heldFrom: number, upTo: number): void {
    if (upTo > this.#parsed) this.#parse(held.subarray(this.#parsed - heldFrom, upTo - heldFrom));
    this.#parsed = upTo;
    this.#follow();
  }

  /** A bug of xterm.js must not end the session's screen: what it was parsing is lost, the rest goes on. */
  #parse(bytes: Uint8Array): void {
    try {
      this.#core._inputHandler.parse(bytes);
    } catch (error) {
      this.#core._inputHandler._parser.reset();
      this.#events.push({ kind: 'fault', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }

  /** Counts the lines that scroll out; a reset of the terminal makes new ones. */
  #follow(): void {
    const { lines } = this.#core.buffers.normal;
    if (this.#lines === lines) return;
    this.#trimmed += this.#lines?.length ?? 0;
    this.#lines = lines;
    lines.onTrim((count) => {
      this.#trimmed += count;
    });
  }
}

/** Saving and restoring the title, as editors do. */
const WINDOW_OPTIONS = { pushTitle: true, popTitle: true, getWinSizeChars: true };

function join(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
