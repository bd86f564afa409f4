/**
 * Opens sessions whose programs run, and waits for those that it cannot reach yet: a keeper that says nothing holds up
 * nobody else, and its session is never left out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CmdopError } from '#protocol/errors.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import { HELLO_TIMEOUT_MS } from '../keepers/keeper-link.ts';
import { AwaitedSession, type Unreachable } from './awaited-session.ts';
import type { LiveSession } from './live-session.ts';
import { type OpenOptions, openSession, type SessionSurroundings, SessionUnreachable } from './open-session.ts';

/** Until a session is tried again, milliseconds: twice as long each time. One whose keeper is only silent waits on where it is. */
const AGAIN_MS = { first: 250, longest: 30_000 };

export type AdoptionOptions = SessionSurroundings & {
  /** It can be reached, before anybody hears so. */
  opened(session: LiveSession): void;
  /** It cannot be, or not for the reason that was told before. */
  awaited(session: AwaitedSession): void;
  /** It is not waited for any more, and has not been opened. */
  lost(session: AwaitedSession): void;
};

export type Wanted = Pick<OpenOptions, 'known' | 'freshNonce'> & {
  /** Of one that is found again: a keeper has only so long until it counts as silent, milliseconds. */
  silentAfterMs?: number;
  opened?(session: LiveSession): void;
};

export class Adoption {
  readonly #options: AdoptionOptions;
  readonly #awaited = new Map<SessionId, AwaitedSession>();
  readonly #opening = new Set<Promise<unknown>>();
  readonly #givenUp = new AbortController();

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  get(id: SessionId): AwaitedSession | null {
    return this.#awaited.get(id) ?? null;
  }
  all(): Iterable<AwaitedSession> {
    return this.#awaited.values();
  }
  /** How many cannot be reached now. */
  get size(): number {
    return this.#awaited.size;
  }

  /**
   * The session; or what stands for it where it cannot be reached yet: then it comes later, by itself. Rejects where
   * nothing runs and nothing can be read of it.
   */
  open(wanted: Wanted): Promise<LiveSession | AwaitedSession> {
    return new Promise((resolve, reject) => {
      const opening = this.#open(wanted, resolve);
      this.#opening.add(opening);
      opening.then(resolve, reject).finally(() => this.#opening.delete(opening));
    });
  }

  /** Nobody waits any more; resolves when nothing is being opened. Who cannot be reached stays known as that. */
  async giveUp(): Promise<void> {
    this.#givenUp.abort();
    await Promise.allSettled(this.#opening);
  }

  async #open(wanted: Wanted, stands: (session: AwaitedSession) => void): Promise<LiveSession> {
    const { known, freshNonce, silentAfterMs = HELLO_TIMEOUT_MS, opened } = wanted;
    const givenUp = this.#givenUp.signal;
    const silent = (outputEnd: Offset) => stands(this.#wait(known, { is: 'silent', outputEnd }));
    for (let waitMs = AGAIN_MS.first; ; waitMs = Math.min(2 * waitMs, AGAIN_MS.longest)) {
      try {
        const session = await openSession({ ...this.#options, known, freshNonce, silentAfterMs, silent, givenUp });
        this.#opened(session);
        opened?.(session);
        return session;
      } catch (error) {
        if (!givenUp.aborted) console.error(`session ${idOf(known)} could not be opened:`, error);
        if (!(error instanceof SessionUnreachable)) throw this.#lost(known, error as Error);
        stands(this.#wait(known, error.why));
      }
      await delay(waitMs, undefined, { signal: givenUp });
    }
  }

  #opened(session: LiveSession): void {
    const awaited = this.#awaited.get(session.id);
    this.#awaited.delete(session.id);
    this.#options.opened(session);
    if (!awaited) return;
    this.#options.events.problem(session.id, null);
    awaited.settled(null);
  }

  #wait(known: Wanted['known'], why: Unreachable): AwaitedSession {
    const before = this.#awaited.get(idOf(known));
    if (before && !before.isUnreachable(why)) return before;
    const session = before ?? new AwaitedSession({ ...this.#options, known, why });
    this.#awaited.set(session.id, session);
    this.#options.events.problem(session.id, `session ${session.sentence}`);
    this.#options.awaited(session);
    return session;
  }

  /** One session that cannot be found again must not take the others with it. */
  #lost(known: Wanted['known'], error: Error): Error {
    const id = idOf(known);
    const sentence = `session ${typeof known === 'string' ? id : known.name} could not be found again: ${error.message}`;
    this.#options.events.problem(id, sentence);
    const awaited = this.#awaited.get(id);
    if (!awaited) return error;
    this.#awaited.delete(id);
    this.#options.lost(awaited);
    awaited.settled(new CmdopError('session-not-found', sentence));
    return error;
  }
}

const idOf = (known: Wanted['known']): SessionId => (typeof known === 'string' ? known : known.id);
