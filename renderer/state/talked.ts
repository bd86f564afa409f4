/** What was said in a session as this window has it: the journal's part and what came since, each once, in order. Pure. */
import type { Talked } from '#protocol/guests.ts';

/** Kept of a session, the newest, unless somebody asks for a page more; the rest is in the journal. */
export const MAX_KEPT = 500;

/** `seq` is negative for what an older host told without its place in the journal. */
export type Conversation = { readonly talked: readonly Talked[] /** The journal has older ones. */; readonly more: boolean };

export const NOTHING_SAID: Conversation = { talked: [], more: false };

/** Something happens now. */
export function withNews({ talked, more }: Conversation, news: Talked): Conversation {
  if (talked.some(({ seq }) => seq === news.seq)) return { talked, more };
  return bounded([...talked, news], more);
}

/** The journal's newest: what lies before them and was known stays, unless there may be a hole between the two. */
export function withNewest({ talked, more }: Conversation, page: Conversation): Conversation {
  const [first] = page.talked;
  if (!first) return { talked, more };
  const known = new Set(page.talked.map(({ seq }) => seq));
  const isClosed = !page.more || talked.some(({ seq }) => seq === first.seq);
  const older = isClosed ? talked.filter(({ seq }) => seq > 0 && seq < first.seq) : [];
  const last = page.talked.at(-1)?.seq ?? 0;
  const newer = talked.filter(({ seq }) => seq > last && !known.has(seq));
  return bounded([...older, ...page.talked, ...newer], older.length > 0 ? more : page.more);
}

/** A page before the oldest. */
export function withEarlier({ talked }: Conversation, page: Conversation): Conversation {
  const known = new Set(talked.map(({ seq }) => seq));
  return { talked: [...page.talked.filter(({ seq }) => !known.has(seq)), ...talked], more: page.more };
}

/** Where the page before begins. */
export const oldestOf = ({ talked }: Conversation): number | undefined => talked.find(({ seq }) => seq > 0)?.seq;

function bounded(talked: readonly Talked[], more: boolean): Conversation {
  return { talked: talked.slice(-MAX_KEPT), more: more || talked.length > MAX_KEPT };
}
