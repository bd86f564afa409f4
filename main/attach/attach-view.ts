/**
 * What a person sees of a session in their own terminal: its output as it comes where both have one size, and a
 * picture of its screen where they have not, or where there is something to say.
 */
import type { Verdict } from '#client/input-outbox.ts';
import type { Pointing } from '#protocol/guests.ts';
import type { Offset } from '#protocol/ids.ts';
import type { Size } from '#protocol/shapes.ts';
import { ScreenTerminal } from '../host/screen/screen-terminal.ts';
import { LineMarks } from './line-marks.ts';
import { PicturePainter } from './picture.ts';
import { QueryFilter } from './query-filter.ts';
import { StatusLine } from './status-line.ts';
import { blankTerminal, INPUT_RESET, inputModesOf, leaveTerminal, PICTURE_START } from './terminal-modes.ts';
import { type Prediction, TypedEcho, type TypedEchoOptions } from './typed-echo.ts';

/** Pictures are at least so far apart, milliseconds: 30 a second. */
const PICTURE_EVERY_MS = 33;
/** How long a change of size may take to the session and back before its old size is shown as a picture, milliseconds. */
const RESIZE_MS = 250;
/** The mark of what is being chosen here; actors' marks have their ids. */
const CHOOSING = '';

export type ViewOptions = {
  window: Size;
  write(bytes: Uint8Array | string): void;
  /** Said while the sizes differ. */
  sizeReason(): string;
  /** Null where nothing typed is foretold. */
  prediction: Prediction | null;
};

export class AttachView {
  readonly #options: ViewOptions;
  readonly #painter = new PicturePainter();
  readonly #echo: TypedEcho | null;
  #filter = new QueryFilter();
  #screen: ScreenTerminal | null = null;
  #session: Size | null = null;
  #window: Size;
  #mode: 'direct' | 'picture' = 'picture';
  /** The window shows its alternate screen. */
  #isWindowAlternate = false;
  #hasPictureStarted = false;
  /** What the window was told during this picture; null: nothing yet. */
  #inputModes: string | null = null;
  readonly #status = new StatusLine(() => this.#show());
  readonly #marks = new LineMarks();
  #pictureTimer: NodeJS.Timeout | null = null;
  /** Pictures wait until then, for the sizes may agree by then. */
  #picturesFrom = 0;
  #lastPictureAt = 0;

  constructor(options: ViewOptions) {
    this.#options = options;
    this.#window = options.window;
    const { prediction, write } = options;
    this.#echo = prediction && new TypedEcho({ prediction, write, screen: () => this.#echoScreen });
  }

  /** Of the session; null before its first picture. */
  get sessionSize(): Size | null {
    return this.#session;
  }

  snapshot(text: Uint8Array, size: Size): void {
    this.#leaveDirect();
    const isFirst = this.#screen === null;
    this.#screen?.dispose();
    this.#screen = new ScreenTerminal({ offset: 0 as Offset, size, snapshot: text });
    this.#session = size;
    this.#filter = new QueryFilter();
    // At first the session may be on its way to our size.
    if (isFirst) this.#picturesFrom = performance.now() + RESIZE_MS;
    if (isFirst && this.#isDirectWanted) {
      // The host's own text brings its scrollback along.
      this.#options.write(blankTerminal(false));
      this.#options.write(text);
      this.#enterDirect();
    } else this.#show();
  }

  output(bytes: Uint8Array): void {
    const shown = this.#filter.push(bytes);
    const isDirect = this.#mode === 'direct';
    const echo = isDirect && this.#echo?.isBusy ? this.#echo : null;
    if (isDirect && !echo) this.#options.write(shown);
    this.#screen?.take(bytes);
    this.#screen?.events(); // answers and marks are the host's business
    const isWhole = echo?.output(shown) ?? true;
    if (isDirect) this.#isWindowAlternate = this.#isAlternate;
    if (!isWhole) this.redraw();
    else if (!isDirect) this.#show();
  }

  /** A unit was typed; `verdict` says when it reached the program. */
  typed(bytes: Uint8Array, verdict: Promise<Verdict>): void {
    this.#echo?.typed(bytes, verdict);
  }

