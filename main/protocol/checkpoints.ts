/** Checkpoints: the files of a session's working folder as they were, what differs between them, and bringing them back. */
import { z } from 'zod';
import { actor, integer, offset, sessionId, sessionRef, time } from './shapes.ts';

/** A path below the checkpoint's folder, with `/`; one that is no UTF-8 or holds control characters is quoted as git quotes it. */
const path = z.string().min(1).max(8_192);
const id = integer;

export const checkpoint = z.object({
  /** 1, 2, 3… within the host. */
  id,
  session: sessionId,
  sessionName: z.string(),
  /** The folder it holds: the working tree that the session was in, or else its folder. */
  folder: z.string(),
  /** `asked` by somebody, before an `agent`'s first input in the folder, or before a `restore`. */
  reason: z.enum(['asked', 'agent', 'restore']),
  message: z.string().nullable(),
  /** Whose it is: who asked for it, or the agent that was about to type. */
  actor: actor.nullable(),
  at: time,
  /** Where the session's output was. */
  outputOffset: offset,
  /** How many files it holds. */
  files: integer,
  /** Against the folder's checkpoint before this one. */
  changed: z.object({ added: integer, modified: integer, deleted: integer, paths: z.array(path) }),
  /** Left out, since they are too big or cannot be read: how many, and the first of them. */
  skipped: z.object({ count: integer, paths: z.array(path) }),
  /** The agent did not wait any longer: some of its first changes may be in it. */
  isLate: z.boolean(),
});
export type Checkpoint = z.infer<typeof checkpoint>;

export const changedFile = z.object({
  path,
  is: z.enum(['added', 'modified', 'deleted', 'type-changed']),
  /** Lines; null for a binary file. */
  added: integer.nullable(),
  deleted: integer.nullable(),
});
export type ChangedFile = z.infer<typeof changedFile>;

const paths = z.array(path).max(1_000).optional();
const count = z.object({ count: integer, paths: z.array(path) });

export const CHECKPOINT_METHODS = {
  /** Keeps the files of the session's working folder as they are now. Ends with its connection. */
  'checkpoint.create': {
    params: z.object({ session: sessionRef, message: z.string().max(2_000).optional() }),
    result: z.object({ checkpoint }),
  },
  /** Of this session, and of the folder where it is now; oldest first, of more than `limit` the newest. */
  'checkpoint.list': {
    params: z.object({ session: sessionRef, before: id.optional(), limit: z.number().int().min(1).max(500).default(100) }),
    result: z.object({ checkpoints: z.array(checkpoint), folder: z.string() }),
  },
  /**
   * From checkpoint `a` (the newest of the folder) to `b` (the files as they are now). A long difference comes in pages:
   * `text` from character `from`, and `next` to go on at, with `tree` as it was answered.
   */
  'checkpoint.diff': {
    params: z.object({
      session: sessionRef,
      a: id.optional(),
      b: id.optional(),
      paths,
      /** Only the files with their numbers, no text. */
      stat: z.boolean().default(false),
      from: integer.default(0),
      tree: z
        .string()
        .regex(/^[0-9a-f]{40}$/)
        .optional(),
    }),
    result: z.object({
      a: id,
      b: id.nullable(),
      /** The first page has them, at most 2 000. */
      files: z.array(changedFile),
      totals: z.object({ files: integer, added: integer, deleted: integer }),
      text: z.string(),
      next: integer.nullable(),
      tree: z.string(),
    }),
  },
  /**
   * Brings files back, all or `paths`, after another checkpoint of what is there. Throws `unsaved`, and has changed
   * nothing, if it would overwrite what is in no checkpoint. `dryRun`: only says what would be done.
   */
  'checkpoint.restore': {
    params: z.object({
      session: sessionRef,
      id,
      paths,
      /** Files that were made since are deleted; they stay otherwise. */
      delete: z.boolean().default(false),
      dryRun: z.boolean().default(false),
    }),
    result: z.object({
      /** The state before, with which this can be undone; null of a dry run. */
      before: checkpoint.nullable(),
      written: count,
      deleted: count,
      /** Made since, and still there. */
      kept: count,
    }),
  },
} as const;

export const CHECKPOINT_EVENTS = {
  /** To watching connections: a checkpoint was made. */
  'checkpoint.made': z.object({ checkpoint }),
  /** To who asked, while it is made or restored: `done` files of `total`. */
  'checkpoint.progress': z.object({ session: sessionId, done: integer, total: integer }),
} as const;
