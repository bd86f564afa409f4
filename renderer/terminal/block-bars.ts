/** The command bars in view and the block that was asked for, looked at once a frame and told only when they changed. */
import type { Terminal } from '@xterm/xterm';
import type { CommandRecord } from '#protocol/shapes.ts';
import type { Bar, BlockLines, BlockTrail } from './block-trail.ts';

export class BlockBars {
  readonly #terminal: Terminal;
  readonly #trail: BlockTrail;
  readonly #listeners = new Set<() => void>();
  #bars: readonly Bar[] = [];
  #marked: number | null = null;
  #frame = 0;

  constructor(terminal: Terminal, trail: BlockTrail) {
    this.#terminal = terminal;
    this.#trail = trail;
    terminal.onRender(() => this.mayChange());
    terminal.onScroll(() => this.mayChange());
  }

  get bars(): readonly Bar[] {
    return this.#bars;
  }

  /** Id of the command whose block is marked. */
  get marked(): number | null {
    return this.#marked;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  mark(id: number | null): void {
    if (this.#marked === id) return;
    this.#marked = id;
    this.#update(true);
  }

  /** Scrolls to a command's block and marks it; false if its lines are not here. */
  reveal(id: number): boolean {
    const lines = this.#trail.linesOf(id);
    if (!lines) return false;
    this.#terminal.scrollToLine(Math.max(0, lines.first - 1));
    this.mark(id);
    return true;
  }

  /** See `BlockTrail.linesOf`. */
  linesOf(id: number): BlockLines | null {
    return this.#trail.linesOf(id);
  }

  /** The command whose line or output is at this row of the view, null where none is known. */
  at(row: number): CommandRecord | null {
    return this.#bars.findLast(({ firstRow, rows }) => row >= firstRow && row < firstRow + rows)?.command ?? null;
  }

  mayChange(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#update(false);
    });
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = -1; // nothing is scheduled any more
    this.#listeners.clear();
  }

  #update(isMarkNew: boolean): void {
    const bars = this.#trail.bars();
    const isSame = bars.length === this.#bars.length && bars.every((bar, i) => isSameBar(bar, this.#bars[i]));
    if (isSame && !isMarkNew) return;
    if (!isSame) this.#bars = bars;
    for (const listener of this.#listeners) listener();
  }
}

const isSameBar = (a: Bar, b: Bar | undefined): boolean => a.command === b?.command && a.firstRow === b.firstRow && a.rows === b.rows;
