/**
 * Draws what typing will look like over the terminal until its echo is here: underlined, in a layer of the page, never in
 * the terminal's buffer. On where the round trip is felt.
 */
import type { Terminal } from '@xterm/xterm';
import { type EchoOverlay, EchoPrediction, type EchoScreen } from '#client/echo-prediction.ts';
import type { Verdict } from '#client/input-outbox.ts';
import type { EchoPredictionChoice } from '../../preload/api.ts';
import type { TerminalScreen } from './terminal-screen.ts';

/** Above this round trip typing is foretold, below the lower one no more, milliseconds: an echo within 60 feels like one's own. */
const SLOW_MS = { from: 60, until: 40 };
/** How much a new round trip counts in the mean. */
const SMOOTHING = 0.3;
/** A unit held over an outage says nothing about the link, milliseconds. */
const LONGEST_MS = 2_000;

export type EchoLayerOptions = {
  terminal: Terminal;
  screen: TerminalScreen;
  choice: () => EchoPredictionChoice;
  /** Round trip to the host, milliseconds; null where it is not known. */
  latencyMs: () => number | null;
};

export class EchoLayer {
  readonly #options: EchoLayerOptions;
  readonly #prediction = new EchoPrediction();
  readonly #element = document.createElement('div');
  #roundTripMs: number | null = null;
  #isSlow = false;
  #hasDrawn = false;
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: EchoLayerOptions) {
    this.#options = options;
    this.#element.className = 'echo-layer';
    this.#element.dataset.testid = 'echo-layer';
    this.#element.setAttribute('aria-hidden', 'true');
    options.terminal.onScroll(() => this.#drawSoon());
    options.terminal.onResize(() => this.reset());
    options.terminal.buffer.onBufferChange(() => this.reset());
  }

  /** A unit was typed; `verdict` says when it reached the program. */
  typed(text: string, verdict: Promise<Verdict>): void {
    const typedAt = performance.now();
    const id = this.#isOn() ? this.#prediction.typed(text, this.#screen(), typedAt) : null;
    void verdict.then((settled) => {
      const now = performance.now();
      if (settled.verdict === 'applied') this.#measured(now - typedAt);
      if (id === null) return;
      this.#prediction.settled(id, settled.verdict === 'applied', this.#screen(), now);
      this.#drawSoon();
    });
    if (id !== null) this.#draw();
  }

  /** The terminal parsed output. */
  parsed(): void {
    this.#prediction.look(this.#screen(), performance.now());
    this.#drawSoon();
  }

  reset(): void {
    this.#prediction.reset();
    this.#drawSoon();
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#element.remove();
  }

  #measured(ms: number): void {
    const bounded = Math.min(LONGEST_MS, ms);
    this.#roundTripMs = this.#roundTripMs === null ? bounded : this.#roundTripMs + SMOOTHING * (bounded - this.#roundTripMs);
  }

  #isOn(): boolean {
    const choice = this.#options.choice();
    if (choice !== 'slow') return choice === 'always';
    const ms = this.#roundTripMs ?? this.#options.latencyMs() ?? 0;
    const isSlow = ms > (this.#isSlow ? SLOW_MS.until : SLOW_MS.from);
    if (isSlow && !this.#isSlow) this.#prediction.reset(); // what is on its way was not followed
    this.#isSlow = isSlow;
    return isSlow;
  }

  #screen(): EchoScreen {
    const { buffer, cols } = this.#options.terminal;
    const { active } = buffer;
    return {
      cols,
      cursor: { row: active.cursorY, col: active.cursorX },
      cell: (row, col) => {
        const cell = active.getLine(active.baseY + row)?.getCell(col);
        return cell?.getWidth() === 0 ? '' : cell?.getChars() || ' ';
      },
    };
  }

  /** With the terminal's own next picture, so that a character and its echo are never both missing. */
  #drawSoon(): void {
    if (!this.#hasDrawn && this.#prediction.lookAgainAt === null) return;
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw(): void {
    clearTimeout(this.#timer);
    const again = this.#prediction.lookAgainAt;
    if (again !== null) this.#timer = setTimeout(() => this.parsed(), Math.max(0, again - performance.now()));
    const screen = this.#screen();
    const { active } = this.#options.terminal.buffer;
    const overlay = active.viewportY === active.baseY ? this.#prediction.overlay(screen) : null;
    if (!overlay && !this.#hasDrawn) return;
    this.#hasDrawn = overlay !== null;
    this.#element.replaceChildren(...(overlay ? this.#cellsOf(overlay, screen) : []));
  }

  #cellsOf(overlay: EchoOverlay, screen: EchoScreen): HTMLElement[] {
    const { terminal, screen: place } = this.#options;
    const host = terminal.element?.parentElement;
    const { cell } = place;
    if (!host || !cell) return [];
    if (this.#element.parentElement !== host) host.append(this.#element);
    const { fontFamily, fontSize, theme } = terminal.options;
    Object.assign(this.#element.style, {
      fontFamily,
      fontSize: `${fontSize}px`,
      lineHeight: `${cell.height}px`,
      top: `${overlay.row * cell.height}px`,
      height: `${cell.height}px`,
      color: theme?.foreground,
    });
    const make = (col: number, char: string, kind: 'foretold' | 'cover' | 'cursor') => {
      const span = document.createElement('span');
      span.className = kind;
      span.textContent = char;
      Object.assign(span.style, {
        left: `${col * cell.width}px`,
        width: `${cell.width}px`,
        background: kind === 'cursor' ? theme?.cursor : theme?.background,
        ...(kind === 'cursor' ? { color: theme?.cursorAccent } : {}),
      });
      return span;
    };
    const shown = (col: number) => overlay.cells.get(col) ?? screen.cell(overlay.row, col);
    const cells = [...overlay.cells].map(([col, char]) => make(col, char, 'foretold'));
    // The terminal's own cursor is where the echo is; a person looks where the typing is.
    if (overlay.cursorCol === screen.cursor.col) return cells;
    if (!overlay.cells.has(screen.cursor.col)) cells.push(make(screen.cursor.col, shown(screen.cursor.col), 'cover'));
    cells.push(make(overlay.cursorCol, shown(overlay.cursorCol), 'cursor'));
    return cells;
  }
}
