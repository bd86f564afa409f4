/**
 * Every method and event of the protocol, once: types are inferred from here, and both sides validate with it.
 * Fields are only added, readers ignore what they do not know, names are never reused.
 */
import { z } from 'zod';
import { APPROVAL_EVENTS, APPROVAL_METHODS } from './approvals.ts';
import { ERROR_CODES } from './errors.ts';
import {
  ACTOR_COLORS,
  actor,
  actorId,
  actorKind,
  channel,
  clientId,
  commandRecord,
  control,
  controlMode,
  epoch,
  hostStatus,
  integer,
  interfaceKind,
  journalEvent,
  offset,
  processRow,
  role,
  screenText,
  seq,
  sessionEnd,
  sessionId,
  sessionRef,
  sessionSummary,
  size,
  sizePolicy,
  terminalModes,
  time,
  verifyReport,
} from './shapes.ts';

const historyFilter = z.object({
  session: sessionRef.optional(),
  /** Actor id or name. */
  actor: z.string().max(256).optional(),
  failed: z.boolean().optional(),
  /** Part of the command line, ignoring case. */
  text: z.string().max(1024).optional(),
  since: time.optional(),
  /** Only records with a smaller id: pages backwards. */
  before: integer.optional(),
  limit: z.number().int().min(1).max(500).default(200),
});
export type HistoryFilter = z.input<typeof historyFilter>;

const none = z.object({});
/** An actor's id or name, or the id of a client: who it means, a host resolves. */
const actorRef = z.string().min(1).max(256);
/** Output of a session that somebody was not shown, offsets. */
const outputRange = z.object({ from: offset, to: offset });

