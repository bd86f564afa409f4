/** All sessions of a host, which may be more than one answer holds: put together from the parts, and from what changes meanwhile. */
import type { SessionId } from '#protocol/ids.ts';
import type { Result } from '#protocol/messages.ts';
import type { SessionPart } from '#protocol/sessions.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import type { Connection, ConnectionEvent } from './connection.ts';

export class GatheredSessions {
  readonly #sessions = new Map<SessionId, SessionSummary>();
  #next: SessionPart['next'];

  /** In the order in which they were made. */
  async list(connection: Connection): Promise<SessionSummary[]> {
    await connection.request('session.list', {}, (part) => this.#add(part));
    await this.#rest(connection, () => {});
    return this.#all();
  }

  /** From now on events come; `whole` is called once, in stream order, with what they change. */
  async watch(connection: Connection, whole: (state: Result<'host.watch'>) => void): Promise<void> {
    const told = ({ warnings, agentsPaused }: Result<'host.watch'>) => whole({ sessions: this.#all(), warnings, agentsPaused });
    const state = await connection.request('host.watch', {}, (first) => {
      this.#add(first);
      if (!this.#next) told(first);
    });
    await this.#rest(connection, () => told(state));
  }

  /** Told between two parts. */
  heard(event: ConnectionEvent): void {
    if (event.event === 'session.changed') this.#sessions.set(event.params.session.id, event.params.session);
    if (event.event === 'session.removed') this.#sessions.delete(event.params.session);
  }

  async #rest(connection: Connection, isWhole: () => void): Promise<void> {
    while (this.#next) {
      await connection.request('session.list', { from: this.#next }, (part) => {
        this.#add(part);
        if (!this.#next) isWhole();
      });
    }
  }

  #add({ sessions, next }: SessionPart): void {
    for (const session of sessions) this.#sessions.set(session.id, session);
    this.#next = next;
  }

  #all(): SessionSummary[] {
    return [...this.#sessions.values()].sort((a, b) => a.createdAt - b.createdAt);
  }
}
