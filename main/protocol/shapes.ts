/**
 * The shapes that messages are made of: actors, sessions, command records, screens. Types are inferred from them.
 * Fields are only added, readers ignore what they do not know, names are never reused.
 */
import { z } from 'zod';
import type { ActorId, Channel, ClientId, Epoch, Offset, Seq, SessionId } from './ids.ts';

export const integer = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const sessionId = z.string().max(64) as unknown as z.ZodType<SessionId>;
export const actorId = z.string().max(64) as unknown as z.ZodType<ActorId>;
export const clientId = z.string().min(8).max(64) as unknown as z.ZodType<ClientId>;
export const channel = integer as unknown as z.ZodType<Channel>;
export const offset = integer as unknown as z.ZodType<Offset>;
export const seq = integer as unknown as z.ZodType<Seq>;
export const epoch = integer as unknown as z.ZodType<Epoch>;
/** Unix time, milliseconds. */
export const time = z.number();
/** A session's id, unique id prefix or name, as a person gives it. */
export const sessionRef = z.string().min(1).max(256);

/** Terminal size in cells. */
export const size = z.object({ cols: z.number().int().min(1).max(2000), rows: z.number().int().min(1).max(2000) });
export type Size = z.infer<typeof size>;

export const interfaceKind = z.enum(['desktop', 'cli', 'browser', 'ssh', 'mcp']);
export type InterfaceKind = z.infer<typeof interfaceKind>;
export const actorKind = z.enum(['human', 'agent']);
export const role = z.enum(['owner', 'operator', 'observer']);
export type Role = z.infer<typeof role>;

/** How many actor colours there are; every interface maps the index 0 … ACTOR_COLORS − 1 to its own palette. */
export const ACTOR_COLORS = 8;

export const actor = z.object({
  id: actorId,
  name: z.string(),
  kind: actorKind,
  interface: interfaceKind,
  color: z.number().int().min(0),
  /** The invite by which a guest is here; absent for those who reach the host themselves. */
  guest: z.string().max(64).optional(),
});
export type Actor = z.infer<typeof actor>;

/** Whose window decides the size of a session's terminal, or the size itself. */
export const sizePolicy = z.union([z.enum(['controller', 'largest', 'smallest']), size]);
export type SizePolicy = z.infer<typeof sizePolicy>;

/**
 * How a client came, where it was not over the host's own socket: said by the bridge at this machine, or by a client
 * that reaches the socket itself, and so no more than a word of the Unix user that the host serves.
 */
export const origin = z.object({
  kind: z.enum(['ssh', 'command']),
  /** Address that SSH was connected from. */
  from: z.string().max(256).optional(),
  /** Who was authenticated: the account, or with `sudo` the one that called it. */
  user: z.string().max(256).optional(),
  /** Fingerprint of the SSH key, `SHA256:…`, where the server tells (ExposeAuthInfo). */
  key: z.string().max(256).optional(),
  /** A guest says so itself, at the socket for guests: nothing of this machine vouches for it. */
  isClaimed: z.boolean().optional(),
});
export type Origin = z.infer<typeof origin>;

/** How a guest has proved who they are. */
export const authentication = z.object({
  by: z.enum(['socket', 'key', 'ssh-key', 'link']),
  /** Fingerprint, `SHA256:…`. */
  key: z.string().max(256).optional(),
  /** Id of the invite. */
  invite: z.string().max(64).optional(),
});
export type Authentication = z.infer<typeof authentication>;

/** An actor at a session through one client. */
export const attachment = z.object({
  client: clientId,
  actor,
  role,
  since: time,
  size: size.optional(),
  origin: origin.optional(),
  /** Of guests. */
  authentication: authentication.optional(),
});
export type Attachment = z.infer<typeof attachment>;

/**
 * `turns`: who types first holds control, another human takes it by typing after a while of quiet; `locked`: it moves
 * only by take, release and grant; `open`: every operator may type, and nobody holds it.
 */
