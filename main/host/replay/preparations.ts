/** Who waits until the screens of a session are made: one preparation for all, which ends when nobody does any more. */
import type { SessionId } from '#protocol/ids.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { PrepareProgress, ReplaySource } from './replay-messages.ts';
import type { ReplayScreens } from './replay-screens.ts';

type Preparation = { readonly prepared: Promise<boolean>; cancel(): void; readonly waiting: Map<ClientConnection, number> };

export class Preparations {
  readonly #screens: ReplayScreens;
  readonly #running = new Map<SessionId, Preparation>();

  constructor(screens: ReplayScreens) {
    this.#screens = screens;
  }

  /** Whether it came to its end. The connection hears of the progress. Rejects as ReplayScreens.prepare does. */
  async prepare(connection: ClientConnection, session: SessionId, source: () => Promise<ReplaySource>): Promise<boolean> {
    let running = this.#running.get(session);
    if (!running) {
      running = this.#begin(session, source);
      this.#running.set(session, running);
    }
    const { prepared, waiting } = running;
    waiting.set(connection, (waiting.get(connection) ?? 0) + 1);
    try {
      return await prepared;
    } finally {
      if (this.#running.get(session) === running) this.#running.delete(session);
    }
  }

  /** One question less of this connection. */
  cancel(connection: ClientConnection, session: SessionId): void {
    const running = this.#running.get(session);
    const left = (running?.waiting.get(connection) ?? 0) - 1;
    if (left > 0) running?.waiting.set(connection, left);
    else this.#leave(connection, session);
  }

  closed(connection: ClientConnection): void {
    for (const session of [...this.#running.keys()]) this.#leave(connection, session);
  }

  /** Its output goes. */
  end(session: SessionId): void {
    this.#running.get(session)?.cancel();
  }

  /** It can be cancelled from the first moment on, also while it is not known yet what is stored. */
  #begin(session: SessionId, source: () => Promise<ReplaySource>): Preparation {
    const waiting: Preparation['waiting'] = new Map();
    const tell = (progress: PrepareProgress) => {
      for (const each of waiting.keys()) each.event('replay.progress', { session, ...progress });
    };
    let isCancelled = false;
    let cancel = () => {};
    const prepare = async () => {
      const found = await source();
      if (isCancelled) return false;
      const begun = this.#screens.prepare(found, tell);
      cancel = begun.cancel;
      return begun.prepared;
    };
    return {
      prepared: prepare(),
      cancel: () => {
        isCancelled = true;
        cancel();
      },
      waiting,
    };
  }

  #leave(connection: ClientConnection, session: SessionId): void {
    const running = this.#running.get(session);
    if (!running?.waiting.delete(connection) || running.waiting.size > 0) return;
    running.cancel();
    this.#running.delete(session);
  }
}
