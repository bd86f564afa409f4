/** A terminal's place on the page: opens it when first shown, draws it with WebGL where a graphics card does that, and measures its window. */
import { WebglAddon } from '@xterm/addon-webgl';
import type { Terminal } from '@xterm/xterm';
import type { Size } from '#protocol/shapes.ts';
import { hasGraphicsCard } from '../platform/graphics.ts';
import { correctInverse } from './inverse-contrast.ts';

/** Width of xterm's scrollbar, CSS pixels: its columns end before it. */
const SCROLLBAR_PX = 14;
/** Command bars and room around the terminal, CSS pixels, as in terminal.css. */
const GUTTER_PX = 14;
const ROOM_PX = 12;
/** Smallest window worth telling the session about, cells. */
const SMALLEST: Size = { cols: 20, rows: 4 };
/** While a window is dragged its size is told at most this often, milliseconds. */
const SETTLE_MS = 60;

export class TerminalScreen {
  readonly #terminal: Terminal;
  readonly #onResize: (size: Size) => void;
  readonly #observer: ResizeObserver;
  #frame: HTMLElement | null = null;
  #host: HTMLElement | null = null;
  #webgl: WebglAddon | null = null;
  #isVisible = false;
  #windowSize: Size | null = null;
  #cell: { width: number; height: number } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(terminal: Terminal, onResize: (size: Size) => void) {
    this.#terminal = terminal;
    this.#onResize = onResize;
    this.#observer = new ResizeObserver(() => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.measure(), SETTLE_MS);
    });
    terminal.onResize(() => this.#fitHost());
  }

  /** Cells that fit in the window; null before it was shown. */
  get windowSize(): Size | null {
    return this.#windowSize;
  }

  /** CSS pixels of one cell; null before it was shown. */
  get cell(): { width: number; height: number } | null {
    return this.#cell;
  }

  /** `frame` is the window's area; `host`, inside it, takes the terminal and is given the terminal's size. */
  mount(frame: HTMLElement, host: HTMLElement): void {
    this.#frame = frame;
    this.#host = host;
    this.#observer.observe(frame);
  }

  show(): void {
    this.#isVisible = true;
    if (!this.#host) return;
    if (!this.#terminal.element) {
      this.#terminal.open(this.#host);
      correctInverse(this.#terminal);
    }
    this.#accelerate();
    this.measure();
  }

  hide(): void {
    this.#isVisible = false;
  }

  measure(): void {
    if (!this.#isVisible || !this.#frame) return;
    this.#measureCell();
    const cell = this.#cell;
    if (!cell) return;
    this.#fitHost();
    const size = {
      cols: Math.max(SMALLEST.cols, Math.floor((this.#frame.clientWidth - GUTTER_PX - SCROLLBAR_PX) / cell.width)),
      rows: Math.max(SMALLEST.rows, Math.floor((this.#frame.clientHeight - ROOM_PX) / cell.height)),
    };
    if (this.#windowSize?.cols === size.cols && this.#windowSize.rows === size.rows) return;
    this.#windowSize = size;
    this.#onResize(size);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#observer.disconnect();
    this.#webgl?.dispose();
  }

  /** The terminal's box is as large as the session says, not as the window: what does not fit scrolls, what is left stays empty. */
  #fitHost(): void {
    const cell = this.#cell;
    if (!this.#host || !this.#frame || !cell) return;
    const width = Math.ceil(cell.width * this.#terminal.cols) + SCROLLBAR_PX;
    const height = Math.ceil(cell.height * this.#terminal.rows);
    this.#host.style.width = `${width}px`;
    this.#host.style.height = `${height}px`;
    this.#frame.scrollTop = this.#frame.scrollHeight; // where the cursor usually is
  }

  /** Not right after a resize: the screen on the page follows a moment later than the terminal's columns. */
  #measureCell(): void {
    const rectangle = this.#terminal.element?.querySelector('.xterm-screen')?.getBoundingClientRect();
    if (!rectangle || rectangle.width === 0 || rectangle.height === 0) return;
    this.#cell = { width: rectangle.width / this.#terminal.cols, height: rectangle.height / this.#terminal.rows };
  }

  /** Browsers hold a limited number of WebGL contexts and take the oldest: that terminal goes on with the DOM until shown again. */
  #accelerate(): void {
    if (this.#webgl || !hasGraphicsCard()) return;
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => {
        webgl.dispose();
        this.#webgl = null;
      });
      this.#terminal.loadAddon(webgl);
      this.#webgl = webgl;
    } catch {
      this.#webgl = null; // no WebGL here: the DOM renderer stays
    }
  }
}
