/** Command blocks of one terminal: keeps the lines of places that matter, and says which command each visible line belongs to. */
import type { Offset } from '#protocol/ids.ts';
import type { CommandRecord } from '#protocol/shapes.ts';
import { type PlaceKind, pairRecord } from './output-marks.ts';

/** Places without a mark that are kept, for shells that report nothing: the newest; a record claims its own soon after. */
const CHUNK_PLACES = 128;
/** Marks kept: each marker costs a little at every line that leaves the scrollback. */
const MARK_PLACES = 1_500;

/** The part of xterm's Terminal that is needed, in the browser and headless. */
export type TrailTerminal = {
  readonly rows: number;
  readonly buffer: {
    readonly active: {
      readonly type: 'normal' | 'alternate';
      readonly cursorX: number;
      readonly cursorY: number;
      readonly baseY: number;
      readonly viewportY: number;
    };
  };
  registerMarker(cursorYOffset?: number): LineMarker | undefined;
};

/** A line that keeps its number up to date; −1 once it left the scrollback. */
type LineMarker = { readonly line: number; readonly isDisposed: boolean; dispose(): void };

type MarkedPlace = { offset: Offset; kind: PlaceKind; marker: LineMarker; column: number };

/** Rows of the viewport that a command's line and output take; `firstRow` may be negative. */
export type Bar = { command: CommandRecord; firstRow: number; rows: number };

export type BlockLines = { first: number; last: number };

export class BlockTrail {
  readonly #terminal: TrailTerminal;
  readonly #commands = new Map<number, CommandRecord>();
  #places: MarkedPlace[] = [];
  #chunkPlaces = 0;
  #pairs = new Map<number, { start: MarkedPlace | null; end: MarkedPlace | null }>();

  constructor(terminal: TrailTerminal) {
    this.#terminal = terminal;
  }

  /** The terminal starts over: every line it had is gone. */
  reset(): void {
    for (const { marker } of this.#places) marker.dispose();
    this.#places = [];
    this.#chunkPlaces = 0;
    this.#pairs.clear();
  }

  setCommand(command: CommandRecord): void {
    this.#commands.set(command.id, command);
    this.#pairs.delete(command.id);
  }

  command(id: number): CommandRecord | null {
    return this.#commands.get(id) ?? null;
  }

  /** Offsets of known commands within a range, ascending. */
  offsetsWithin(from: Offset, to: Offset): Offset[] {
    const offsets: Offset[] = [];
    for (const command of this.#commands.values()) {
      for (const offset of [command.from, command.to]) if (offset !== null && offset > from && offset < to) offsets.push(offset);
    }
    return offsets.sort((a, b) => a - b);
  }

  /** Output was parsed up to `offset`, just now: the cursor is there. */
  place(offset: Offset, kind: PlaceKind): void {
    const { active } = this.#terminal.buffer;
    if (active.type === 'alternate') return; // its lines vanish with it
    const last = this.#places.at(-1);
    if (last && last.offset === offset && last.kind !== 'chunk') return;
    const marker = this.#terminal.registerMarker(0);
    if (!marker) return;
    this.#places.push({ offset, kind, marker, column: active.cursorX });
    if (kind === 'chunk') this.#chunkPlaces++;
    if (this.#chunkPlaces > CHUNK_PLACES * 2 || this.#places.length > MARK_PLACES * 2) this.#prune();
  }

  /** Lines of the buffer that a command takes, null once they left the scrollback or if they never were here. */
  linesOf(id: number): BlockLines | null {
    const command = this.#commands.get(id);
    const pair = command && this.#pairOf(command);
    if (!pair?.start || pair.start.marker.line < 0) {
      // The first lines may have left the scrollback while the last ones are still here.
      return pair?.end && pair.end.marker.line >= 0 ? { first: 0, last: lastLine(pair.end) } : null;
    }
    const { active } = this.#terminal.buffer;
    const first = pair.start.marker.line;
    const last = pair.end ? lastLine(pair.end) : active.baseY + active.cursorY;
    return { first, last: Math.max(first, last) };
  }

  /** The blocks in view, top to bottom. */
  bars(): Bar[] {
    const { active } = this.#terminal.buffer;
    if (active.type === 'alternate') return [];
    const top = active.viewportY;
    const bottom = top + this.#terminal.rows - 1;
    const bars: Bar[] = [];
    for (const command of this.#commands.values()) {
      const lines = this.linesOf(command.id);
      if (!lines || lines.last < top || lines.first > bottom) continue;
      bars.push({ command, firstRow: lines.first - top, rows: lines.last - lines.first + 1 });
    }
    return bars.sort((a, b) => a.firstRow - b.firstRow);
  }

  #pairOf(command: CommandRecord): { start: MarkedPlace | null; end: MarkedPlace | null } {
    const known = this.#pairs.get(command.id);
    if (known) return known;
    const last = this.#places.at(-1);
    const first = this.#places[0];
    const isCovered = last !== undefined && last.offset >= (command.to ?? command.from);
    // What ended before the first known place is not here; what reaches beyond the last one is still being parsed.
    if (!first || !isCovered || (command.to !== null && command.to < first.offset)) return { start: null, end: null };
    const pair = pairRecord(command, this.#places);
    this.#pairs.set(command.id, pair);
    return pair;
  }

  #prune(): void {
    const claimed = new Set<MarkedPlace | null>();
    for (const { start, end } of this.#pairs.values()) claimed.add(start).add(end);
    let chunks = 0;
    let marks = 0;
    const kept: MarkedPlace[] = [];
    for (const place of this.#places.toReversed()) {
      const isKept =
        !place.marker.isDisposed && (claimed.has(place) || (place.kind === 'chunk' ? ++chunks <= CHUNK_PLACES : ++marks <= MARK_PLACES));
      if (isKept) kept.push(place);
      else place.marker.dispose();
    }
    this.#places = kept.reverse();
    this.#chunkPlaces = chunks;
    for (const [id] of this.#pairs) if (this.#commands.get(id)?.to === null) this.#pairs.delete(id);
  }
}

/** The last line of a block that ends at this place: the one before it where the cursor stood at a line's start. */
const lastLine = ({ marker, column }: MarkedPlace): number => (column === 0 ? marker.line - 1 : marker.line);
