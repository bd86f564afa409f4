/** What a person may call a session, and which session they mean. Pure. */
import { CmdopError } from '#protocol/errors.ts';

type Named = { readonly id: string; readonly name: string; readonly isRunning: boolean };

/** Shortest id prefix that names a session. */
const MIN_PREFIX = 2;
/** Sessions that a refusal names, the last of them. */
const MAX_NAMED = 20;

/** By id, name, or unique id prefix. Throws `session-not-found` or `session-ambiguous`, with the candidates; never guesses. */
export function findSession<T extends Named>(sessions: readonly T[], reference: string): T {
  const named = sessions.filter(({ name }) => name === reference);
  const running = named.filter(({ isRunning }) => isRunning);
  const byPrefix = reference.length < MIN_PREFIX ? [] : sessions.filter(({ id }) => id.startsWith(reference));
  const byId = sessions.filter(({ id }) => id === reference);
  // Of several with one name, the one that runs is meant: an ended one is told by its id.
  const matches = [byId, running, named, byPrefix].find((found) => found.length > 0) ?? [];
  if (matches.length === 1 && matches[0]) return matches[0];
  const possible = matches.length > 0 ? matches : sessions;
  const candidates = possible.slice(-MAX_NAMED).map(({ id, name }) => ({ id, name }));
  const more = possible.length - candidates.length;
  const list = candidates.map(({ id, name }) => `${name} (${id})`).join(', ') + (more > 0 ? ` and ${more} more` : '');
  if (matches.length > 1)
    throw new CmdopError('session-ambiguous', `${reference} could be ${list}: give the whole name or id`, { candidates });
  const there = candidates.length > 0 ? `there are ${list}` : 'there are none: `cmdop new` makes one';
  throw new CmdopError('session-not-found', `there is no session ${reference}; ${there}`, { candidates });
}

/** `name` without blanks around it. Throws `bad-request` if no session can be called that. */
export function validName(name: string): string {
  const trimmed = name.trim();
  if (trimmed !== '' && !/[\p{Cc}\p{Cf}/]/u.test(trimmed)) return trimmed;
  throw new CmdopError(
    'bad-request',
    `${JSON.stringify(name)} cannot be a session's name: use letters, digits and signs, without / and control characters`,
  );
}

/** `base`, or `base-2`, `base-3`… where it is taken. */
export function freeName(base: string, isTaken: (name: string) => boolean): string {
  const clean = base.replaceAll(/[^\p{L}\p{N}._-]/gu, '') || 'session';
  if (!isTaken(clean)) return clean;
  for (let n = 2; ; n++) if (!isTaken(`${clean}-${n}`)) return `${clean}-${n}`;
}
