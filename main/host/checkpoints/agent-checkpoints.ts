/**
 * Before an agent's first input in a folder, the folder's files are kept. The input waits for that, for a while: an agent
 * that is slowed down by seconds once is better than work that cannot be brought back.
 */
import type { ClientId, SessionId } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { Checkpoints } from './checkpoints.ts';

/** Longest that input waits, milliseconds; then the checkpoint says that it is late. */
const WAIT_MS = 5_000;
/** Remembered places, of all agents; the oldest are asked again. */
const MAX_KNOWN = 4_096;

type Place = { isReady: boolean; waiting: (() => void)[] };
export type AgentInputPlace = { session: SessionId; client: ClientId; actor: Actor; folder: string; ready: () => void };

export class AgentCheckpoints {
  readonly #checkpoints: Checkpoints;
  readonly #session: (id: SessionId) => LiveSession | null;
  readonly #isOn: () => boolean;
  /** By client, session and the folder that the shell reports. */
  readonly #places = new Map<string, Place>();
  /** By client and the folder that is kept: a walk through its parts makes no more of them. */
  readonly #kept = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: { checkpoints: Checkpoints; session: (id: SessionId) => LiveSession | null; isOn: () => boolean }) {
    this.#checkpoints = options.checkpoints;
    this.#session = options.session;
    this.#isOn = options.isOn;
  }

  /** See PolicyDesk. */
  isPrepared({ session, client, actor, folder, ready }: AgentInputPlace): boolean {
    const key = [client, session, folder].join('\0');
    const place = this.#places.get(key);
    if (place?.isReady) return true;
    if (place) {
      if (place.waiting.length === 0) place.waiting.push(ready);
      return false;
    }
    const found = this.#session(session);
    if (!found || !this.#isOn()) return true;
    const begun: Place = { isReady: false, waiting: [ready] };
    this.#places.set(key, begun);
    if (this.#places.size > MAX_KNOWN) this.#places.delete(this.#places.keys().next().value ?? '');
    const done = () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
      begun.isReady = true;
      for (const waiting of begun.waiting.splice(0)) waiting();
    };
    const timer = setTimeout(done, WAIT_MS);
    this.#timers.add(timer);
    void this.#keep(found, { client, actor, folder }, () => begun.isReady).finally(done);
    return false;
  }

  dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  async #keep(session: LiveSession, { client, actor, folder }: { client: ClientId; actor: Actor; folder: string }, isLate: () => boolean) {
    try {
      const root = await this.#checkpoints.folderOf(folder).catch(() => null); // too wide, or gone: nothing to keep
      const key = `${client}\0${root}`;
      if (root === null || this.#kept.has(key)) return;
      this.#kept.add(key);
      if (this.#kept.size > MAX_KNOWN) this.#kept.clear();
      await this.#checkpoints.create(session, { actor, reason: 'agent', message: null, isLate });
    } catch (error) {
      this.#checkpoints.failed(session, actor, error);
    }
  }
}
