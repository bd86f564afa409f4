/** Goes to a line of output: in the terminal where it still holds it, else in a replay, as it was. */
import type { SearchHit } from '#protocol/search.ts';
import { findLine } from '../terminal/find-line.ts';
import { focusTerminal, openTab } from './actions.ts';
import { openReplay } from './replaying.ts';
import type { SessionKey } from './session-key.ts';
import { app } from './store.ts';
import { terminals } from './terminals.ts';

/** Of the line, from its match on, this much must be there, characters. */
const COMPARED = 60;
/** The waiting until a session's output is here, and drawn. */
const TRIES = 40;
const EVERY_MS = 75;
/** Rows shown above it. */
const ROOM_ABOVE = 3;

export function revealOutput(session: SessionKey, hit: SearchHit): void {
  if (app.get().preferences.activeTab !== session) openTab(session);
  const attempt = (left: number): void => {
    const opened = terminals.get(session);
    const isDrawn = opened && !opened.view.isReplaying && (opened.view.state === 'attached' || opened.view.state === 'ended');
    if (!isDrawn && left > 0) setTimeout(() => attempt(left - 1), EVERY_MS);
    else if (!opened || !show(opened, hit)) openReplay(session, behind(hit));
    else focusTerminal();
  };
  attempt(TRIES);
}

/** Where the line has been printed, so that a screen of this place shows it. */
export function behind({ offset, text, ranges }: SearchHit): number {
  return offset + new TextEncoder().encode(text.slice(ranges[0]?.[0] ?? 0)).length;
}

function show({ terminal, blocks }: NonNullable<ReturnType<typeof terminals.get>>, hit: SearchHit): boolean {
  const buffer = terminal.buffer.normal;
  if (terminal.buffer.active !== buffer && terminal.buffer.active.type === 'alternate') return false;
  const [from, to] = hit.ranges[0] ?? [0, hit.text.length];
  const text = hit.text.slice(from, from + COMPARED).trimEnd();
  const block = hit.command ? blocks.linesOf(hit.command.id) : null;
  if (hit.command && !block) return false;
  const found = findLine(buffer, text, block ?? { first: 0, last: buffer.length - 1 });
  if (!found) return false;
  terminal.scrollToLine(Math.max(0, found.row - ROOM_ABOVE));
  terminal.select(found.column % terminal.cols, found.row + Math.floor(found.column / terminal.cols), Math.max(1, to - from));
  return true;
}
