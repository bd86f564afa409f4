/** As many sessions as one answer holds, and where the rest begins: those that run first, and of the others the newest. */
import type { SessionCursor, SessionPart } from '#protocol/sessions.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import type { ListedSession } from '../registry.ts';

/** Sessions of one answer together, bytes of JSON: half of a frame. */
const PAGE_BYTES = 512 * 1024;

/** `sessions` in the order in which they were made, as is the answer. `from`: the rest of an answer, which has it as `next`. */
export function sessionPage(sessions: readonly ListedSession[], from?: SessionCursor): SessionPart {
  const newestFirst = sessions.filter((session) => !from || isUpTo(session, from)).sort((a, b) => (isUpTo(a, cursorOf(b)) ? 1 : -1));
  const told = new Map<ListedSession, SessionSummary>();
  let left = PAGE_BYTES;
  const hasRoom = (session: ListedSession): boolean => {
    if (told.has(session)) return true;
    const summary = session.summary();
    left -= Buffer.byteLength(JSON.stringify(summary));
    if (left < 0 && told.size > 0) return false;
    told.set(session, summary);
    return true;
  };
  // The rest tells all again that is as old, so that what runs anew meanwhile is not missed.
  if (!from) newestFirst.filter(({ isRunning }) => isRunning).every(hasRoom);
  newestFirst.every(hasRoom);
  const next = newestFirst.find((session) => !told.has(session));
  return { sessions: sessions.flatMap((session) => told.get(session) ?? []), ...(next ? { next: cursorOf(next) } : {}) };
}

const cursorOf = ({ id, stored: { createdAt } }: ListedSession): SessionCursor => ({ createdAt, id });

/** Whether a session is the one at `cursor`, or was made before it. */
const isUpTo = ({ id, stored: { createdAt } }: ListedSession, cursor: SessionCursor): boolean =>
  createdAt < cursor.createdAt || (createdAt === cursor.createdAt && id <= cursor.id);
