/** What a record of the journal says: given by whoever appends it, and as it lies in the chain. */
import type { ActorId, Offset, SessionId } from '#protocol/ids.ts';
import type { InterfaceKind } from '#protocol/shapes.ts';

export type JournalKind =
  | 'host'
  | 'session'
  | 'attach'
  | 'detach'
  | 'control'
  | 'role'
  | 'agents'
  | 'request'
  | 'size'
  | 'input'
  | 'delegation'
  | 'refused'
  | 'resize'
  | 'signal'
  | 'command'
  | 'approval'
  | 'policy'
  | 'forward'
  | 'gap'
  | 'retention'
  | 'checkpoint'
  | 'adopt'
  | 'rename'
  | 'file'
  | 'share'
  | 'talk';

export type JournalRecord = {
  session: SessionId | null;
  actor: ActorId | null;
  interface: InterfaceKind | null;
  kind: JournalKind;
  outputOffset: Offset | null;
  payload: Record<string, unknown>;
};

/** A record as it lies in the chain, without its hashes. */
export type JournalRow = {
  seq: number;
  session: SessionId | null;
  at: number;
  actor: ActorId | null;
  interface: InterfaceKind | null;
  kind: string;
  output_offset: number | null;
  payload: string;
};
