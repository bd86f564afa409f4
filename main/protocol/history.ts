/** Requests about what has happened: output, command records, and the journal. */
import { z } from 'zod';
import { actor, commandRecord, integer, journalEvent, offset, sessionRef, time, verifyReport } from './shapes.ts';

const none = z.object({});

const historyFilter = z.object({
  session: sessionRef.optional(),
  /** Actor id or name. */
  actor: z.string().max(256).optional(),
  failed: z.boolean().optional(),
  /** Part of the command line, ignoring case. */
  text: z.string().max(1024).optional(),
  since: time.optional(),
});
const historyPage = historyFilter.extend({
  /** Only records with a smaller id: pages backwards. */
  before: integer.optional(),
  /** Instead: those from this place on, where the oldest that fits has place 0. */
  at: integer.optional(),
  limit: z.number().int().min(1).max(500).default(200),
});
export type HistoryFilter = z.input<typeof historyPage>;

export const HISTORY_METHODS = {
  /**
   * Raw output from `from`, at most `max` bytes; `bytes` is base64. Throws `output-pruned` where it is no longer held, or damaged,
   * with the offsets `start`, `end`, and `next`, where reading goes on; older hosts tell no `next`.
   */
  'output.read': {
    params: z.object({
      session: sessionRef,
      from: offset,
      max: z
        .number()
        .int()
        .min(1)
        .max(512 * 1024)
        .default(256 * 1024),
    }),
    result: z.object({ from: offset, to: offset, end: offset, bytes: z.string() }),
  },
  /** Oldest first; of more than `limit`, or than one frame holds, the newest. `more`: there may be older ones; hosts that do not say may have more behind a full page. */
  'history.list': { params: historyPage, result: z.object({ commands: z.array(commandRecord), more: z.boolean().optional() }) },
  /**
   * How many records fit, and places among them: of the one with `id`, null where it does not fit, and, in one session, of those
   * that began first at or after each of `times`.
   */
  'history.count': {
    params: historyFilter.extend({ id: integer.optional(), times: z.array(time).max(2_000).default([]) }),
    result: z.object({ total: integer, place: integer.nullable(), places: z.array(integer) }),
  },
  /** Who made this: the command that printed what is at an offset, on a line of the screen (0: its top), or last said `text`. */
  'history.at': {
    params: z.object({
      session: sessionRef,
      at: z.union([
        z.object({ offset }),
        z.object({ line: z.number().int().min(-100_000).max(2000) }),
        z.object({ text: z.string().min(1).max(1024) }),
      ]),
    }),
    result: z.object({
      offset,
      /** Null where no recorded command printed it: a prompt, or the session's own program. */
      command: commandRecord.nullable(),
      /** How the submitter had proved to the host who they are, as a phrase; null where nobody attached submitted it. */
      authentication: z.string().nullable(),
      /** Its place in the journal; null where that part is damaged. */
      journalSeq: integer.nullable(),
      /** Who decided that it may run; null where nobody was asked, absent in older hosts. */
      approval: z.object({ id: integer, decidedBy: actor.nullable(), at: time, edited: z.string().nullable() }).nullable().optional(),
    }),
  },
  'journal.list': {
    params: z.object({
      session: sessionRef.optional(),
      actor: z.string().max(256).optional(),
      kinds: z.array(z.string()).optional(),
      since: time.optional(),
      after: integer.optional(),
      /** Only records with a smaller seq: without `after`, pages backwards. */
      before: integer.optional(),
      limit: z.number().int().min(1).max(500).default(200),
    }),
    result: z.object({ events: z.array(journalEvent) }),
  },
  /**
   * From now on this connection gets a `journal.event` for every record that fits; those up to `seq` are in
   * `journal.list`. Another call replaces the first.
   */
  'journal.watch': {
    params: z.object({
      session: sessionRef.optional(),
      actor: z.string().max(256).optional(),
      kinds: z.array(z.string().max(64)).max(64).optional(),
      since: time.optional(),
    }),
    result: z.object({ seq: integer }),
  },
  'journal.verify': { params: none, result: verifyReport },
} as const;