export const controlMode = z.enum(['turns', 'locked', 'open']);
export type ControlMode = z.infer<typeof controlMode>;

/** Who may write. `epoch` fences input typed before the last change of control. */
export const control = z.object({
  mode: controlMode,
  epoch,
  holder: z.object({ actor, client: clientId }).nullable(),
});
export type Control = z.infer<typeof control>;

/** How a session ended; `machine-restarted`: its keeper was gone when the host looked for it after a boot. */
export const sessionEnd = z.object({
  reason: z.enum(['exited', 'killed', 'keeper-lost', 'machine-restarted']),
  code: z.number().int().nullable(),
  signal: z.string().nullable(),
});
export type SessionEnd = z.infer<typeof sessionEnd>;

/** What the agent in a session does, as far as the host can tell: the badge of the session. */
export const agentState = z.object({
  is: z.enum(['working', 'waiting-approval', 'waiting-input', 'done', 'failed']),
  /** Of the agent, or of the program that runs in the terminal. */
  name: z.string(),
  since: time,
  /** What it said that it needs or did, or null. */
  message: z.string().nullable(),
});
export type AgentState = z.infer<typeof agentState>;

export const sessionSummary = z.object({
  id: sessionId,
  name: z.string(),
  address: z.string(),
  state: z.enum(['running', 'ended']),
  end: sessionEnd.nullable(),
  command: z.array(z.string()),
  /** Folder of the shell, as last reported by it; the starting folder before that. */
  cwd: z.string(),
  /** Title the program set, or empty. */
  title: z.string(),
  size,
  createdAt: time,
  endedAt: time.nullable(),
  /** Command line that runs now, by the shell's own report; null at the prompt or when unknown. */
  running: z.string().nullable(),
  attached: z.array(attachment),
  control,
  /** No agent may act here until resumed: this session or the whole host is paused for agents. */
  agentsPaused: z.boolean().default(false),
  sizePolicy: sizePolicy.default('controller'),
  /** Where the output ends, offset. */
  outputEnd: offset,
  /** Null where no agent is at work; absent in older hosts. */
  agentState: agentState.nullable().optional(),
  /** Limits never remove it. */
  isPinned: z.boolean().optional(),
  /** The folder in which observers may read files; null or absent where they may not. */
  observerFiles: z.string().nullable().optional(),
  /**
   * Why its host cannot reach it now, though it goes on, as a clause: `its keeper does not answer`. Then who attaches waits,
   * and nothing else can be done with it. Absent where it can be reached.
   */
  unreachable: z.string().optional(),
  /** Others may come here: where plain ssh is served, open invites, and whether a link is among them. Absent where none may. */
  shared: z
    .object({
      /** `hostKey`: what a guest's ssh shows at first, `SHA256:…`. */
      ssh: z.object({ address: z.string(), port: integer, hostKey: z.string().optional() }).nullable(),
      invites: integer,
      link: z.boolean(),
    })
    .optional(),
});
export type SessionSummary = z.infer<typeof sessionSummary>;

/** One line submitted to the shell: the rows of the attribution history. */
export const commandRecord = z.object({
  /** Its number within the host: grows in order of start. */
  id: integer,
  session: sessionId,
  sessionName: z.string(),
  text: z.string(),
  /** Everyone whose input is in the line; empty when nobody attached typed it. */
  authors: z.array(actor),
  /** Who pressed Enter. */
  submitter: actor.nullable(),
  /** The submitting input unit. */
  unit: z.object({ client: clientId, seq }).nullable(),
  cwd: z.string(),
  startedAt: time,
  /** Null while it runs. */
  endedAt: time.nullable(),
  durationMs: z.number().nullable(),
  /** Null while it runs and where the shell does not tell. */
  exitCode: z.number().int().nullable(),
  /** Output range, offsets: from the first byte after Enter to the next prompt. */
  from: offset,
  to: offset.nullable(),
  /** `shell`: reported by shell integration; `line`: read from the screen at Enter. */
  source: z.enum(['shell', 'line']),
});
export type CommandRecord = z.infer<typeof commandRecord>;

