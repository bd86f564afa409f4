/** What earlier approvals left behind, from the journal: numbers, today's count, and what was approved for a whole session. */
import type { Approval } from '#protocol/approvals.ts';
import type { ActorId, SessionId } from '#protocol/ids.ts';
import type { Records } from './records.ts';

/** Records read at the start of a host. */
const MAX_READ = 5_000;
const HOUR_MS = 3_600_000;

export class ApprovalHistory {
  #lastId = 0;
  readonly #askedAt: number[] = [];
  /** By session, what may be done there without asking again. */
  readonly #grants = new Map<string, Set<string>>();
  readonly #recent: { at: number; key: string }[] = [];

  constructor({ records, wallNow }: { records: Records; wallNow: () => number }) {
    const today = midnight(wallNow());
    for (const { at, session, payload } of records.events({ kinds: ['approval'], limit: MAX_READ })) {
      const { id, is, grant } = payload;
      if (typeof id === 'number') this.#lastId = Math.max(this.#lastId, id);
      if (is === 'asked' && at >= today) this.#askedAt.push(at);
      if (session !== null && typeof grant === 'string' && (is === 'approved' || is === 'granted')) this.grant(session, grant);
    }
  }

  newId(): number {
    return ++this.#lastId;
  }

  askedToday(now: number): number {
    const today = midnight(now);
    while (this.#askedAt[0] !== undefined && this.#askedAt[0] < today) this.#askedAt.shift();
    return this.#askedAt.length;
  }

  /** Counts one more, and answers how many of the last hour were like it. */
  alike(asked: { actor: { id: ActorId }; kind: Approval['kind']; text: string; now: number }): number {
    const key = [asked.actor.id, asked.kind, ...asked.text.trim().split(/\s+/).slice(0, 2)].join(' ').slice(0, 200);
    this.#askedAt.push(asked.now);
    this.#recent.push({ at: asked.now, key });
    while (this.#recent[0] && (this.#recent[0].at < asked.now - HOUR_MS || this.#recent.length > MAX_READ)) this.#recent.shift();
    return this.#recent.filter((each) => each.key === key).length;
  }

  isGranted(session: string, key: string): boolean {
    return this.#grants.get(session)?.has(key) ?? false;
  }

  grant(session: string, key: string): void {
    const keys = this.#grants.get(session) ?? new Set();
    this.#grants.set(session, keys.add(key));
  }

  forget(session: SessionId): void {
    this.#grants.delete(session);
  }
}

function midnight(now: number): number {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}
