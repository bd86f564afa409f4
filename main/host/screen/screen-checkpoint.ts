/** A screen at a known offset, from which output is replayed, and how one is read from a file. */
import { crc32 } from 'node:zlib';
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

/** Keys of a line; those of older hosts end with them. */
const KEYS = 4;
/** CRC-32 of what stands before it, hex. */
const SUM = /,"sum":"([0-9a-f]{8})"\}$/;
/** In a file whose last line is an empty one. */
const HAS_END = /,"hasEnd":true,"sum":"[0-9a-f]{8}"\}$/;

/** As JSON with a checksum at its end, which older hosts take for a key that they do not know. */
export function checkpointLine({ offset, size, line, text }: ScreenCheckpoint): string {
  const before = JSON.stringify({ offset, size, line, text, hasEnd: true }).slice(0, -1);
  return `${before},"sum":"${crc32(before).toString(16).padStart(8, '0')}"}`;
}

/** Null for a line that is damaged, or none. Older hosts wrote theirs without a checksum. */
export function parseCheckpointLine(line: string): ScreenCheckpoint | null {
  const sum = SUM.exec(line);
  if (sum) return crc32(line.slice(0, sum.index)) === Number.parseInt(sum[1] ?? '', 16) ? parseScreenCheckpoint(line) : null;
  const checkpoint = parseScreenCheckpoint(line);
  return checkpoint && Object.keys(JSON.parse(line)).length === KEYS ? checkpoint : null; // more: it had a checksum
}

/** An empty line stands behind the others; hosts that wrote none left no trace that it is missing. */
export const hasEnd = (lines: string): boolean => lines === '\n' || lines.endsWith('\n\n');

/** Of a file that is there: whether lines are missing behind the last. */
export function areCut(lines: string): boolean {
  return !hasEnd(lines) && (lines === '' || HAS_END.test(lines.trimEnd().split('\n').at(-1) ?? ''));
}

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
