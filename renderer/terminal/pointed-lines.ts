/** Lines of one terminal that people point at: found once the terminal has printed them, and followed while it scrolls. */
import type { IMarker, Terminal } from '@xterm/xterm';
import type { Pointing } from '#protocol/guests.ts';
import type { Offset } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import { pointedPlace } from '#session/pointed-place.ts';

/** Rows of the view; `firstRow` may be negative. */
export type PointedRows = { readonly by: Actor; readonly text: string | null; readonly firstRow: number; readonly rows: number };

type Pointed = { by: Actor; pointing: Pointing; timer: ReturnType<typeof setTimeout>; marker: IMarker | null };

export class PointedLines {
  readonly #terminal: Terminal;
  /** Output that the terminal has parsed. */
  readonly #parsed: () => Offset;
  readonly #pointed = new Map<string, Pointed>();
  readonly #listeners = new Set<() => void>();
  #rows: readonly PointedRows[] = [];
  #frame = 0;

  constructor(terminal: Terminal, parsed: () => Offset) {
    this.#terminal = terminal;
    this.#parsed = parsed;
    terminal.onRender(() => this.#mayChange());
    terminal.onScroll(() => this.#mayChange());
  }

  get rows(): readonly PointedRows[] {
    return this.#rows;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** What is selected here, as the host is asked to point at it; null where nothing is. */
  get selected(): { offset: Offset; from: number; to: number } | null {
    const selection = this.#terminal.getSelectionPosition();
    if (!selection) return null;
    const { start, end } = selection;
    const { baseY } = this.#terminal.buffer.active;
    // A selection that ends at a line's start has nothing of it.
    const last = end.x === 0 && end.y > start.y ? end.y - 1 : end.y;
    return { offset: this.#parsed(), from: start.y - baseY, to: last - baseY };
  }

  /** Somebody points at one place at a time, or at none: null. */
  set(by: Actor, pointing: Pointing | null): void {
    this.#delete(by.id);
    if (pointing) {
      const timer = setTimeout(() => {
        this.#delete(by.id);
        this.#mayChange();
      }, pointing.forMs);
      this.#pointed.set(by.id, { by, pointing, timer, marker: null });
      this.parsed();
    }
    this.#mayChange();
  }

  /** More was parsed: what was pointed at may be there now. */
  parsed(): void {
    for (const pointed of this.#pointed.values()) if (!pointed.marker && this.#parsed() >= pointed.pointing.offset) this.#place(pointed);
  }

  dispose(): void {
    for (const id of [...this.#pointed.keys()]) this.#delete(id);
    cancelAnimationFrame(this.#frame);
    this.#frame = -1; // nothing is scheduled any more
    this.#listeners.clear();
  }

  #place(pointed: Pointed): void {
    const { active } = this.#terminal.buffer;
    const { from, lines } = pointed.pointing;
    const source = { length: active.length, text: (line: number) => active.getLine(line)?.translateToString(true).trimEnd() ?? '' };
    const line = pointedPlace(source, { lines, expected: active.baseY + from });
    if (line === null) return;
    pointed.marker = this.#terminal.registerMarker(line - active.baseY - active.cursorY) ?? null;
  }

  #delete(id: string): void {
    const pointed = this.#pointed.get(id);
    if (!pointed) return;
    clearTimeout(pointed.timer);
    pointed.marker?.dispose();
    this.#pointed.delete(id);
  }

  #mayChange(): void {
    if (this.#frame !== 0 || (this.#pointed.size === 0 && this.#rows.length === 0)) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#update();
    });
  }

  #update(): void {
    const { viewportY } = this.#terminal.buffer.active;
    const rows = [...this.#pointed.values()].flatMap(({ by, pointing, marker }) => {
      if (!marker || marker.line < 0) return [];
      const firstRow = marker.line - viewportY;
      const isInView = firstRow < this.#terminal.rows && firstRow + pointing.lines.length > 0;
      return isInView ? [{ by, text: pointing.text, firstRow, rows: pointing.lines.length }] : [];
    });
    const isSame = rows.length === this.#rows.length && rows.every((row, at) => isSameRows(row, this.#rows[at]));
    if (isSame) return;
    this.#rows = rows;
    for (const listener of this.#listeners) listener();
  }
}

const isSameRows = (a: PointedRows, b: PointedRows | undefined): boolean =>
  a.by.id === b?.by.id && a.text === b.text && a.firstRow === b.firstRow && a.rows === b.rows;
