/**
 * The wire between a host and a keeper. FROZEN: a keeper lives as long as its shell, so every future host must speak
 * this; new kinds may be added, unknown ones are skipped, nothing here changes its meaning.
 *
 *   u32le length of what follows (1 … MAX_KEEPER_FRAME_BYTES) · u8 kind · payload
 *
 *   host → keeper                                        keeper → host
 *   1 HELLO    JSON {wire, from}                         1 HELLO    JSON KeeperHello
 *   2 WRITE    u8 n · client (n bytes) · u64 seq · bytes 2 OUTPUT   u64 offset · bytes
 *   3 RESIZE   u16 cols · u16 rows                       3 APPLIED  u8 n · client · u64 seq
 *   4 ACK      u64 offset: held by the host, may go      4 EXIT     JSON {code, signal}
 *   5 SIGNAL   signal name                               6 ENDING   the program has exited, EXIT follows when its terminal
 *   6 RELEASE  the exit is recorded: quit                           is closed: the host must not hold it (feature 'ending')
 *   7 FORGET   client: it will send nothing again      7 REFUSED  u8 n · client · u64 seq: a WRITE that was not taken,
 *   8 NOTE     bytes to keep for the next host                    since more clients have units under way than can be
 *                                                                 remembered; it may be sent again
 *   9 URGENT   bytes before all input that has not begun to reach the program (feature 'urgent'); a unit of nobody
 *  10 DROP     JSON {clients: [client…] or null for all}: their units that are not in the PTY whole go no further
 *              (feature 'drop'); answered once by 5 DROPPED   JSON {units: [[client, from seq, to seq, bytes of `from`
 *              in the PTY]…]}, after the APPLIED of all that was written before; HELLO repeats it in the ledger
 *  11 DELEGATE u8 n · client · u32 channel · u32 epoch · token (16 bytes): this client types straight into the terminal,
 *              over a connection of its own, until RECALL (feature 'delegate'). What it types is told by 8 TYPED   u8 n ·
 *              client · u64 seq · u64 offset where output ended · bytes, before the output that came of it and its APPLIED;
 *              the end, whoever wanted it, once by 9 RECALLED, after the last TYPED and the output that was shown to the client
 *  12 RECALL   nothing more is taken from that client; without effect where its delegation has ended already
 *              After HELLO, a new host is told again each TYPED behind which no output was acknowledged, or the last 256 KiB of
 *              them, and then RECALLED (feature 'retell')
 *
 *  14 LIMIT    u64 offset: the program waits once it has printed up to there, whatever was acknowledged (feature 'limit');
 *              until another LIMIT, or the host is gone. The largest number: there is none
 *
 * client → keeper, first on its connection: 13 USE   token. After it both speak frames.ts: INPUT, and OUTPUT with what comes of
 * it, as far as it is little: everything comes by the host as well. Where the connection ends, what has no verdict goes by the host.
 *
 * The host speaks first; its HELLO makes every older link void. A WRITE with an empty client is not a unit of anyone
 * (an answer of the terminal) and leaves no trace in the ledger. Integers are little-endian.
 */

import { BodyCutter } from '#protocol/body-cutter.ts';
import type { ClientId, Offset, Seq } from '#protocol/ids.ts';
import { readUint32, readUint64, writeUint32, writeUint64 } from '#protocol/integers.ts';
import { nameBytes } from './client-names.ts';
import { decodeFromKeeper, decodeOutputOrApplied, decodeToKeeper, decodeWrite, isOutputOrApplied } from './wire-bodies.ts';
import { type DroppedOf, type FromKeeper, type KeeperExit, type KeeperHello, MAX_NOTE_BYTES, type ToKeeper } from './wire-messages.ts';

export const KEEPER_WIRE = 1;
export const MAX_KEEPER_FRAME_BYTES = 1024 * 1024 + 1024;

/** A keeper sends this much output beyond what was acknowledged, bytes; then its program waits. */
export const MAX_UNACKED_BYTES = 2 * 1024 * 1024;

/** Bytes by which a keeper knows the client that typing was delegated to. */
export const TOKEN_BYTES = 16;

/** Bytes of an OUTPUT frame before its payload. */
const OUTPUT_HEADER_BYTES = 13;

const encoder = new TextEncoder();

export function encodeToKeeper(message: ToKeeper): Uint8Array {
  switch (message.kind) {
    case 'hello':
      return json(1, { wire: message.wire, from: message.from });
    case 'write': {
      const frame = unitFrame(2, message, message.bytes.length);
      frame.set(message.bytes, frame.length - message.bytes.length);
      return frame;
    }
    case 'resize': {
      const frame = newFrame(3, 4);
      const view = viewOf(frame);
      view.setUint16(5, message.cols, true);
      view.setUint16(7, message.rows, true);
      return frame;
    }
    case 'ack': {
      const frame = newFrame(4, 8);
      writeUint64(frame, 5, message.offset);
      return frame;
    }
    case 'signal':
      return text(5, message.name);
    case 'release':
      return newFrame(6, 0);
    case 'forget':
      return text(7, message.client);
    case 'note': {
      if (message.bytes.length > MAX_NOTE_BYTES) throw new RangeError(`note of ${message.bytes.length} bytes exceeds ${MAX_NOTE_BYTES}`);
      return filled(8, message.bytes);
    }
    case 'urgent':
      return filled(9, message.bytes);
    case 'drop':
      return json(10, { clients: message.clients });
    case 'delegate': {
      const name = nameBytes(message.client);
      const frame = newFrame(11, 1 + name.length + 8 + TOKEN_BYTES);
      if (message.token.length !== TOKEN_BYTES) throw new RangeError(`a token of ${message.token.length} bytes is none`);
      frame[5] = name.length;
      frame.set(name, 6);
      writeUint32(frame, 6 + name.length, message.channel);
      writeUint32(frame, 10 + name.length, message.epoch);
      frame.set(message.token, 14 + name.length);
      return frame;
    }
    case 'recall':
      return newFrame(12, 0);
    case 'limit': {
      const frame = newFrame(14, 8);
      if (message.offset === null) frame.fill(0xff, 5);
      else writeUint64(frame, 5, message.offset);
      return frame;
    }
  }
}

