/** What the frames of the keeper's wire (wire.ts) say, from kind to end. Throws on what breaks the format; null for unknown kinds. */
import type { ClientId, Offset, Seq } from '#protocol/ids.ts';
import { readUint64 } from '#protocol/integers.ts';
import { nameBytes, readName } from './client-names.ts';
import { type DroppedOf, type FromKeeper, type KeeperExit, type KeeperHello, MAX_NOTE_BYTES, type ToKeeper } from './wire-messages.ts';

/** Where the bytes of an output begin. */
const OFFSET_END = 9;

const decoder = new TextDecoder();

export function decodeToKeeper(body: Uint8Array): ToKeeper | null {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  switch (view.getUint8(0)) {
    case 1: {
      const { wire, from } = JSON.parse(decoder.decode(body.subarray(1))) as { wire: number; from: Offset };
      return { kind: 'hello', wire: Number(wire), from: Number(from) as Offset };
    }
    case 2:
      return decodeWrite(body);
    case 3:
      return { kind: 'resize', cols: view.getUint16(1, true), rows: view.getUint16(3, true) };
    case 4:
      return { kind: 'ack', offset: Number(view.getBigUint64(1, true)) as Offset };
    case 5:
      return { kind: 'signal', name: decoder.decode(body.subarray(1)) };
    case 6:
      return { kind: 'release' };
    case 7:
      return { kind: 'forget', client: decoder.decode(body.subarray(1)) as ClientId };
    case 8:
      return { kind: 'note', bytes: body.slice(1, 1 + MAX_NOTE_BYTES) };
    case 9:
      return { kind: 'urgent', bytes: body.subarray(1) };
    case 10: {
      const { clients } = JSON.parse(decoder.decode(body.subarray(1))) as { clients: ClientId[] | null };
      return { kind: 'drop', clients };
    }
    case 14: {
      const offset = Number(view.getBigUint64(1, true));
      return { kind: 'limit', offset: Number.isSafeInteger(offset) ? (offset as Offset) : null };
    }
    default:
      return null;
  }
}

export function decodeFromKeeper(body: Uint8Array): FromKeeper | null {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  switch (view.getUint8(0)) {
    case 1:
      return { kind: 'hello', hello: JSON.parse(decoder.decode(body.subarray(1))) as KeeperHello };
    case 2:
    case 3:
      return decodeOutputOrApplied(body);
    case 4:
      return { kind: 'exit', exit: JSON.parse(decoder.decode(body.subarray(1))) as KeeperExit };
    case 5:
      return { kind: 'dropped', units: (JSON.parse(decoder.decode(body.subarray(1))) as { units: DroppedOf[] }).units };
    case 6:
      return { kind: 'ending' };
    case 7:
      return { kind: 'refused', ...unitOf(body) };
    case 8:
      return decodeTyped(body);
    case 9:
      return { kind: 'recalled' };
    default:
      return null;
  }
}

function decodeTyped(body: Uint8Array): FromKeeper {
  const at = unitAt(body);
  if (at + 16 > body.length) throw new RangeError(`a typed unit of ${body.length} bytes lacks its offset`);
  const offset = readUint64(body, at + 8) as Offset;
  return { kind: 'typed', client: readName(body, 2, at) as ClientId, seq: readUint64(body, at) as Seq, offset, bytes: body.slice(at + 16) };
}

/** Of a body of kind 2. */
export function decodeWrite(body: Uint8Array): ToKeeper {
  const at = unitAt(body);
  const client = readName(body, 2, at);
  nameBytes(client); // what is not UTF-8 grows: it must be sayable when its input is written, long after this
  return { kind: 'write', client, seq: readUint64(body, at) as Seq, bytes: body.subarray(at + 8) };
}

/** Whether `decodeOutputOrApplied` can read it, and it says something. */
export function isOutputOrApplied(body: Uint8Array): boolean {
  return (body[0] === 2 && body.length > OFFSET_END) || (body[0] === 3 && body.length >= 2 + (body[1] ?? 0) + 8);
}

export function decodeOutputOrApplied(body: Uint8Array): FromKeeper {
  if (body[0] === 2) {
    if (body.length < OFFSET_END) throw new RangeError(`an output of ${body.length} bytes lacks its offset`);
    return { kind: 'output', offset: readUint64(body, 1) as Offset, bytes: body.subarray(OFFSET_END) };
  }
  return { kind: 'applied', ...unitOf(body) };
}

function unitOf(body: Uint8Array): { client: ClientId; seq: Seq } {
  const at = unitAt(body);
  return { client: readName(body, 2, at) as ClientId, seq: readUint64(body, at) as Seq };
}

/** Where the seq lies in a body that begins with a client. Throws RangeError where it is cut off. */
function unitAt(body: Uint8Array): number {
  const at = 2 + (body[1] ?? 0);
  if (at + 8 > body.length) throw new RangeError(`a unit of ${body.length} bytes lacks its number`);
  return at;
}
