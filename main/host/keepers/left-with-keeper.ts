/**
 * What a host leaves with a keeper for every later one, where the journal may be lost: no more than a keeper can tell. What
 * the journal has as well goes first.
 */
import { shownCommand } from '#session/shown-command.ts';
import { MAX_NOTE_BYTES } from '../../keeper/wire-messages.ts';
import type { StoredSession } from '../journal/records.ts';
import type { SessionNote } from '../journal/stored-shapes.ts';

/** Of a command, and of who may do what, as JSON, bytes: with the rest, a folder above all, it is far below MAX_META_BYTES. */
const MAX_PART_BYTES = 32 * 1024;

/** What a keeper remembers for every later host, beside what its wire says. */
export type KeeperMeta = { stored: StoredSession; nonce: string | null };

/** Said once, when the keeper starts. Of a command too long for it the beginning, as lists show it. */
export function keeperMeta({ access, ...stored }: StoredSession, nonce: string | null): KeeperMeta {
  const command = jsonBytes(stored.command) > MAX_PART_BYTES ? shownCommand(stored.command) : stored.command;
  const isTold = access && jsonBytes(access) <= MAX_PART_BYTES;
  return { stored: { ...stored, command, ...(isTold ? { access } : {}) }, nonce };
}

/** The note anew, whenever something of it is different. */
export function keeperNote(note: SessionNote): Uint8Array {
  const { access: _, ...short } = note;
  const notes = [note, short, { ...short, commands: null }].map((each) => Buffer.from(JSON.stringify(each)));
  return notes.find(({ length }) => length <= MAX_NOTE_BYTES) ?? new Uint8Array(0);
}

const jsonBytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