/** Requests: client → host. */
export const METHODS = {
  hello: {
    params: z.object({
      protocol: z.object({ min: integer, max: integer }),
      client: z.object({
        id: clientId,
        interface: interfaceKind,
        /** What people call this actor; the host trims and bounds it. */
        name: z.string().min(1).max(64),
        kind: actorKind.default('human'),
        color: z
          .number()
          .int()
          .min(0)
          .max(ACTOR_COLORS - 1)
          .optional(),
        /** Build of the client, for diagnosis. */
        build: z.string().max(64),
        /** Of the client on the host's machine: an agent is told apart from the session that it runs in. */
        pid: integer.optional(),
        /** The session whose environment the client runs in ($CMDOP_SESSION). */
        inside: z.string().max(64).optional(),
        /** An agent may drive the session that it runs in: its owner said so. */
        ownSessionAllowed: z.boolean().optional(),
      }),
    }),
    result: z.object({
      protocol: integer,
      /** `build` as in HostStatus. */
      host: z.object({ version: z.string(), pid: integer, startedAt: time, machine: z.string(), build: z.string().nullable().optional() }),
      actor,
      features: z.array(z.string()),
    }),
  },
  ping: { params: none, result: none },
  /** From now on this connection gets `session.changed`, `session.removed`, `command.changed` and `host.warnings` of everything. */
  'host.watch': {
    params: none,
    result: z.object({ sessions: z.array(sessionSummary), warnings: z.array(z.string()), agentsPaused: z.boolean().default(false) }),
  },
  'host.status': { params: none, result: hostStatus },
  /** Ends the host, not the sessions: their keepers wait for the next host. */
  'host.stop': { params: none, result: none },
  /**
   * Another build takes this host's place. Answered when that build has loaded and waits, with its process id; then
   * `host.stopping {reason: 'upgrade'}` and the end of the connection. Whether it worked shows after the reconnect: the
   * host has that pid, or the old one goes on and `host.status` says why in `failedHandoff`.
   */
  'host.handoff': {
    params: z.object({
      /** Node and host program, absolute paths; this host's own, as they are on disk now, when absent. */
      build: z.object({ node: z.string().min(1).max(4096), hostBundle: z.string().min(1).max(4096) }).optional(),
    }),
    result: z.object({ pid: integer }),
  },
  'web.open': {
    params: z.object({ port: z.number().int().min(0).max(65535).optional() }),
    /** `url` works once and for 10 minutes. */
    result: z.object({ url: z.string() }),
  },
  'session.list': { params: none, result: z.object({ sessions: z.array(sessionSummary) }) },
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
      /** The last unit of this client that was let pass: a stream that begins anew numbers its units above it. */
      accepted: seq.optional(),
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
      signal: z.enum(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGSTOP', 'SIGCONT']).default('SIGHUP'),
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
  /** Whose window decides the size, or which size it is. For operators and owners. */
  'session.size': { params: z.object({ session: sessionRef, policy: sizePolicy }), result: z.object({ session: sessionSummary }) },
  /**
   * Detaches an actor from a session at once; it cannot attach or look again until an owner gives it a role. For human
   * owners. `clients`: how many were attached.
   */
  'session.kick': { params: z.object({ session: sessionRef, actor: actorRef }), result: z.object({ clients: integer }) },
  /** Gives an actor, by its name in every interface, a role in a session: also to one that was kicked. For human owners. */
  'role.set': { params: z.object({ session: sessionRef, actor: actorRef, role }), result: z.object({ session: sessionSummary }) },
  'control.take': {
    /** Without `force`: only if nobody holds it, or may lose it by typing (turns). */
    params: z.object({ channel, force: z.boolean().default(false) }),
    /** `missed`: what the program printed since this agent lost control. */
    result: z.object({ control, missed: outputRange.optional() }),
  },
  'control.release': { params: z.object({ channel }), result: z.object({ control }) },
  /**
   * Asks whoever has control to give it: `control.requested` reaches every human operator. `granted`: nobody stood in
   * the way, the asker has it.
   */
  'control.request': {
    params: z.object({ channel, reason: z.string().max(500).default('') }),
    result: z.object({ granted: z.boolean(), control, missed: outputRange.optional() }),
  },
  /** Gives control to someone attached. For the human who holds it, and for human owners. */
  'control.grant': { params: z.object({ session: sessionRef, to: actorRef }), result: z.object({ control }) },
  /** Of one session; without one, of sessions made from now on. For human owners. */
  'control.mode': { params: z.object({ session: sessionRef.optional(), mode: controlMode }), result: z.object({ mode: controlMode }) },
  /**
   * Stops every agent, in one session or everywhere: their control is revoked, what they typed and has no verdict yet is
   * refused, and so is everything new, until resumed; also across restarts of the host. For humans; resume for owners.
   */
  'agents.pause': { params: z.object({ session: sessionRef.optional() }), result: z.object({ agentsPaused: z.boolean() }) },
  'agents.resume': { params: z.object({ session: sessionRef.optional() }), result: z.object({ agentsPaused: z.boolean() }) },
  /**
   * Ctrl-C that overtakes what is queued: SIGINT to the foreground job where the terminal would send it (`signal`), else
   * the byte before all input that has not begun to reach the program (`byte`). Needs what typing needs.
   */
  'input.interrupt': { params: z.object({ channel }), result: z.object({ how: z.enum(['signal', 'byte']), control }) },
  /** Raw output from `from`, at most `max` bytes; `bytes` is base64. Throws `output-pruned`. */
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
  'history.list': { params: historyFilter, result: z.object({ commands: z.array(commandRecord), more: z.boolean().optional() }) },
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
  ...APPROVAL_METHODS,
} as const;

/** Events: host → client, and `output.ack` client → host. */
export const EVENTS = {
  /** Everything of this client up to `seq` reached the PTY. */
  'input.applied': z.object({ channel, seq }),
  'input.refused': z.object({
    channel,
    seq,
    reason: z.enum(['not-in-control', 'observer', 'session-ended', 'stale-epoch', 'policy', 'rejected', 'secret-prompt', 'agents-paused']),
    /** The sentence to show. */
    message: z.string(),
    controlKept: z.boolean(),
  }),
  /** `missed`: what the program printed since this agent lost control, which it has again now. */
  'control.changed': z.object({ channel, control, missed: outputRange.optional() }),
  /** Somebody asks for control; `reason` is the asker's own word. */
  'control.requested': z.object({ channel, by: actor, client: clientId, reason: z.string() }),
  'role.changed': z.object({ channel, role }),
  /** An owner has removed this client. Its units above `accepted` do not reach the program; the others get their verdicts yet. */
  'session.kicked': z.object({ channel, accepted: seq, message: z.string() }),
  /** Bytes from `from` to `to` will not come; a SNAPSHOT at `to` of `snapshotBytes` for a terminal of `size` follows. */
  'output.gap': z.object({ channel, from: offset, to: offset, size, snapshotBytes: integer }),
  /** In the stream, at exactly `offset`: the terminal has this size from there on. */
  'session.resized': z.object({ channel, offset, size }),
  'session.ended': z.object({ channel, end: sessionEnd }),
  /** To watching connections. */
  'session.changed': z.object({ session: sessionSummary }),
  'session.removed': z.object({ session: sessionId }),
  /** Someone typed just now; sent at most once a second per actor and session. `secret`: into a password prompt. */
  'actor.typing': z.object({ session: sessionId, actor: actorId, client: clientId, secret: z.boolean().optional() }),
  /** A command record began or ended. */
  'command.changed': z.object({ command: commandRecord }),
  /** To a connection that watches the journal, in its order. */
  'journal.event': z.object({ event: journalEvent }),
  /** Agents were paused or resumed everywhere; of one session, its summary tells. */
  'agents.changed': z.object({ agentsPaused: z.boolean(), by: actor }),
  'host.warnings': z.object({ warnings: z.array(z.string()) }),
  /** The host ends by itself; `upgrade`: another takes over at once. */
  'host.stopping': z.object({ reason: z.enum(['stopped', 'upgrade']) }),
  /** Client → host: everything up to `offset` was parsed. */
  'output.ack': z.object({ channel, offset }),
  ...APPROVAL_EVENTS,
} as const;

export type Method = keyof typeof METHODS;
export type Params<M extends Method> = z.output<(typeof METHODS)[M]['params']>;
/** What a caller gives: defaults may be left out. */
export type ParamsInput<M extends Method> = z.input<(typeof METHODS)[M]['params']>;
export type Result<M extends Method> = z.output<(typeof METHODS)[M]['result']>;
export type EventName = keyof typeof EVENTS;
export type EventParams<E extends EventName> = z.output<(typeof EVENTS)[E]>;

const requestId = integer;
const error = z.object({
  code: z.enum(ERROR_CODES).catch('internal'),
  message: z.string(),
  data: z.record(z.string(), z.unknown()).optional(),
});

/** The envelope of a MESSAGE frame: a request, its response, or an event. */
export const envelope = z.union([
  z.object({ id: requestId, method: z.string(), params: z.unknown() }),
  z.object({ id: requestId, error }),
  z.object({ id: requestId, result: z.unknown() }),
  z.object({ event: z.string(), params: z.unknown() }),
]);
export type Envelope = z.infer<typeof envelope>;
