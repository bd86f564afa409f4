/** Compares two headless terminals: every cell of both screens, the cursor, and all state that no cell shows. */
import type headless from '@xterm/headless';
import { encodeInCharset } from '../../main/host/screen/charsets.ts';
import { type Cell, readCell, StyleReader } from '../../main/host/screen/terminal-rows.ts';
import { readState } from '../../main/host/screen/terminal-state.ts';
import { internalsOf, type XtermBuffer, type XtermCore } from '../../main/host/screen/xterm-internals.ts';

type Terminal = InstanceType<typeof headless.Terminal>;

export type CompareOptions = {
  /** Lines above the screen to compare, as far as both have them. */
  scrollback?: number;
  /** Differences listed at most. */
  limit?: number;
};

/** One line for each difference, empty if there is none: what it is, then what it is in `actual` and what in `expected`. */
export function compareTerminals(actual: Terminal, expected: Terminal, { scrollback = 0, limit = 12 }: CompareOptions = {}): string[] {
  const differences: string[] = [];
  const note = (what: string, ours: unknown, theirs: unknown) => {
    const [left, right] = [JSON.stringify(ours), JSON.stringify(theirs)];
    if (left !== right && differences.length < limit) differences.push(`${what}: ${left} should be ${right}`);
  };
  const [a, b] = [internalsOf(actual), internalsOf(expected)];
  note('size', [a.cols, a.rows], [b.cols, b.rows]);
  if (differences.length > 0) return differences;
  compareBuffer('normal', [a, a.buffers.normal], [b, b.buffers.normal], scrollback, note);
  note('alternate screen shown', a.buffers.active === a.buffers.alt, b.buffers.active === b.buffers.alt);
  if (differences.length === 0 && a.buffers.active === a.buffers.alt) {
    compareBuffer('alternate', [a, a.buffers.alt], [b, b.buffers.alt], 0, note);
  }
  const [ours, theirs] = [hiddenState(a), hiddenState(b)];
  for (const name of Object.keys(theirs)) note(name, Reflect.get(ours, name), Reflect.get(theirs, name));
  return differences;
}

function compareBuffer(
  name: string,
  [a, ours]: [XtermCore, XtermBuffer],
  [b, theirs]: [XtermCore, XtermBuffer],
  scrollback: number,
  note: (what: string, ours: unknown, theirs: unknown) => void,
): void {
  const styles = [new StyleReader(a), new StyleReader(b)] as const;
  const above = Math.min(scrollback, ours.ybase, theirs.ybase);
  for (let row = -above; row < b.rows; row++) {
    const [left, right] = [ours.lines.get(ours.ybase + row), theirs.lines.get(theirs.ybase + row)];
    if (!left || !right) {
      note(`${name} row ${row} exists`, Boolean(left), Boolean(right));
      continue;
    }
    // Whether the topmost row continues one that is not held cannot be said where nothing is above.
    if (row > -above || above === 0) note(`${name} row ${row} wraps`, left.isWrapped, right.isWrapped);
    for (let col = 0; col < b.cols; col++) {
      const [leftCell, rightCell] = [readCell(left, col, styles[0]), readCell(right, col, styles[1])];
      if (!isSameCell(leftCell, rightCell)) note(`${name} row ${row} col ${col}`, leftCell, rightCell);
    }
  }
}

/** An empty cell is drawn the same with and without width: without, it once was half of a wide character. */
function isSameCell(left: Cell, right: Cell): boolean {
  if (left.text !== right.text || (left.width !== right.width && left.text !== '')) return false;
  const [a, b] = [left.style, right.style];
  return a === b || (a.sgr === b.sgr && a.isProtected === b.isProtected && a.link?.uri === b.link?.uri && a.link?.id === b.link?.id);
}

/** All that a snapshot has to restore besides the cells, by name. */
function hiddenState(core: XtermCore): object {
  const { normal, alternate, corner, joinable, ...state } = readState(core, { scrollback: 0 });
  const rest = ({ rows: _, ...buffer }: typeof normal) => buffer;
  const active = rest(alternate ?? normal);
  return {
    ...state,
    active,
    // Its column is that of the alternate screen once it is shown again.
    normal: alternate ? { ...rest(normal), cursor: normal.cursor.row } : active,
    joinableCells: joinable?.cells,
    joinableText: joinable && encodeInCharset(joinable.text, state.charsets.active),
    parserState: core._inputHandler._parser.currentState,
  };
}
