/**
 * Which input units reached the PTY: the last accepted and the last written seq of each client, and which of those between
 * were taken back. Pure; lives in the keeper, next to the side effect, so that a crash of the host repeats and loses nothing (invariants 3 and 6).
 */
import type { ClientId, Seq } from '#protocol/ids.ts';

/** Clients remembered; the one that was silent longest goes first. Far above what one session ever has at a time. */
const MAX_CLIENTS = 4096;

/** Dropped ranges remembered of a client: more than a host can leave unheard when it dies. */
const MAX_DROPPED = 64;

/** Units of one client taken back at once, at most: more than a host lets it have under way. */
export const MAX_DROPPED_UNITS = 8_192;

/** Units from one seq to another that were taken back; so many bytes of the first reached the PTY. */
export type DroppedUnits = [from: Seq, to: Seq, writtenBytes: number];
export type LedgerEntry = { accepted: Seq; applied: Seq; dropped?: DroppedUnits[] | undefined };

export class InputLedger {
  readonly #entries = new Map<ClientId, LedgerEntry>();

  /** True if the unit is new and must be written now; false if it is a repeat, to be dropped. */
  accept(client: ClientId, seq: Seq): boolean {
    const entry = this.#entries.get(client);
    if (entry && seq <= entry.accepted) return false;
    if (entry) entry.accepted = seq;
    setLatest(this.#entries, client, entry ?? { accepted: seq, applied: 0 as Seq });
    return true;
  }

  /** The unit was written whole. */
  applied(client: ClientId, seq: Seq): void {
    const entry = this.#entries.get(client);
    if (entry) entry.applied = seq;
  }

  /** These units will never be written whole. */
  dropped(client: ClientId, units: DroppedUnits): void {
    const entry = this.#entries.get(client);
    if (entry) entry.dropped = [...(entry.dropped ?? []), units].slice(-MAX_DROPPED);
  }

  /** The client is gone for good: it will not send its units again. */
  forget(client: ClientId): void {
    this.#entries.delete(client);
  }

  entries(): [ClientId, LedgerEntry][] {
    return [...this.#entries];
  }
}

/** Sets what a map holds of a client, which is the most recently used from now on: the last of the map. */
export function setLatest<T>(clients: Map<ClientId, T>, client: ClientId, value: T): void {
  if (clients.size > 1) clients.delete(client); // one alone is the last already, and most sessions have one who types
  clients.set(client, value);
  dropOldest(clients);
}

/** Keeps a map of clients, least recently used first, within its bound. */
export function dropOldest(clients: Map<ClientId, unknown>): void {
  if (clients.size <= MAX_CLIENTS) return;
  const [oldest] = clients.keys();
  if (oldest !== undefined) clients.delete(oldest);
}
