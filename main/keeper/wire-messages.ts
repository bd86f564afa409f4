/** What a host and a keeper say to each other; how it is written stands in wire.ts. */
import type { Channel, ClientId, Epoch, Offset, Seq } from '#protocol/ids.ts';
import type { DroppedUnits, LedgerEntry } from '#session/input-ledger.ts';

/** A host may leave this much with a keeper, bytes. */
export const MAX_NOTE_BYTES = 64 * 1024;
/** The session's name and `meta`, as JSON, bytes. With the ledger at its largest and the note they fit a frame (wire.ts). */
export const MAX_META_BYTES = 192 * 1024;

export type KeeperExit = { code: number | null; signal: string | null };

export type KeeperHello = {
  wire: number;
  session: string;
  keeperPid: number;
  shellPid: number;
  /** Offsets of the output held. */
  start: number;
  end: number;
  cols: number;
  rows: number;
  ledger: [ClientId, LedgerEntry][];
  exit: KeeperExit | null;
  /** What the host that started the session wants every later host to know. */
  meta: Record<string, unknown>;
  /** The last NOTE, base64; empty if none. */
  note: string;
  /** What this keeper can beyond the first wire; absent in the first ones. */
  features?: string[] | undefined;
};

export type ToKeeper =
  | { kind: 'hello'; wire: number; from: Offset }
  | { kind: 'write'; client: ClientId | ''; seq: Seq; bytes: Uint8Array }
  | { kind: 'resize'; cols: number; rows: number }
  | { kind: 'ack'; offset: Offset }
  | { kind: 'signal'; name: string }
  | { kind: 'release' }
  | { kind: 'forget'; client: ClientId }
  | { kind: 'note'; bytes: Uint8Array }
  | { kind: 'urgent'; bytes: Uint8Array }
  | { kind: 'drop'; clients: ClientId[] | null }
  | ({ kind: 'delegate' } & Delegated)
  | { kind: 'recall' }
  /** Null: none. */
  | { kind: 'limit'; offset: Offset | null };

/** To whom typing is delegated: the client, its attachment and the epoch of its control, and what it shows the keeper. */
export type Delegated = { client: ClientId; channel: Channel; epoch: Epoch; token: Uint8Array };

export type DroppedOf = [client: ClientId, ...DroppedUnits];

export type FromKeeper =
  | { kind: 'hello'; hello: KeeperHello }
  | { kind: 'output'; offset: Offset; bytes: Uint8Array }
  | { kind: 'applied'; client: ClientId; seq: Seq }
  /** Not taken, and not remembered: too many clients have units under way. */
  | { kind: 'refused'; client: ClientId; seq: Seq }
  | { kind: 'exit'; exit: KeeperExit }
  | { kind: 'ending' }
  | { kind: 'dropped'; units: DroppedOf[] }
  | ({ kind: 'typed' } & Typed)
  | { kind: 'recalled' };

/** A unit that came straight from its client, when output ended at `offset`. */
export type Typed = { client: ClientId; seq: Seq; offset: Offset; bytes: Uint8Array };
