/**
 * Little-endian integers of the wires, in place: to make a view and a BigInt for each costs more than all else that is done
 * with a keystroke's frame. Pure; nothing is checked here.
 */

const TWO_32 = 2 ** 32;

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
}

/** Exact up to 2^53; beyond it, the nearest number there is. */
export function readUint64(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at + 4) * TWO_32 + readUint32(bytes, at);
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** `value`: a whole number up to 2^53. */
export function writeUint64(bytes: Uint8Array, at: number, value: number): void {
  writeUint32(bytes, at, value);
  writeUint32(bytes, at + 4, Math.floor(value / TWO_32));
}
