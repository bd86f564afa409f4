/** A screen at a known offset, from which output is replayed, and how one is read from a file. */
import type { Offset } from '#protocol/ids.ts';
import { type Size, size as sizeSchema } from '#protocol/shapes.ts';

export type ScreenCheckpoint = {
  readonly offset: Offset;
  readonly size: Size;
  /** Lines above the top of the screen since the session began. */
  readonly line: number;
  /** VT text for a reset terminal. */
  readonly text: string;
};

/** Null for what is none. */
export function parseScreenCheckpoint(text: string): ScreenCheckpoint | null {
  try {
    const { offset, size, line, text: screen } = JSON.parse(text) as ScreenCheckpoint;
    const isWhole = Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(line) && line >= 0 && typeof screen === 'string';
    const { data } = sizeSchema.safeParse(size); // a terminal of a billion columns would fill the memory
    return isWhole && data ? { offset, size: data, line, text: screen } : null;
  } catch {
    return null; // torn by a crash, or the empty line at the end
  }
}
