/** Hashes the beginning of an open file, piece by piece. */
import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

const PIECE_BYTES = 1024 * 1024;

/** Feeds the first `length` bytes to `hash`, as far as the file has them; returns how many those were. */
export async function hashRange(handle: FileHandle, hash: Hash, length: number): Promise<number> {
  const piece = new Uint8Array(Math.min(PIECE_BYTES, length));
  let at = 0;
  while (at < length) {
    const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, length - at), at);
    if (bytesRead === 0) break;
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
  return at;
}
