/** Requests about sessions: their list, their life, and how a client attaches to one. */
import { z } from 'zod';
import { signalName } from './processes.ts';
import {
  channel,
  control,
  controlMode,
  epoch,
  integer,
  offset,
  processRow,
  role,
  screenText,
  seq,
  sessionId,
  sessionRef,
  sessionSummary,
  size,
  terminalModes,
  time,
} from './shapes.ts';

const none = z.object({});

/** Where the rest of a list begins: the newest session that is not told yet. */
const sessionCursor = z.object({ createdAt: time, id: sessionId });
export type SessionCursor = z.infer<typeof sessionCursor>;

/** As many as one answer holds, in the order in which they were made: those that run, and of the others the newest. */
export const sessionPart = z.object({
  sessions: z.array(sessionSummary),
  /** There are more, from here on; absent where this is the end, and in older hosts. */
  next: sessionCursor.optional(),
});
export type SessionPart = z.infer<typeof sessionPart>;

export const SESSION_METHODS = {
  /** `from`: the `next` of the answer before. A session may come again, as it is then. */
  'session.list': { params: z.object({ from: sessionCursor.optional() }), result: sessionPart },
  'session.create': {
    params: z.object({
      name: z.string().min(1).max(64).optional(),
      cwd: z.string().max(4096).optional(),
      /** Program and arguments; the user's shell when absent. */
      command: z.array(z.string()).min(1).optional(),
      /** Added to the clean environment, for example DISPLAY or SSH_AUTH_SOCK of the client. */
      env: z.record(z.string(), z.string()).optional(),
      size: size.optional(),
      /** The host's default when absent. */
      controlMode: controlMode.optional(),
    }),
    result: z.object({ session: sessionSummary }),
  },
  'session.attach': {
    params: z.object({
      session: sessionRef,
      role: z.enum(['operator', 'observer']).default('operator'),
      /** An owner who asks to be operator is told, and shown, to be the owner; clients that do not say so, as an operator. */
      knowsOwner: z.boolean().default(false),
      /** It can reach keepers: typing may be delegated to it (`input.delegated`). */
      takesDelegation: z.boolean().default(false),
      /** Resume from here if the bytes are still held. */
      have: offset.optional(),
      /** The epoch under which this client last had control. */
      epoch: epoch.optional(),
      /** Size of the client's window, absent where it has none. */
      size: size.optional(),
      /** Lines of scrollback wanted above the screen. */
      scrollback: z.number().int().min(0).max(100_000).default(0),
      /** Output that may be on its way to this client, bytes: little for a near one whose terminal is slow, so that a key acts at once. */
      window: z
        .number()
        .int()
        .min(64 * 1024)
        .max(1024 * 1024)
        .optional(),
    }),
    result: z.object({
      channel,
      mode: z.enum(['resume', 'snapshot']),
      /** Where the stream starts; in mode `snapshot` its text follows in one or more SNAPSHOT frames. */
      offset,
      /** Length of the snapshot's text in all its frames; 0 in mode `resume`. */
      snapshotBytes: integer,
      /** Where the output ended when the answer was made. */
      end: offset,
      /** The terminal's size at `offset`; later ones come as `session.resized`. */
      size,
      role,
      /** Every unit of this client up to here reached the PTY, unless it is in `refused`. */
      applied: seq,
      /** The last unit of this client that was let pass, or is in `refused`: a stream that begins anew numbers its units above it. */
      accepted: seq.optional(),
      /** Those refused last, more than a client leaves without a verdict. */
      refused: z.array(z.object({ seq, reason: z.string() })),
      control,
      session: sessionSummary,
    }),
  },
  'session.detach': { params: z.object({ channel }), result: none },
  'session.inspect': {
    params: z.object({ session: sessionRef }),
    result: z.object({
      session: sessionSummary,
      shellPid: integer.nullable(),
      keeperPid: integer.nullable(),
      processes: z.array(processRow),
      modes: terminalModes,
      output: z.object({ start: offset, end: offset }),
      shellIntegration: z.boolean(),
    }),
  },
  'session.screen': { params: z.object({ session: sessionRef }), result: screenText },
  'session.rename': {
    params: z.object({ session: sessionRef, name: z.string().min(1).max(64) }),
    result: z.object({ session: sessionSummary }),
  },
  /** Sends a signal to the session's process group; `SIGHUP` by default, as closing a terminal does. */
  'session.kill': {
    params: z.object({
      session: sessionRef,
      signal: signalName.default('SIGHUP'),
    }),
    result: none,
  },
  /**
   * A new shell in an ended session, below its old screen and marked there: same id, output and history go on. Nothing
   * is run again. `isHome`: its last folder is gone, so the shell began in the home folder. Attach anew to be in it.
   */
  'session.restart': {
    params: z.object({ session: sessionRef, env: z.record(z.string(), z.string()).optional() }),
    result: z.object({ session: sessionSummary, isHome: z.boolean() }),
  },
  /** Takes an ended session off the list; its journal and history stay. */
  'session.remove': { params: z.object({ session: sessionRef }), result: none },
  /** The client's window changed. */
  'session.resize': { params: z.object({ channel, size }), result: none },
} as const;
