/** Requests and events about guests with plain ssh, and about pointing and talking in a session that several people see. */
import { z } from 'zod';
import { actor, integer, offset, sessionId, sessionRef, time } from './shapes.ts';

const none = z.object({});

/** Longest message, characters, and most lines that are pointed at. */
export const MAX_SAID_CHARACTERS = 500;
export const MAX_POINTED_LINES = 200;
/** Lines are counted from the top of the screen, 0; above it they are negative. */
const line = z.number().int().min(-100_000).max(2000);

/** Lines that somebody points at: as they were when the output was parsed up to `offset`. */
export const pointing = z.object({
  offset,
  /** First and last, counted from the top of the screen as it was then. */
  from: line,
  to: line,
  /** What stands there, for whoever cannot find the place. */
  lines: z.array(z.string()).max(MAX_POINTED_LINES),
  text: z.string().nullable(),
  /** How long it is shown, milliseconds. */
  forMs: integer.max(600_000),
});
export type Pointing = z.infer<typeof pointing>;

/** What somebody said, or the lines that they pointed at, as the journal has it. */
export const talked = z.object({
  /** Its place in the journal. */
  seq: integer,
  at: time,
  by: actor,
  /** Null: they pointed without a word. */
  text: z.string().nullable(),
  /** Null: they only said something. Lines as in `pointing`. */
  pointed: z.object({ offset, from: line, to: line }).nullable(),
});
export type Talked = z.infer<typeof talked>;

export const GUEST_METHODS = {
  /**
   * Serves a session to plain ssh: to the keys of invites for it. Where nothing is named as it is served already, else on
   * loopback at any free port.
   * Goes on after a crash or an upgrade of the host, until stopped or the session's end. For human owners.
   */
  'share.ssh': {
    params: z.object({
      session: sessionRef,
      address: z.string().min(1).max(255).optional(),
      port: z.number().int().min(0).max(65535).optional(),
    }),
    /** `hostKey`: `SHA256:…`, what a guest's ssh shows at first; `publicKey`: for a known_hosts file. */
    result: z.object({
      session: sessionId,
      sessionName: z.string(),
      address: z.string(),
      port: integer,
      hostKey: z.string(),
      publicKey: z.string(),
    }),
  },
  /** Guests with ssh are out at once; their invites stay. For human owners. */
  'share.ssh.stop': { params: z.object({ session: sessionRef }), result: none },
  /** A message to everybody who sees the session; it never reaches the program. For people. */
  'share.say': { params: z.object({ session: sessionRef, text: z.string().min(1).max(4096) }), result: none },
  /** What was said and pointed at in a session, oldest first: the newest, or those before `before`. `more`: there are older ones. */
  'share.talk': {
    params: z.object({ session: sessionRef, before: integer.optional(), limit: z.number().int().min(1).max(200).default(50) }),
    result: z.object({ talked: z.array(talked), more: z.boolean() }),
  },
  /** Marks lines for everybody who sees the session, for some seconds; null: no longer. For people. */
  'share.point': {
    params: z.object({
      session: sessionRef,
      at: z
        .union([
          z.object({ offset, from: line, to: line }),
          /** Counted upwards from the last line that shows anything, 1. */
          z.object({ last: z.object({ from: integer, to: integer }) }),
        ])
        .nullable(),
      text: z.string().max(4096).optional(),
    }),
    result: z.object({ pointing: pointing.nullable() }),
  },
} as const;

/** Its place in the journal, where it has one; absent in older hosts. */
const journalSeq = integer.optional();

export const GUEST_EVENTS = {
  /** To everybody who is attached to the session or watches. */
  'share.said': z.object({ session: sessionId, by: actor, at: time, text: z.string(), seq: journalSeq }),
  /** The same; an actor points at one place at a time, or at none any more: null. */
  'share.pointed': z.object({ session: sessionId, by: actor, pointing: pointing.nullable(), seq: journalSeq }),
} as const;
