/** Requests and events of a search: over command lines, answered at once, and over the output of sessions, streamed. */
import { z } from 'zod';
import { commandRecord, integer, offset, sessionId, sessionRef, time } from './shapes.ts';

const none = z.object({});

/** What is looked for; RE2's syntax with `regex`, whose time grows with the text alone. */
const sought = {
  text: z.string().min(1).max(1024),
  regex: z.boolean().default(false),
  ignoreCase: z.boolean().default(false),
  session: sessionRef.optional(),
  since: time.optional(),
};

/** A line of output with what was looked for. */
export const searchHit = z.object({
  session: sessionId,
  sessionName: z.string(),
  /** Of the first match in the output. */
  offset,
  /** The line as text, cut around the first match where it is long. */
  text: z.string(),
  /** Matches in `text`: from and to, characters. */
  ranges: z.array(z.tuple([integer, integer])),
  /** When it was printed, to some 50 ms; null where that is not known. */
  at: time.nullable(),
  /** What printed it; null where no recorded command did. */
  command: commandRecord.pick({ id: true, text: true, authors: true, submitter: true, startedAt: true, exitCode: true }).nullable(),
});
export type SearchHit = z.infer<typeof searchHit>;

/** Number of a search, chosen by the host. */
const search = integer;

export const SEARCH_METHODS = {
  /** Command lines of every session, ended and removed ones too; newest first. `more`: older ones may fit. */
  'search.commands': {
    params: z.object({ ...sought, before: integer.optional(), limit: z.number().int().min(1).max(500).default(200) }),
    result: z.object({ commands: z.array(commandRecord), more: z.boolean() }),
  },
  /** The output of every session that is held, newest first: hits come as `search.found` until `search.ended`. */
  'search.output': {
    params: z.object({ ...sought, limit: z.number().int().min(1).max(10_000).default(500) }),
    result: z.object({ search }),
  },
  /** No more hits come; a search that has ended is no error. */
  'search.cancel': { params: z.object({ search }), result: none },
} as const;

export const SEARCH_EVENTS = {
  'search.found': z.object({ search, hits: z.array(searchHit) }),
  /** Output looked through, of what there is, bytes. */
  'search.progress': z.object({ search, readBytes: integer, totalBytes: integer }),
  /** The last of it. `limit`: there may be more; `failed`: `message` says why. */
  'search.ended': z.object({ search, reason: z.enum(['complete', 'limit', 'cancelled', 'failed']), message: z.string().nullable() }),
} as const;
