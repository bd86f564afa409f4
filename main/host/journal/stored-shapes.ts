/**
 * What the host reads back, of its journal and of keepers, checked before it is believed: a file can be damaged, and a
 * socket in the folder of sockets can be anyone's.
 */
import { z } from 'zod';
import type { ActorId, ClientId, Epoch, Seq, SessionId } from '#protocol/ids.ts';
import type { ControlMode, Role, SizePolicy } from '#protocol/shapes.ts';
import { authentication, controlMode, offset, role, sessionEnd, size, sizePolicy } from '#protocol/shapes.ts';
import type { TrackerMemory } from '#session/command-tracker.ts';
import type { DroppedOf, KeeperExit, KeeperHello } from '../../keeper/wire-messages.ts';

/** Who may do what in a session, as people have set it. */
export type SessionAccess = {
  controlMode: ControlMode;
  /** Here; every session of the host may be paused besides. */
  agentsPaused: boolean;
  sizePolicy: SizePolicy;
  /** Of those who have not the role that everybody has. */
  roles: { person: string; role: Role; isKicked: boolean }[];
  /** The folder in which observers may read files. */
  observerFiles?: string | null | undefined;
};

/** What the keeper remembers for the next host: the tracker's memory, and the row of the command that runs. */
export type CommandsNote = { memory: TrackerMemory; openId: number | null };

/** What a keeper remembers for the next host. */
export type SessionNote = { commands: CommandsNote; epoch: Epoch; lastHolder: ClientId | null; access?: SessionAccess | undefined };

const natural = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const sessionAccess = z.object({
  controlMode,
  agentsPaused: z.boolean(),
  sizePolicy,
  roles: z.array(z.object({ person: z.string(), role, isKicked: z.boolean() })),
  observerFiles: z.string().nullable().optional(),
});

/** A session's row; what later versions add is kept. */
export const storedSession = z.looseObject({
  id: z.string().regex(/^\w{1,64}$/) as unknown as z.ZodType<SessionId>,
  name: z.string().min(1).max(256),
  command: z.array(z.string()),
  cwd: z.string(),
  title: z.string(),
  size,
  createdAt: z.number(),
  endedAt: z.number().nullable(),
  end: sessionEnd.nullable(),
  bootId: z.string(),
  access: sessionAccess.optional(),
  isPinned: z.boolean().optional().catch(undefined),
});

export const resizePayload = size;
export const controlPayload = z.object({
  epoch: natural as unknown as z.ZodType<Epoch>,
  client: z.string().nullable() as unknown as z.ZodType<ClientId | null>,
});
export const delegationPayload = z.object({
  client: z.string() as unknown as z.ZodType<ClientId>,
  epoch: natural as unknown as z.ZodType<Epoch>,
});
export const inputPayload = z.object({
  seq: natural as unknown as z.ZodType<Seq>,
  /** The last of several that were refused. */
  to: natural.optional() as unknown as z.ZodType<Seq | undefined>,
});
export const attachPayload = z.object({ client: z.string(), authentication: authentication.optional() });
export const keptRefusal = z.object({
  client: z.string() as unknown as z.ZodType<ClientId>,
  seq: natural as unknown as z.ZodType<Seq>,
  /** The last of several. */
  to: natural.optional() as unknown as z.ZodType<Seq | undefined>,
  message: z.string(),
  controlKept: z.literal(true),
});
/** Of a record that tells what was erased. */
export const retentionPayload = z.object({ digest: z.string().optional() });
/** Of a record that tells that a whole session is removed. */
export const prunedPayload = z.object({ is: z.literal('pruned'), session: z.string() });
export const actorIds = z.array(z.string()) as unknown as z.ZodType<ActorId[]>;
export const anyPayload = z.record(z.string(), z.unknown());

const text = z.string().nullable();
/** A line of the journal's tail (journal-tail.ts). */
export const journalRow = z.tuple([natural, text, z.number(), text, text, z.string(), natural.nullable(), z.string()]);

/** Null where the text is no JSON, or not of the shape. */
export function fromJson<T>(shape: z.ZodType<T>, text: string): T | null {
  try {
    return shape.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null; // damaged
  }
}

const keeperExit = z.object({ code: z.number().int().nullable(), signal: z.string().max(64).nullable() });
const isForward = ([from, to]: [number, number, number]) => from <= to;
const droppedUnits = z.tuple([natural, natural, natural]).refine(isForward);
const ledgerEntry = z.tuple([
  z.string().max(255),
  z.object({ accepted: natural, applied: natural, dropped: z.array(droppedUnits).max(1_000).optional() }),
]);
const droppedOf = z.tuple([z.string().max(255), natural, natural, natural]).refine(([, ...units]) => isForward(units));
const keeperHello = z.looseObject({
  wire: natural,
  session: z.string(),
  keeperPid: natural,
  shellPid: natural,
  start: natural,
  end: natural,
  cols: natural,
  rows: natural,
  ledger: z.array(ledgerEntry),
  exit: keeperExit.nullable(),
  meta: z.looseObject({ nonce: z.string().nullable().optional(), stored: storedSession.optional() }),
  note: z.string(),
  features: z.array(z.string().max(64)).optional(),
});

/** Throws if no keeper of `session` can have said this. */
export function checkedHello(hello: unknown, session: string): KeeperHello {
  const { data, error } = keeperHello.safeParse(hello);
  if (!data) throw new Error(`what listens on its socket is no keeper: ${error?.issues[0]?.path.join('.')}: ${error?.issues[0]?.message}`);
  const own = data.meta.stored?.id ?? session;
  if (data.session !== session || own !== session || data.start > data.end)
    throw new Error(`what listens on its socket says that it keeps ${data.session}`);
  return data as unknown as KeeperHello;
}

/** An exit as a keeper may tell it; unknown where it tells something else. */
export function checkedExit(exit: unknown): KeeperExit {
  return keeperExit.safeParse(exit).data ?? { code: null, signal: null };
}

/** What was taken back. Throws if no keeper can have said this. */
export function checkedDropped(units: unknown): DroppedOf[] {
  return z.array(droppedOf).parse(units) as unknown as DroppedOf[];
}

const submittedLine = z.object({
  authors: z.array(z.string()),
  mayHide: z.boolean(),
  submitter: z.string(),
  unit: z.object({ client: z.string(), seq: natural }),
  offset: natural,
  isInterrupted: z.boolean(),
});
const commandsNote = z.object({
  memory: z.looseObject({
    count: natural,
    number: natural,
    cwd: z.string().nullable(),
    atPrompt: z.boolean(),
    promptAt: natural,
    open: z.looseObject({ number: natural, text: z.string(), authors: z.array(z.string()), from: natural }).nullable(),
    submitted: z.array(submittedLine).optional().catch(undefined),
  }),
  openId: natural.nullable(),
});
/** What somebody said or pointed at (guests/talk.ts). */
export const talkPayload = z.discriminatedUnion('is', [
  z.object({ is: z.literal('said'), text: z.string() }),
  z.object({ is: z.literal('pointed'), offset, from: z.number().int(), to: z.number().int(), text: z.string().optional() }),
]);

const sessionNote = z.object({
  commands: commandsNote.nullable().catch(null),
  ...controlPayload.shape,
  lastHolder: z.string().nullable(),
  access: sessionAccess.optional().catch(undefined),
});

/** What a host left with a keeper, base64; null if it is nothing, or of another version: then the journal's word counts. */
export function checkedNote(base64: string): SessionNote | null {
  const note = base64 === '' ? null : fromJson(sessionNote.omit({ client: true }), Buffer.from(base64, 'base64').toString());
  return note as SessionNote | null;
}
