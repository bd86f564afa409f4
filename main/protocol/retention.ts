/** Requests about what is kept, and for how long: limits, pins, and the removal of what is beyond them. */
import { z } from 'zod';
import { integer, sessionId, sessionRef, sessionSummary, time } from './shapes.ts';

/** Least output that a session may be limited to, bytes: two of the files it is kept in. */
export const MIN_SESSION_BYTES = 4 * 1024 * 1024;

export const retentionLimits = z.object({
  /** Of one session's output on disk, compressed, bytes: beyond it the oldest goes, also while it runs. */
  sessionBytes: z.number().int().min(MIN_SESSION_BYTES).max(Number.MAX_SAFE_INTEGER),
  /** Of all sessions together on disk, bytes: beyond it the sessions that ended first are removed. Null: no limit. */
  totalBytes: integer.nullable(),
  /** Since a session ended, milliseconds: after it the session is removed with its history. Null: no limit. */
  maxAgeMs: integer.nullable(),
});
export type RetentionLimits = z.infer<typeof retentionLimits>;

/** What one session takes. `removed`: taken off the list before; only its history is kept. */
export const keptSession = z.object({
  session: sessionId,
  name: z.string(),
  state: z.enum(['running', 'ended', 'removed']),
  isPinned: z.boolean(),
  /** On disk, without its part of the journal. */
  bytes: integer,
  commands: integer,
  createdAt: time,
  endedAt: time.nullable(),
});
export type KeptSession = z.infer<typeof keptSession>;

/** What goes: a whole session with its history, or, for `session-budget`, the oldest of its output. */
export const prunedSession = z.object({
  session: sessionId,
  name: z.string(),
  reason: z.enum(['age', 'total', 'session-budget']),
  /** Of its files. */
  bytes: integer,
  commands: integer,
});
export type PrunedSession = z.infer<typeof prunedSession>;

export const RETENTION_METHODS = {
  'retention.get': {
    params: z.object({}),
    result: z.object({
      limits: retentionLimits,
      sessions: z.array(keptSession),
      /** Of all sessions, and of the journal, which holds the history of all. */
      sessionsBytes: integer,
      journalBytes: integer,
      /** Of folders, as they were: they have a limit of their own. */
      checkpointsBytes: integer.optional(),
      /** When the limits were last applied; null: never. */
      prunedAt: time.nullable(),
    }),
  },
  /** What is not given stays as it is. Takes effect with the next prune, and for the output of sessions at once. */
  'retention.set': { params: z.object({ limits: retentionLimits.partial() }), result: z.object({ limits: retentionLimits }) },
  /** A pinned session is never removed, whatever its age and size. */
  'retention.pin': { params: z.object({ session: sessionRef, isPinned: z.boolean() }), result: z.object({ session: sessionSummary }) },
  /** Applies the limits now. `isDryRun`: only says what would go. */
  'retention.prune': {
    params: z.object({ isDryRun: z.boolean().default(false) }),
    result: z.object({
      pruned: z.array(prunedSession),
      /** Files of sessions, and what journal and checkpoints became smaller by; of a dry run, the files alone. */
      freedBytes: integer,
      /** What stays on disk, with journal and checkpoints. */
      keptBytes: integer,
    }),
  },
} as const;
