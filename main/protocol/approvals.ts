/** What waits for a person's decision, and the policy by which it is decided what waits: shapes, methods, events. */
import { z } from 'zod';
import { actor, channel, integer, sessionId, sessionRef, time } from './shapes.ts';

/** Something an actor wants and a rule does not simply allow: it waits until a person has decided. */
export const approval = z.object({
  /** 1, 2, 3… within the host. */
  id: integer,
  session: sessionId,
  sessionName: z.string(),
  actor,
  /** `command`: a line at the shell's prompt; `keys`: input of the program that runs; `action`: a request; `question`: to be answered. */
  kind: z.enum(['command', 'keys', 'action', 'question']),
  /** Exactly what would be written; the words of a question or action. */
  text: z.string(),
  /** `text` with everything visible that a screen does not show as it is: control characters, bidi marks, blanks of no width. */
  shown: z.string(),
  /** Where it would run, as the shell reported it. */
  folder: z.string(),
  /** What reads `keys`: the command line that runs, as far as known. */
  program: z.string().nullable(),
  /** Why the actor wants it, in its own words. */
  reason: z.string().nullable(),
  /** What the rules noticed in it, each a few words. */
  seen: z.array(z.string()),
  /** The rule, or the default, because of which it is asked. */
  rule: z.string().nullable(),
  /** What `scope: 'rule'` would add to the policy; null where no rule can cover it. */
  offer: z.string().nullable(),
  /** How many of the last hour's were alike, with this one. */
  alike: integer,
  /** Of a question; empty where any answer fits. */
  choices: z.array(z.string()),
  askedAt: time,
  expiresAt: time,
  state: z.enum(['pending', 'approved', 'rejected', 'expired', 'withdrawn']),
  decidedBy: actor.nullable(),
  decidedAt: time.nullable(),
  /** The answer to a question, or why it was refused or withdrawn. */
  answer: z.string().nullable(),
  /** What ran instead of `text`, where the person edited it. */
  edited: z.string().nullable(),
});
export type Approval = z.infer<typeof approval>;

const none = z.object({});

export const APPROVAL_METHODS = {
  /** Why this client wants what it sends from now on; shown to whoever approves it. */
  'agent.reason': { params: z.object({ channel, reason: z.string().max(2_000) }), result: none },
  /** Asks the people at a session. Answered when one of them did; `rejected` or `timeout` otherwise. */
  'agent.ask': {
    params: z.object({
      session: sessionRef,
      question: z.string().min(1).max(8_000),
      choices: z.array(z.string().min(1).max(200)).max(20).optional(),
      timeoutMs: z.number().int().min(1_000).max(86_400_000).optional(),
    }),
    result: z.object({ answer: z.string() }),
  },
  /** Oldest first: what waits, and of what was decided the latest 200. Agents see their own. */
  'approval.list': {
    params: z.object({ session: sessionRef.optional(), state: approval.shape.state.optional() }),
    result: z.object({
      approvals: z.array(approval),
      /** Since midnight, local time of the host. */
      askedToday: integer,
      /** A rule that would have covered the last five or more, as text of the policy file. */
      offer: z.object({ rule: z.string(), covers: integer }).nullable().optional(),
    }),
  },
  /** Only for people. `session`: the same text in the same folder is not asked again while the session runs. */
  'approval.decide': {
    params: z.object({
      id: integer,
      decision: z.enum(['approve', 'reject']),
      scope: z.enum(['once', 'session', 'rule']).default('once'),
      /** Runs this instead: one line without control characters. */
      text: z
        .string()
        .max(64 * 1024)
        .optional(),
      /** Told to the actor with a rejection. */
      reason: z.string().max(2_000).optional(),
      /** To a question. */
      answer: z.string().max(8_000).optional(),
    }),
    result: z.object({ approval }),
  },
  'policy.get': {
    params: none,
    /** `text`: the policy file as it is, or the default; `problems`: why it does not count, while the last good one does. */
    result: z.object({
      file: z.string(),
      text: z.string(),
      problems: z.array(z.string()),
      presets: z.array(z.object({ name: z.string(), description: z.string(), text: z.string() })),
    }),
  },
  /** Only for people. Throws `bad-request` with line and column of the first mistake; nothing is changed then. */
  'policy.set': {
    params: z.object({
      text: z.string().max(256 * 1024),
      /** Only says what is wrong with `text`. */
      check: z.boolean().default(false),
    }),
    result: none,
  },
} as const;

export const APPROVAL_EVENTS = {
  /** To watching connections of people, and to whoever asked: an approval began to wait, or was decided. */
  'approval.changed': z.object({ approval }),
} as const;
