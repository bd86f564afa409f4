/** Draws what typing will look like over the terminal until its echo is here: underlined, in a layer of the page, never in the terminal's buffer. */
import type { Terminal } from '@xterm/xterm';
import { EchoForecast, echoScreen, type PredictionChoice } from '#client/echo-forecast.ts';
import type { EchoOverlay, EchoScreen } from '#client/echo-prediction.ts';
import type { Verdict } from '#client/input-outbox.ts';
import { pageClock } from '../platform/clock.ts';
import type { TerminalScreen } from './terminal-screen.ts';

export type EchoLayerOptions = {
  terminal: Terminal;
  screen: TerminalScreen;
  choice: () => PredictionChoice;
  /** Round trip to the host, milliseconds; null where it is not known. */
  latencyMs: () => number | null;
};

export class EchoLayer {
  readonly #options: EchoLayerOptions;
  readonly #forecast: EchoForecast;
  readonly #element = document.createElement('div');
  #hasDrawn = false;
  #frame = 0;

  constructor(options: EchoLayerOptions) {
    this.#options = options;
    this.#forecast = new EchoForecast({
      clock: pageClock,
      choice: options.choice,
      latencyMs: options.latencyMs,
      screen: () => this.#screen(),
      changed: () => this.#drawSoon(),
    });
    this.#element.className = 'echo-layer';
    this.#element.dataset.testid = 'echo-layer';
    this.#element.setAttribute('aria-hidden', 'true');
    options.terminal.onScroll(() => this.#drawSoon());
    options.terminal.onResize(() => this.reset());
    options.terminal.buffer.onBufferChange(() => this.reset());
  }

  /** A unit was typed; `verdict` says when it reached the program. */
  typed(text: string, verdict: Promise<Verdict>): void {
    if (this.#forecast.typed([text], verdict)) this.#draw();
  }

  /** The terminal parsed output. */
  parsed(): void {
    this.#forecast.parsed();
    this.#drawSoon();
  }

  reset(): void {
    this.#forecast.reset();
    this.#drawSoon();
  }

  dispose(): void {
    this.#forecast.dispose();
    cancelAnimationFrame(this.#frame);
    this.#element.remove();
  }

  #screen(): EchoScreen {
    const { buffer, cols } = this.#options.terminal;
    return echoScreen(buffer.active, cols);
  }

  /** With the terminal's own next picture, so that a character and its echo are never both missing. */
  #drawSoon(): void {
    if (!this.#hasDrawn && !this.#forecast.isWaiting) return;
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw(): void {
    const screen = this.#screen();
    const { active } = this.#options.terminal.buffer;
    const overlay = active.viewportY === active.baseY ? this.#forecast.overlay : null;
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
