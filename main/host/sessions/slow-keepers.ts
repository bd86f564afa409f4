/** Keepers that did not answer a new host in time, on a machine that swaps, say: each is asked again until it answers or is gone. */
import type { SessionId } from '#protocol/ids.ts';

/** Until it is asked again, milliseconds: twice as long each time. */
const AGAIN_MS = { first: 1_000, longest: 30_000 };

/** It runs, as far as anybody can tell, and says nothing. */
export class KeeperSilent extends Error {}

export class SlowKeepers {
  readonly #waiting = new Map<SessionId, { waitMs: number; timer: NodeJS.Timeout }>();

  askAgain(session: SessionId, ask: () => void): void {
    const before = this.#waiting.get(session);
    const waitMs = before ? Math.min(2 * before.waitMs, AGAIN_MS.longest) : AGAIN_MS.first;
    this.#waiting.set(session, { waitMs, timer: setTimeout(ask, waitMs).unref() });
  }

  /** Whether it was one of them. */
  settled(session: SessionId): boolean {
    return this.#waiting.delete(session);
  }

  dispose(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
