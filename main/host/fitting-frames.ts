/** Messages to clients that cannot fail for their size: what is too large for a frame costs its reader that message, and nobody else. */
import { CmdopError, toWireError, type WireError } from '#protocol/errors.ts';
import { encodeMessage, MAX_FRAME_BYTES, MessageTooLarge } from '#protocol/frames.ts';

/** The answer to a request; one that does not fit becomes an error that says so. */
export function answerFrame(id: number, result: unknown): Uint8Array {
  const frame = fitting({ id, result });
  if (frame instanceof Uint8Array) return frame;
  const why = `the answer of ${frame.bytes} bytes exceeds a frame of ${MAX_FRAME_BYTES}: ask for less`;
  return errorFrame(id, toWireError(new CmdopError('internal', why)));
}

/** `error` as `toWireError` made it. */
export const errorFrame = (id: number, error: WireError): Uint8Array => encodeMessage({ id, error });

/** Null where it does not fit: it is not told, and the log says so. */
export function eventFrame(event: string, params: unknown): Uint8Array | null {
  const frame = fitting({ event, params });
  if (frame instanceof Uint8Array) return frame;
  console.error(`${event} of ${frame.bytes} bytes exceeds a frame of ${MAX_FRAME_BYTES}: clients are not told of it`);
  return null;
}

function fitting(message: unknown): Uint8Array | MessageTooLarge {
  try {
    return encodeMessage(message);
  } catch (error) {
    if (error instanceof MessageTooLarge) return error;
    throw error;
  }
}
