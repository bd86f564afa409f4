/**
 * Which input units reached the PTY: the last accepted and the last written seq of each client, and which of those between
 * were taken back. Pure; lives in the keeper, next to the side effect, so that a crash of the host repeats and loses nothing (invariants 3 and 6).
 */
import type { ClientId, Seq } from '#protocol/ids.ts';

/**
 * Clients remembered; the one that was silent longest goes first, and in a ledger none that has units under way. Far above
 * what one session ever has at a time.
 */
const MAX_CLIENTS = 4096;

/**
 * A whole ledger as JSON, bytes: a keeper tells it in one frame, with more (main/keeper/wire.ts). It is more than MAX_CLIENTS
 * take that have names as hosts give them.
 */
export const MAX_LEDGER_BYTES = 720 * 1024;
/** JSON of a client and of a range at most, bytes: with numbers of 20 digits, without the name. Each client has one range for certain. */
const RANGE_BYTES = 66;
const ENTRY_BYTES = 88 + RANGE_BYTES;

/** Dropped ranges remembered of a client: more than a host can leave unheard when it dies. */
const MAX_DROPPED = 64;

/** Units of one client taken back at once, at most: more than a host lets it have under way. */
export const MAX_DROPPED_UNITS = 8_192;

/** Units from one seq to another that were taken back; so many bytes of the first reached the PTY. */
export type DroppedUnits = [from: Seq, to: Seq, writtenBytes: number];
export type LedgerEntry = { accepted: Seq; applied: Seq; dropped?: DroppedUnits[] | undefined };

/** `new`: must be written now. `repeat`: was accepted before. `full`: nobody can be forgotten for its client, all have units under way. */
export type Acceptance = 'new' | 'repeat' | 'full';

export class InputLedger {
  readonly #entries = new Map<ClientId, LedgerEntry>();
  /** As JSON at most. */
  #bytes = 0;

  accept(client: ClientId, seq: Seq): Acceptance {
    const entry = this.#entries.get(client);
    if (entry && seq <= entry.accepted) return 'repeat';
    if (entry) entry.accepted = seq;
    else if (!this.#makePlace() || !this.#makeRoom(entryBytes(client))) return 'full';
    else this.#bytes += entryBytes(client);
    setLatest(this.#entries, client, entry ?? { accepted: seq, applied: 0 as Seq });
    return 'new';
  }

  /** The unit was written whole. */
  applied(client: ClientId, seq: Seq): void {
    const entry = this.#entries.get(client);
    if (entry) entry.applied = seq;
  }

  /** These units will never be written whole. False where their client is forgotten. */
  dropped(client: ClientId, units: DroppedUnits): boolean {
    const entry = this.#entries.get(client);
    if (!entry) return false;
    if (entry.dropped?.length === MAX_DROPPED) this.#forgetRange(entry.dropped);
    if (entry.dropped && this.#makeRoom(RANGE_BYTES, client)) this.#bytes += RANGE_BYTES;
    else entry.dropped = []; // it has room for one
    entry.dropped.push(units);
    return true;
  }

  /** The client is gone for good: it will not send its units again. */
  forget(client: ClientId): void {
    const entry = this.#entries.get(client);
    if (!entry) return;
    this.#bytes -= entryBytes(client) + Math.max(0, (entry.dropped?.length ?? 0) - 1) * RANGE_BYTES;
    this.#entries.delete(client);
  }

  /** The one silent longest first. */
  entries(): [ClientId, LedgerEntry][] {
    return [...this.#entries];
  }

  #makePlace(): boolean {
    if (this.#entries.size < MAX_CLIENTS) return true;
    for (const [client, entry] of this.#entries) {
      if (!isSilent(entry)) continue;
      this.forget(client);
      return true;
    }
    return false;
  }

  /**
   * Room for so much more. The least is lost with what was taken back long ago, whose verdicts were heard; then with those who
   * are silent, but for `kept`.
   */
  #makeRoom(bytes: number, kept: ClientId | null = null): boolean {
    const limit = MAX_LEDGER_BYTES - bytes;
    this.#forgetRanges(limit, isSilent);
    for (const [client, entry] of this.#entries) {
      if (this.#bytes <= limit) return true;
      if (client !== kept && isSilent(entry)) this.forget(client);
    }
    this.#forgetRanges(limit, () => true);
    return this.#bytes <= limit;
  }

  /** All but the last range of those who are meant. */
  #forgetRanges(limit: number, isMeant: (entry: LedgerEntry) => boolean): void {
    for (const entry of this.#entries.values()) {
      if (this.#bytes <= limit) return;
      const { dropped = [] } = entry;
      while (isMeant(entry) && this.#bytes > limit && dropped.length > 1) this.#forgetRange(dropped);
    }
  }

  #forgetRange(dropped: DroppedUnits[]): void {
    dropped.shift();
    this.#bytes -= RANGE_BYTES;
  }
}

/** Nothing of it is under way. */
const isSilent = ({ accepted, applied, dropped }: LedgerEntry) => Math.max(applied, dropped?.at(-1)?.[1] ?? 0) >= accepted;

const encoder = new TextEncoder();
const entryBytes = (client: ClientId) => ENTRY_BYTES + encoder.encode(JSON.stringify(client)).length;

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
