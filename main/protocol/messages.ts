/**
 * Every method and event of the protocol, once, by subject beside this file: types are inferred from here, and both
 * sides validate with it.
 * Fields are only added, readers ignore what they do not know, names are never reused.
 */
import { z } from 'zod';
import { APPROVAL_EVENTS, APPROVAL_METHODS } from './approvals.ts';
import { CHECKPOINT_EVENTS, CHECKPOINT_METHODS } from './checkpoints.ts';
import { CONTROL_METHODS, outputRange } from './control.ts';
import { ERROR_CODES } from './errors.ts';
import { FILES_METHODS } from './files.ts';
import { GUEST_EVENTS, GUEST_METHODS } from './guests.ts';
import { HISTORY_METHODS } from './history.ts';
import { PORT_EVENTS, PORT_METHODS } from './ports.ts';
import { PROCESS_METHODS } from './processes.ts';
import { REPLAY_EVENTS, REPLAY_METHODS } from './replay.ts';
import { RETENTION_METHODS } from './retention.ts';
import { SEARCH_EVENTS, SEARCH_METHODS } from './search.ts';
import { SESSION_METHODS, sessionPart } from './sessions.ts';
import {
  ACTOR_COLORS,
  actor,
  actorId,
  actorKind,
  channel,
  clientId,
  commandRecord,
  control,
  epoch,
  hostStatus,
  integer,
  interfaceKind,
  journalEvent,
  offset,
  role,
  seq,
  sessionEnd,
  sessionId,
  sessionRef,
  sessionSummary,
  size,
  time,
} from './shapes.ts';
import { grant, proof, SHARE_EVENTS, SHARE_METHODS } from './sharing.ts';
import { STREAM_EVENTS } from './streams.ts';

const none = z.object({});

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
      /** Where the way in is not the owner's own; after `auth.challenge`. */
      auth: proof.optional(),
    }),
    result: z.object({
      protocol: integer,
      /** `build` as in HostStatus. */
      host: z.object({ version: z.string(), pid: integer, startedAt: time, machine: z.string(), build: z.string().nullable().optional() }),
      actor,
      features: z.array(z.string()),
      /** For a guest: what it may see and do here, and nothing else exists for it. */
      guest: grant.optional(),
    }),
  },
  ping: { params: none, result: none },
  /** From now on this connection gets `session.changed`, `session.removed`, `command.changed` and `host.warnings` of everything. */
  'host.watch': {
    params: none,
    /** What does not fit, `session.list` tells from `next` on. */
    result: sessionPart.extend({ warnings: z.array(z.string()), agentsPaused: z.boolean().default(false) }),
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
  ...SESSION_METHODS,
  ...CONTROL_METHODS,
  ...HISTORY_METHODS,
  ...REPLAY_METHODS,
  ...SEARCH_METHODS,
  ...APPROVAL_METHODS,
  ...GUEST_METHODS,
  ...RETENTION_METHODS,
  ...FILES_METHODS,
  ...PORT_METHODS,
  ...PROCESS_METHODS,
  ...SHARE_METHODS,
  ...CHECKPOINT_METHODS,
} as const;

/** Events: host → client; `output.ack` client → host, and `stream.*` both ways. */
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
  /**
   * Under this epoch the client may send its units to the session's keeper, at `socket`, where it first shows `token` (hex);
   * verdicts come from the host as ever (delegation.ts).
   */
  'input.delegated': z.object({ channel, epoch, socket: z.string(), token: z.string() }),
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
  /** To who attaches to `session`, as asked: it cannot be reached now, and the answer comes once it can. */
  'attach.waiting': z.object({ session: sessionRef, message: z.string() }),
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
  ...PORT_EVENTS,
  ...GUEST_EVENTS,
  ...STREAM_EVENTS,
  ...SEARCH_EVENTS,
  ...REPLAY_EVENTS,
  ...SHARE_EVENTS,
  ...CHECKPOINT_EVENTS,
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

/** The envelope of a MESSAGE frame: an event, a request, or its response; the most frequent first, since each that does not fit costs time. */
export const envelope = z.union([
  z.object({ event: z.string(), params: z.unknown() }),
  z.object({ id: requestId, method: z.string(), params: z.unknown() }),
  z.object({ id: requestId, error }),
  z.object({ id: requestId, result: z.unknown() }),
]);
export type Envelope = z.infer<typeof envelope>;