export const journalEvent = z.object({
  seq: integer,
  session: sessionId.nullable(),
  at: time,
  actor: actorId.nullable(),
  actorName: z.string().nullable(),
  interface: interfaceKind.nullable(),
  kind: z.string(),
  outputOffset: offset.nullable(),
  payload: z.record(z.string(), z.unknown()),
});
export type JournalEvent = z.infer<typeof journalEvent>;

export const processRow = z.object({
  pid: integer,
  ppid: integer,
  command: z.string(),
  /** Share of one core since the process started, 0 … n cores. */
  cpu: z.number(),
  /** Resident set, bytes. */
  memoryBytes: integer,
  cwd: z.string().nullable(),
  startedAt: time.nullable(),
  /** CPU time it has used, milliseconds; absent where the system does not tell. */
  cpuMs: integer.optional(),
  /** When it began, in the system's own measure: with the pid, what names a process for ever. */
  birth: z.string().max(64).optional(),
});
export type ProcessRow = z.infer<typeof processRow>;

export const terminalModes = z.object({
  alternateScreen: z.boolean(),
  applicationCursorKeys: z.boolean(),
  applicationKeypad: z.boolean(),
  bracketedPaste: z.boolean(),
  cursorVisible: z.boolean(),
  focusReporting: z.boolean(),
  insert: z.boolean(),
  mouseTracking: z.enum(['none', 'x10', 'vt200', 'drag', 'any']),
  origin: z.boolean(),
  wraparound: z.boolean(),
});
export type TerminalModes = z.infer<typeof terminalModes>;

export const screenText = z.object({
  /** One string a row, without trailing blanks; in the cursor's row those before it stay. */
  lines: z.array(z.string()),
  /** Not all of it fits an answer: the longest rows are cut, and end with `…`. Absent where that is not so. */
  isCut: z.boolean().optional(),
  cursor: z.object({ row: integer, col: integer, visible: z.boolean() }),
  size,
  title: z.string(),
  modes: terminalModes,
  offset,
});
export type ScreenText = z.infer<typeof screenText>;

export const hostStatus = z.object({
  pid: integer,
  version: z.string(),
  protocol: z.object({ min: integer, max: integer }),
  startedAt: time,
  socket: z.string(),
  stateDir: z.string(),
  sessions: z.object({ running: integer, ended: integer }),
  clients: integer,
  web: z.string().nullable(),
  /** What is wrong now, each a sentence with its remedy. */
  warnings: z.array(z.string()),
  /** Content hash of the program that runs; null where it runs from sources, absent in older hosts. */
  build: z.string().nullable().optional(),
  /** The last attempt to replace this host that failed, and why; null if there was none since it started. */
  failedHandoff: z.object({ at: time, message: z.string() }).nullable().optional(),
  /** No agent may act in any session. */
  agentsPaused: z.boolean().default(false),
  /** Of sessions made without one. */
  controlMode: controlMode.default('turns'),
});
export type HostStatus = z.infer<typeof hostStatus>;

export const verifyReport = z.object({
  ok: z.boolean(),
  records: integer,
  /** The first record that does not fit its chain. */
  broken: z.object({ seq: integer, reason: z.string() }).nullable(),
  /** Records that were erased with their sessions, as the chain itself tells; absent in older hosts. */
  erased: integer.optional(),
  /** Files of sessions and of the host, below the state folder, that are not as they were written; absent in older hosts. */
  damaged: z.array(z.object({ file: z.string(), reason: z.string() })).optional(),
});
export type VerifyReport = z.infer<typeof verifyReport>;

/** With the error `kicked`: what became of the units of a client that was removed. Of the rest nothing ran. */
export const lastVerdicts = z.object({
  applied: seq.catch(0 as Seq),
  refused: z.array(z.object({ seq, reason: z.string() })).catch([]),
});
