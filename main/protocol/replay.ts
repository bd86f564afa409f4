/** Requests of who looks at a session's past as it went by: when output came, in which sizes, and the screen at a place. */
import { z } from 'zod';
import { integer, offset, sessionId, sessionRef, size, time } from './shapes.ts';

export const REPLAY_METHODS = {
  /**
   * When output from `from` on came: each mark says that what follows its offset came then, to some 50 ms. `next` goes on
   * behind them, null at the end. `isRecorded`: false where times are known from the journal alone, and rough.
   */
  'output.timeline': {
    params: z.object({
      session: sessionRef,
      from: offset,
      /** Marks nearer than this to the one before are left out, milliseconds. */
      thinMs: integer.default(0),
      limit: z.number().int().min(1).max(20_000).default(5_000),
    }),
    result: z.object({
      /** What is held of the output. */
      start: offset,
      end: offset,
      times: z.array(z.tuple([offset, time])),
      /** Sizes of the terminal: the one at `from`, then each that came before `next`. */
      sizes: z.array(z.object({ offset, size })),
      next: offset.nullable(),
      isRecorded: z.boolean(),
    }),
  },
  /**
   * The screen that the output before `offset` made: `text` for a reset terminal of `size`, and where exactly it stands, at
   * or just before `offset`, inside no sequence. `isExact`: false where what the screen began with is no longer held. There
   * are as many lines above it as are wanted, held and fit an answer; `isPlain`: the screen alone would not, so it is without
   * colours, and where it is very large, without what stands on its right.
   */
  'replay.screen': {
    params: z.object({ session: sessionRef, offset, scrollback: z.number().int().min(0).max(1_000).default(0) }),
    result: z.object({ offset, size, text: z.string(), isExact: z.boolean(), isPlain: z.boolean().optional() }),
  },
  /**
   * Makes the screens that the session did not keep, from which any place is drawn soon and exactly, as far as its output is
   * held without a break. Answers when that is done; this connection hears `replay.progress` until then. `isPrepared`: false
   * where it was cancelled.
   */
  'replay.prepare': { params: z.object({ session: sessionRef }), result: z.object({ isPrepared: z.boolean() }) },
  /** This connection does not wait for it any more; without anybody who waits it ends. */
  'replay.cancel': { params: z.object({ session: sessionRef }), result: z.object({}) },
} as const;

export const REPLAY_EVENTS = {
  /** Of a preparation: bytes of output parsed, and to be parsed. */
  'replay.progress': z.object({ session: sessionId, done: integer, total: integer }),
} as const;
