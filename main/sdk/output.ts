/** Pieces of a session's stored output: clean text or raw bytes, bounded, with gaps named and the next offset exact. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import { PlainText } from '#session/plain-text.ts';
import { visibleText } from '#session/visible-text.ts';

/** One request of the protocol, bytes. */
const PAGE_BYTES = 256 * 1024;
/** Longest line that is not cut between two pieces, bytes. */
const MAX_LINE_BYTES = 16 * 1024;
const NEWLINE = 0x0a;

export type OutputPiece = {
  from: Offset;
  /** Where to go on. */
  next: Offset;
  /** Where the output ended then. */
  end: Offset;
  /** Asked for, and not held any more, or damaged. */
  gap: { from: Offset; to: Offset } | null;
  bytes: Uint8Array;
};

/**
 * At most `max` bytes from `from`. What is not held at `from` is skipped and named in `gap`; a piece ends before what is not held
 * behind it. With `to` it is all up to there that was asked for, and what is not held in its midst is thrown.
 */
export async function readOutput(
  client: CmdopClient,
  session: SessionId,
  range: { from: Offset; to?: Offset | undefined; max: number },
): Promise<OutputPiece> {
  const parts: Uint8Array[] = [];
  let at = range.from;
  let gap: OutputPiece['gap'] = null;
  let end = at;
  for (let left = range.max; left > 0; ) {
    const max = Math.min(left, PAGE_BYTES, range.to === undefined ? left : range.to - at);
    if (max <= 0) break;
    try {
      const page = await client.request('output.read', { session, from: at, max });
      end = page.end;
      const bytes = Buffer.from(page.bytes, 'base64');
      if (bytes.length === 0) break;
      parts.push(bytes);
      at = page.to;
      left -= bytes.length;
    } catch (error) {
      if (!(error instanceof CmdopError) || error.code !== 'output-pruned') throw error;
      if (parts.length > 0 && range.to === undefined) break;
      const behind = error.data?.next ?? error.data?.start;
      // A second one means that it goes faster than it can be read, or that an older host does not say where what is damaged ends.
      if (gap || parts.length > 0 || typeof behind !== 'number' || behind <= at) throw error;
      gap = { from: at, to: behind as Offset };
      at = gap.to;
    }
  }
  const from = gap ? gap.to : range.from;
  return { from, next: at, end, gap, bytes: Buffer.concat(parts) };
}

/** The text of a piece; what may be cut in the middle of a line is left for the next piece. */
export function pieceText(piece: OutputPiece): { text: string; next: Offset } {
  let { bytes, next } = piece;
  if (next < piece.end) {
    const lineEnd = bytes.lastIndexOf(NEWLINE) + 1;
    if (lineEnd > 0 && bytes.length - lineEnd <= MAX_LINE_BYTES) {
      next = (next - (bytes.length - lineEnd)) as Offset;
      bytes = bytes.subarray(0, lineEnd);
    }
  }
  return { text: visibleText(new PlainText().push(bytes, true)), next };
}
