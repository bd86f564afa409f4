/** Files as a transfer sees them, wherever they are: on a disk, or in a page. */

export interface FileBytes {
  /** Fewer than `max` only at the end. */
  read(from: number, max: number): Promise<Uint8Array>;
}

/** `size`: null where it shows only at the end; then a cut cannot be mended. */
export interface FileSource extends FileBytes {
  readonly size: number | null;
}

export interface FileSink extends FileBytes {
  /** What is there already. */
  readonly length: number;
  write(bytes: Uint8Array): Promise<void>;
  /** Forgets what is there. Rejects where it is out already, as in a pipe. */
  restart(): Promise<void>;
}

/** SHA-256 of what it was given so far, hexadecimal; it may be given more. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  digest(): string;
}

/** Read at a time, bytes. */
export const PIECE_BYTES = 256 * 1024;

/** Of the first `length` bytes; null where there are fewer. */
export async function hashOf(bytes: FileBytes, length: number, newHash: () => RunningHash): Promise<RunningHash | null> {
  const hash = newHash();
  for (let at = 0; at < length; ) {
    const piece = await bytes.read(at, Math.min(PIECE_BYTES, length - at));
    if (piece.length === 0) return null;
    hash.update(piece);
    at += piece.length;
  }
  return hash;
}
