/** A session's output as it comes: every byte once, by its offset, whatever happens to the connection. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Offset } from '#protocol/ids.ts';
import { PlainText } from '#session/plain-text.ts';
import type { AttachedSession } from './attached-session.ts';
import type { OutputChunk, Signal } from './client.d.ts';
import { type OutputPiece, readOutput } from './output.ts';
import { abortable, waitUntil } from './wait.ts';

/** Read at once, bytes. */
const PAGE_BYTES = 256 * 1024;
/** Without any event we look again after so long, milliseconds: the end may have come while the connection was away. */
const AGAIN_MS = 2_000;
const NEVER = 2 ** 31 - 1;

export async function* outputFrom(
  from: Offset,
  { client, attached, signal }: { client: CmdopClient; attached: AttachedSession; signal: Signal | undefined },
): AsyncGenerator<OutputChunk, undefined, undefined> {
  const plain = new PlainText();
  const over = new AbortController();
  signal?.addEventListener('abort', () => over.abort());
  let at = from;
  for (;;) {
    const hasEnded = attached.end !== null;
    const piece = await abortable(pieceAt(at, client, attached), signal);
    if (piece.bytes.length > 0) {
      at = piece.next;
      yield { from: piece.from, to: at, bytes: piece.bytes, text: plain.push(piece.bytes), gap: piece.gap };
      continue;
    }
    if (hasEnded) return;
    const mayGoOn = async () => (attached.stream.offset > at || attached.end ? true : null);
    const listen = (wake: () => void) => attached.listen(wake);
    await waitUntil({ look: mayGoOn, listen, againInMs: () => AGAIN_MS, timeoutMs: NEVER, signal: over.signal });
    if (signal?.aborted) throw signal.reason;
  }
}

/** Tries again after a broken connection, which comes back by itself. */
async function pieceAt(from: Offset, client: CmdopClient, { id }: AttachedSession): Promise<OutputPiece> {
  for (;;) {
    try {
      return await readOutput(client, id, { from, max: PAGE_BYTES });
    } catch (error) {
      const isBroken = error instanceof CmdopError && error.code === 'disconnected' && client.state.is !== 'closed';
      if (!isBroken) throw error;
    }
  }
}
