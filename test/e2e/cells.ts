/** What a terminal shows, cell by cell, in a form that crosses from a page: to compare a window with the host. */
import type { Page } from 'playwright-core';

export type Shown = {
  readonly size: string;
  readonly cursor: string;
  readonly buffer: string;
  /** One line for each row of the screen, and of what is above it: every cell's text, width, colours and attributes. */
  readonly rows: readonly string[];
};

/** The part of xterm's interface that is read, the same in a page and headless. */
export type ReadableTerminal = {
  readonly cols: number;
  readonly rows: number;
  readonly buffer: {
    readonly active: {
      readonly type: string;
      readonly baseY: number;
      readonly cursorX: number;
      readonly cursorY: number;
      getLine(row: number): { readonly isWrapped: boolean; getCell(col: number): Cell | undefined } | undefined;
    };
  };
};

type Cell = {
  getChars(): string;
  getWidth(): number;
  getFgColorMode(): number;
  getFgColor(): number;
  getBgColorMode(): number;
  getBgColor(): number;
  isBold(): number;
  isItalic(): number;
  isDim(): number;
  isUnderline(): number;
  isBlink(): number;
  isInverse(): number;
  isInvisible(): number;
  isStrikethrough(): number;
};

/** Of the terminal that `holder` has as `cmdopTerminal`. Runs in a page as well, so it uses nothing from outside. `above`: rows of scrollback. */
export function readShown(holder: object, above = 0): Shown {
  if (!('cmdopTerminal' in holder)) throw new Error('there is no terminal here');
  const terminal = holder.cmdopTerminal as ReadableTerminal;
  const { active } = terminal.buffer;
  const first = Math.max(0, active.baseY - above);
  const rows: string[] = [];
  for (let row = first; row < active.baseY + terminal.rows; row++) {
    const line = active.getLine(row);
    const cells: string[] = [];
    let look = '';
    for (let col = 0; col < terminal.cols; col++) {
      const cell = line?.getCell(col);
      if (!cell) continue;
      const marks = [
        cell.isBold(),
        cell.isItalic(),
        cell.isDim(),
        cell.isUnderline(),
        cell.isBlink(),
        cell.isInverse(),
        cell.isInvisible(),
        cell.isStrikethrough(),
      ];
      const colors = `${cell.getFgColorMode()}:${cell.getFgColor()} ${cell.getBgColorMode()}:${cell.getBgColor()}`;
      const next = `${colors} ${marks.map((mark) => (mark ? 1 : 0)).join('')}`;
      // How a cell looks is written where it changes, so that a difference can be read.
      cells.push(
        `${next === look ? '' : `{${next}}`}${cell.getWidth() === 0 ? '' : cell.getChars() || ' '}${cell.getWidth() === 2 ? '²' : ''}`,
      );
      look = next;
    }
    rows.push(`${row > first && line?.isWrapped ? '…' : ''}${cells.join('')}`);
  }
  return { size: `${terminal.cols}×${terminal.rows}`, cursor: `${active.cursorY},${active.cursorX}`, buffer: active.type, rows };
}

/** What the terminal in front of a window shows. */
export async function shownIn(page: Page, above = 0): Promise<Shown> {
  return await page.locator('[data-testid="terminal"]:visible').first().evaluate(readShown, above);
}