export function encodeKeeperHello(hello: KeeperHello): Uint8Array {
  return json(1, hello);
}

/** Everything of an OUTPUT frame but its bytes. */
export function encodeOutputHeader(offset: Offset, byteLength: number): Uint8Array {
  const frame = new Uint8Array(OUTPUT_HEADER_BYTES);
  writeUint32(frame, 0, OUTPUT_HEADER_BYTES - 4 + byteLength);
  frame[4] = 2;
  writeUint64(frame, 5, offset);
  return frame;
}

export function encodeApplied(client: ClientId, seq: Seq): Uint8Array {
  return unitFrame(3, { client, seq }, 0);
}

export function encodeRefused(client: ClientId, seq: Seq): Uint8Array {
  return unitFrame(7, { client, seq }, 0);
}

export function encodeExit(exit: KeeperExit): Uint8Array {
  return json(4, exit);
}

export function encodeDropped(units: DroppedOf[]): Uint8Array {
  return json(5, { units });
}

export const encodeEnding = () => newFrame(6, 0);

/** Frames a host sent. Throws on a frame that breaks the format; unknown kinds are skipped. */
export class ToKeeperDecoder {
  readonly #bodies = new BodyCutter(MAX_KEEPER_FRAME_BYTES);

  push(chunk: Uint8Array): Iterable<ToKeeper> {
    const [unit, another] = this.#bodies.whole(chunk) ?? [];
    // A keystroke, nearly always.
    if (unit?.[0] !== 2 || another) return this.#cut(chunk);
    return [decodeWrite(unit)];
  }

  *#cut(chunk: Uint8Array): Generator<ToKeeper> {
    for (const body of this.#bodies.push(chunk)) {
      const message = decodeToKeeper(body);
      if (message) yield message;
    }
  }
}

/**
 * Frames a keeper sent. Throws on a frame that breaks the format; unknown kinds are skipped.
 * An OUTPUT frame comes in pieces, each with its own offset, as its bytes arrive: a flood is not copied to make it whole.
 */
export class FromKeeperDecoder {
  readonly #bodies = new BodyCutter(MAX_KEEPER_FRAME_BYTES);
  #outputAt = 0;
  /** Bytes that the OUTPUT frame begun still lacks. */
  #outputLeft = 0;

  push(chunk: Uint8Array): Iterable<FromKeeper> {
    const bodies = this.#outputLeft === 0 ? this.#bodies.whole(chunk) : null;
    // An echo and its verdict, nearly always.
    if (!bodies?.every(isOutputOrApplied)) return this.#cut(chunk);
    return bodies.map(decodeOutputOrApplied);
  }

  *#cut(chunk: Uint8Array): Generator<FromKeeper> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#outputLeft === 0 && !this.#beginsOutput(rest)) break;
      if (this.#outputLeft === 0) {
        this.#outputLeft = readUint32(rest, 0) + 4 - OUTPUT_HEADER_BYTES;
        this.#outputAt = readUint64(rest, 5);
        rest = rest.subarray(OUTPUT_HEADER_BYTES);
      }
      const bytes = rest.subarray(0, this.#outputLeft);
      if (bytes.length > 0) yield { kind: 'output', offset: this.#outputAt as Offset, bytes };
      this.#outputAt += bytes.length;
      this.#outputLeft -= bytes.length;
      rest = rest.subarray(bytes.length);
    }
    for (const body of this.#bodies.push(rest)) {
      const message = decodeFromKeeper(body);
      if (message) yield message;
    }
  }

  /** Whether `rest` begins a frame, the frame is an OUTPUT and its header is whole; others are cut out whole. */
  #beginsOutput(rest: Uint8Array): boolean {
    if (!this.#bodies.isEmpty || rest.length < OUTPUT_HEADER_BYTES || rest[4] !== 2) return false;
    const length = readUint32(rest, 0) + 4;
    return length >= OUTPUT_HEADER_BYTES && length <= MAX_KEEPER_FRAME_BYTES;
  }
}

function newFrame(kind: number, payloadBytes: number): Uint8Array {
  const frame = new Uint8Array(5 + payloadBytes);
  writeUint32(frame, 0, 1 + payloadBytes);
  frame[4] = kind;
  return frame;
}

/** A frame about one unit: its client and its seq, and room for `byteLength` bytes at the end. */
function unitFrame(kind: number, { client, seq }: { client: string; seq: Seq }, byteLength: number): Uint8Array {
  const name = nameBytes(client);
  const frame = newFrame(kind, 1 + name.length + 8 + byteLength);
  frame[5] = name.length;
  frame.set(name, 6);
  writeUint64(frame, 6 + name.length, seq);
  return frame;
}

function filled(kind: number, bytes: Uint8Array): Uint8Array {
  const frame = newFrame(kind, bytes.length);
  frame.set(bytes, 5);
  return frame;
}

const text = (kind: number, value: string) => filled(kind, encoder.encode(value));

const json = (kind: number, value: unknown) => text(kind, JSON.stringify(value));
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