  sessionResized(size: Size): void {
    if (this.#session?.cols === size.cols && this.#session.rows === size.rows) return;
    this.#session = size;
    this.#screen?.resize(size);
    this.#sizesChanged();
  }

  windowResized(window: Size): void {
    this.#window = window;
    this.#sizesChanged();
  }

  /** Says something for a while. */
  say(sentence: string, forMs?: number): void {
    this.#status.say(sentence, forMs);
    this.#showSoon();
  }

  /** Shows what is being written to the others, and the rows that are to be pointed at; null: nothing any more. */
  sayWriting(line: string | null, rows: { from: number; to: number; color: number } | null = null): void {
    this.#status.setWriting(line);
    if (rows && this.#screen) this.#marks.setRows(CHOOSING, this.#screen, rows);
    else this.#marks.delete(CHOOSING);
    this.#showSoon();
  }

  /** Marks the lines that `owner` points at, for a while; null: none any more. False where they are not here. */
  point(owner: string, pointed: { pointing: Pointing; color: number; forMs: number } | null): boolean {
    this.#marks.delete(owner);
    const over = () => this.point(owner, null);
    const isHere = pointed !== null && this.#screen !== null && this.#marks.set(owner, this.#screen, { ...pointed, over });
    this.#showSoon();
    return isHere;
  }

  /** The last row of the screen that shows anything; null before the first picture. */
  get lastRow(): number | null {
    const { cells } = this.#screen ?? {};
    if (!cells || !this.#session) return null;
    for (let row = this.#session.rows - 1; row >= 0; row--)
      if (
        cells
          .getLine(cells.baseY + row)
          ?.translateToString(true)
          .trim()
      )
        return row;
    return 0;
  }

  /** Says something until it is no longer true: null. */
  sayLasting(sentence: string | null): void {
    if (this.#status.setLasting(sentence)) this.#showSoon();
  }

  /** Nothing is known of what the window shows. */
  redraw(): void {
    this.#leaveDirect();
    this.#hasPictureStarted = false;
    this.#painter.forget();
    this.#show();
  }

  /** The last picture without what was said; nothing is drawn after it. */
  settle(): void {
    this.#status.clear();
    this.#marks.clear();
    if (this.#mode === 'direct') return;
    if (this.#isDirectWanted) this.#goDirect();
    else this.#paint();
  }

  /** What gives the window back, now. */
  leaving(): string {
    this.dispose();
    const echo = this.#echo?.leave() ?? '';
    const colors = this.#screen ? /\x1b\](?:4|1[0-2]);/.test(this.#snapshotText(0)) : false;
    const row = this.#mode === 'direct' ? (this.#screen?.cells.cursorY ?? 0) : this.#window.rows - 1;
    return echo + leaveTerminal({ isAlternate: this.#isWindowAlternate, row: Math.min(row, this.#window.rows - 1), hasColors: colors });
  }

  dispose(): void {
    this.#status.clear();
    this.#marks.clear();
    if (this.#pictureTimer) clearTimeout(this.#pictureTimer);
    this.#echo?.dispose();
  }

  get #isAlternate(): boolean {
    return this.#screen?.cells.type === 'alternate';
  }

  get #isSameSize(): boolean {
    return this.#session?.cols === this.#window.cols && this.#session.rows === this.#window.rows;
  }

  get #isDirectWanted(): boolean {
    return this.#screen !== null && this.#isSameSize && this.#status.text === null && this.#marks.isEmpty;
  }

  get #echoScreen(): ReturnType<TypedEchoOptions['screen']> {
    if (!this.#screen || !this.#session) return null;
    return { terminal: this.#screen, cols: this.#session.cols, isShown: this.#mode === 'direct' && this.#filter.isWhole };
  }

  /** What is drawn from here on is a picture, until it is right to show output itself again. */
  #leaveDirect(): void {
    this.#mode = 'picture';
    if (this.#echo) this.#options.write(this.#echo.leave());
  }

  #sizesChanged(): void {
    this.#leaveDirect();
    this.#hasPictureStarted = false;
    this.#painter.forget();
    this.#picturesFrom = performance.now() + RESIZE_MS;
    this.#show();
  }

  /** Also where pictures would wait for the sizes to agree. */
  #showSoon(): void {
    this.#picturesFrom = 0;
    this.#show();
  }

  /** Goes direct as soon as that can be right, else brings the picture up to date. */
  #show(): void {
    if (this.#mode === 'direct' && this.#isDirectWanted) return;
    if (this.#isDirectWanted && this.#filter.isWhole) {
      this.#goDirect();
      return;
    }
    if (this.#mode === 'direct') this.#leaveDirect();
    if (this.#pictureTimer) return;
    const now = performance.now();
    const waitMs = Math.max(this.#lastPictureAt + PICTURE_EVERY_MS, this.#picturesFrom) - now;
    if (waitMs <= 0) this.#paint();
    else {
      this.#pictureTimer = setTimeout(() => {
        this.#pictureTimer = null;
        this.#show();
      }, waitMs);
    }
  }

  #goDirect(): void {
    this.#options.write(`\x1b[?2026h${blankTerminal(this.#isWindowAlternate)}${this.#snapshotText(0)}\x1b[?2026l`);
    this.#enterDirect();
  }

  #enterDirect(): void {
    this.#mode = 'direct';
    this.#isWindowAlternate = this.#isAlternate;
    this.#hasPictureStarted = false;
    this.#painter.forget();
    if (this.#pictureTimer) clearTimeout(this.#pictureTimer);
    this.#pictureTimer = null;
  }

  #paint(): void {
    this.#lastPictureAt = performance.now();
    const screen = this.#screen;
    const start = this.#hasPictureStarted ? '' : PICTURE_START;
    if (start) this.#inputModes = null;
    this.#hasPictureStarted = true;
    const reason = this.#isSameSize || !screen ? null : this.#options.sizeReason();
    // A window of one or two rows has none to spare.
    const status = this.#window.rows < 3 ? null : (this.#status.text ?? reason);
    if (!screen || !this.#session) {
      if (status !== null)
        this.#options.write(`${start}\x1b[${this.#window.rows};1H\x1b[7m\x1b[K ${status.slice(0, this.#window.cols - 2)}\x1b[m`);
      return;
    }
    const picture = this.#painter.paint({
      buffer: screen.cells,
      size: this.#session,
      window: this.#window,
      isCursorVisible: screen.modes.cursorVisible,
      status,
      ...(this.#marks.isEmpty ? {} : { mark: this.#marks.styleOf(screen) }),
    });
    this.#options.write(start + this.#newInputModes() + picture);
  }

  /** Keys, pastes and the mouse are sent as the program wants them also where its screen is a picture. */
  #newInputModes(): string {
    const { cols = 0, rows = 0 } = this.#session ?? {};
    const modes = inputModesOf(this.#snapshotText(0), cols <= this.#window.cols && rows <= this.#window.rows);
    if (modes === this.#inputModes) return '';
    this.#inputModes = modes;
    return INPUT_RESET + modes;
  }

  #snapshotText(scrollback: number): string {
    return new TextDecoder().decode(this.#screen?.snapshot(scrollback).text);
  }
}
