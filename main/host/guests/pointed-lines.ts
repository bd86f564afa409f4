/** Lines that somebody points at, found in what the session has printed: for everybody the same, wherever they have scrolled. */
import { CmdopError } from '#protocol/errors.ts';
import { MAX_POINTED_LINES } from '#protocol/guests.ts';
import type { Offset } from '#protocol/ids.ts';
import type { Params } from '#protocol/messages.ts';
import { DrawnAgain } from '../screen/drawn-again.ts';
import type { LiveSession } from '../sessions/live-session.ts';

/** A line is told up to here, characters; and all of them together. */
const MAX_LINE_CHARACTERS = 400;
const MAX_CHARACTERS = 16_000;

type Place = NonNullable<Params<'share.point'>['at']>;
export type PointedLines = { offset: Offset; from: number; to: number; lines: string[] };

/** Throws `bad-request`, and `output-pruned` where the place is not held any more. */
export async function pointedLines(session: LiveSession, place: Place): Promise<PointedLines> {
  const end = session.output.end;
  const isCounted = 'last' in place;
  const offset = isCounted ? end : place.offset;
  if (offset > end) throw new CmdopError('bad-request', `${session.name} has printed ${end} bytes yet, not ${offset}`);
  const farthest = isCounted ? Math.max(place.last.from, place.last.to) : -Math.min(place.from, place.to, 0);
  const drawn = await DrawnAgain.begin(session, farthest);
  try {
    // Where the drawing begins later, what was meant is older than what is held.
    if (drawn.offset > offset)
      throw new CmdopError('output-pruned', `what ${session.name} printed up to ${offset} cannot be drawn any more`);
    await drawn.drawTo(offset);
    const { rows, top, text } = linesOf(drawn);
    const last = text.findLastIndex((each) => each !== '') + top;
    const [from, to] = isCounted
      ? ordered(last + 1 - place.last.from, last + 1 - place.last.to)
      : ordered(place.from, Math.min(rows - 1, place.to));
    if (to - from + 1 > MAX_POINTED_LINES)
      throw new CmdopError('bad-request', `${to - from + 1} lines are too many to point at: ${MAX_POINTED_LINES} at most`);
    const lines = text.slice(Math.max(0, from - top), Math.max(0, to - top + 1));
    if (lines.length === 0) throw new CmdopError('bad-request', `there is no such line on the screen of ${session.name}`);
    return { offset, from: Math.max(from, top), to, lines: bounded(lines) };
  } finally {
    drawn.dispose();
  }
}

/** Everything that is drawn; `top` is the number of its first line, the screen's first being 0. */
function linesOf({ screen }: DrawnAgain): { rows: number; top: number; text: string[] } {
  const { lines, size, modes } = screen.read();
  if (modes.alternateScreen) return { rows: size.rows, top: 0, text: lines };
  const { line, row } = screen.cursor();
  const screenTop = line - row;
  const text = screen.linesText(0, screenTop + size.rows);
  return { rows: size.rows, top: size.rows - text.length, text };
}

const ordered = (a: number, b: number): [number, number] => [Math.min(a, b), Math.max(a, b)];

function bounded(lines: readonly string[]): string[] {
  let left = MAX_CHARACTERS;
  return lines.map((line) => {
    const shown = line.slice(0, Math.min(MAX_LINE_CHARACTERS, left));
    left -= shown.length;
    return shown;
  });
}
