/** Files as they stand in a pack: type, size, and content compressed. Pure. */
import { constants, crc32, deflateSync } from 'node:zlib';

const BLOB = 3;

/** Files one after the other, and how long each is. */
export type Batch = { readonly bytes: Uint8Array; readonly lengths: readonly number[] };
/** The same packed, with the checksum of each. */
export type PackedBatch = Batch & { readonly crcs: readonly number[] };

export function packBatch({ bytes, lengths }: Batch): PackedBatch {
  const packed: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    const content = bytes.subarray(at, at + length);
    at += length;
    packed.push(Buffer.concat([header(length), deflateSync(content, { level: constants.Z_BEST_SPEED, chunkSize: chunkFor(length) })]));
  }
  return { bytes: Buffer.concat(packed), lengths: packed.map((each) => each.length), crcs: packed.map((each) => crc32(each)) };
}

/** One piece of memory for all that a small file becomes. */
const chunkFor = (length: number): number => Math.min(Math.max(1024, length), 1024 * 1024);

function header(size: number): Buffer {
  const bytes = [(BLOB << 4) | (size & 0x0f)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    bytes.push(rest & 0x7f);
  }
  return Buffer.from(bytes);
}
