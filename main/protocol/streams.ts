/**
 * Byte streams beside the terminals of a connection: a forwarded port, a file. Their bytes travel in STREAM frames, both
 * ways; what else is to say about them, either side says by these events.
 *
 * A stream is opened by a request whose answer has `stream`. Each side may send WINDOW bytes more than the other has
 * told to be used, and keeps less on the way where the other tells what arrived. A stream ends with its connection and is never resumed.
 */
import { z } from 'zod';
import { integer } from './shapes.ts';

/** The number of a stream within its connection, chosen by the host. */
export const streamId = z
  .number()
  .int()
  .min(1)
  .max(2 ** 32 - 1);

/** What the answer to a request that opens a stream has, beside what else it tells. */
export const streamAnswer = z.object({ stream: streamId });

/** Client → host, and host → client. */
export const STREAM_EVENTS = {
  /** So many bytes more were used by their reader, and as many may be sent. */
  'stream.window': z.object({ stream: streamId, bytes: integer }),
  /** No more bytes come from this side; the other way goes on. */
  'stream.end': z.object({ stream: streamId }),
  /** So many bytes of STREAM frames have come over this connection in all, used or not: what is on the way shows. */
  'streams.arrived': z.object({ bytes: integer }),
  /** The stream is cut, in both directions; `message`: the sentence to show. */
  'stream.reset': z.object({ stream: streamId, message: z.string().max(1000) }),
} as const;

export type StreamEventName = keyof typeof STREAM_EVENTS;
export type StreamEvent = { [E in StreamEventName]: { event: E; params: z.output<(typeof STREAM_EVENTS)[E]> } }[StreamEventName];
