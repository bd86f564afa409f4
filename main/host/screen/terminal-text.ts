/** Rows of a terminal as text. */
import type headless from '@xterm/headless';
import { cutToFit } from './rows-that-fit.ts';

/** A line that wraps is followed so far, characters: nobody reads more of what was typed. */
const MAX_LINE = 64 * 1024;

type Buffer = headless.IBuffer;

export const rowText = (buffer: Buffer, index: number): string => buffer.getLine(index)?.translateToString(true).trimEnd() ?? '';

/** As much of the screen as fits an answer. */
export function screenText(buffer: Buffer, rows: number): ReturnType<typeof cutToFit> {
  const { baseY, cursorX, cursorY } = buffer;
  // The blank that ends a prompt was printed, and is waited for: what stands before the cursor counts.
  const beforeCursor = buffer.getLine(baseY + cursorY)?.translateToString(false, 0, cursorX) ?? '';
  return cutToFit(rows, (index) => {
    const row = rowText(buffer, baseY + index);
    return index === cursorY && beforeCursor.length > row.length ? beforeCursor : row;
  });
}

/** A row from a column on, with those it wraps into, without trailing blanks; null where there is none. */
export function lineText(buffer: Buffer, from: number, fromCol: number): string | null {
  const first = from < 0 ? undefined : buffer.getLine(from);
  if (!first) return null;
  let text = first.translateToString(false, fromCol);
  for (let index = from + 1; text.length < MAX_LINE; index++) {
    const next = buffer.getLine(index);
    if (!next?.isWrapped) break;
    text += next.translateToString(false);
  }
  return text.trimEnd();
}
