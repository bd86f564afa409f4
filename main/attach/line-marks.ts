/** Lines marked in a terminal's picture: whose they are, and where they stand while more is printed below them. */
import type { Pointing } from '#protocol/guests.ts';
import { pointedPlace } from '#session/pointed-place.ts';
import type { ScreenTerminal } from '../host/screen/screen-terminal.ts';

/** Backgrounds of the actors' colours, in xterm's table of 256: legible below a white text. */
const GROUNDS = [24, 94, 53, 22, 88, 60, 23, 58];
type Mark = { readonly first: number; readonly last: number; readonly color: number; readonly timer?: NodeJS.Timeout };

export class LineMarks {
  readonly #marks = new Map<string, Mark>();

  get isEmpty(): boolean {
    return this.#marks.size === 0;
  }

  /** False where the lines are not here. `owner` has one mark at a time; after `forMs` it is `over`. */
  set(owner: string, screen: ScreenTerminal, pointed: { pointing: Pointing; color: number; forMs: number; over: () => void }): boolean {
    const { cells } = screen;
    const top = screenTop(screen);
    const expected = cells.baseY + pointed.pointing.from;
    const source = { length: cells.length, text: (line: number) => cells.getLine(line)?.translateToString(true).trimEnd() ?? '' };
    const found = pointedPlace(source, { lines: pointed.pointing.lines, expected });
    if (found === null) return false;
    const first = top + found - cells.baseY;
    const { color, forMs, over } = pointed;
    this.delete(owner);
    this.#marks.set(owner, { first, last: first + pointed.pointing.lines.length - 1, color, timer: setTimeout(over, forMs) });
    return true;
  }

  /** Lines of the screen as it is now, 0 at its top. */
  setRows(owner: string, screen: ScreenTerminal, { from, to, color }: { from: number; to: number; color: number }): void {
    const top = screenTop(screen);
    this.#marks.set(owner, { first: top + from, last: top + to, color });
  }

  delete(owner: string): void {
    clearTimeout(this.#marks.get(owner)?.timer);
    this.#marks.delete(owner);
  }
  clear(): void {
    for (const owner of this.#marks.keys()) this.delete(owner);
  }

  /** SGR of a row of the screen, with its semicolon in front; empty for one that is not marked. */
  styleOf(screen: ScreenTerminal): (row: number) => string {
    const top = screenTop(screen);
    return (row) => {
      const mark = [...this.#marks.values()].findLast(({ first, last }) => top + row >= first && top + row <= last);
      return mark ? `;48;5;${GROUNDS[mark.color % GROUNDS.length]};38;5;15` : '';
    };
  }
}

/** Number of the screen's first line, counted from the session's start. */
function screenTop(screen: ScreenTerminal): number {
  const { line, row } = screen.cursor();
  return line - row;
}
