/** Connections that follow the journal: each is told the records that fit what it asked for, in the journal's order. */
import type { SessionId } from '#protocol/ids.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { SessionRoles } from '../sessions/session-roles.ts';
import type { JournalRow } from './journal.ts';
import { observedEvent } from './observed-event.ts';
import type { Records } from './records.ts';

/** `actor` is an id or a name; who first comes under this name later fits too. */
export type WatchFilter = { session?: SessionId; actor?: string; kinds?: string[]; since?: number };

export class JournalWatchers {
  readonly #records: Records;
  readonly #rolesIn: (session: SessionId) => SessionRoles | null;
  readonly #filters = new Map<ClientConnection, WatchFilter>();
  /** Told at the end of this turn: a record comes before its input reaches the program, which nobody may delay. */
  #untold: JournalRow[] = [];

  /** `rolesIn`: who was removed from a session while it listened hears no more of it, and observers not everything. */
  constructor(records: Records, rolesIn: (session: SessionId) => SessionRoles | null) {
    this.#records = records;
    this.#rolesIn = rolesIn;
  }

  /** Only records that are appended from now on are told. */
  add(connection: ClientConnection, filter: WatchFilter): void {
    this.#tell();
    this.#filters.set(connection, filter);
  }

  delete(connection: ClientConnection): void {
    this.#filters.delete(connection);
  }

  appended(row: JournalRow): void {
    if (this.#filters.size === 0) return;
    if (this.#untold.length === 0) setImmediate(() => this.#tell());
    this.#untold.push(row);
  }

  #tell(): void {
    const rows = this.#untold;
    this.#untold = [];
    for (const row of rows) {
      const event = this.#records.event(row);
      const roles = row.session === null ? null : this.#rolesIn(row.session);
      for (const [connection, filter] of [...this.#filters]) {
        const { actor } = connection.who;
        if (!this.#fits(row, filter) || roles?.isKicked(actor)) continue;
        connection.event('journal.event', { event: roles?.roleOf(actor) === 'observer' ? observedEvent(event) : event });
      }
    }
  }

  #fits({ session, actor, kind, at }: JournalRow, wanted: WatchFilter): boolean {
    if (wanted.session !== undefined && session !== wanted.session) return false;
    if (wanted.since !== undefined && at < wanted.since) return false;
    if (wanted.kinds && !wanted.kinds.includes(kind)) return false;
    return wanted.actor === undefined || (actor !== null && this.#records.actorsNamed(wanted.actor).includes(actor));
  }
}
