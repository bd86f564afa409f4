/**
 * Who made what is in a session's output: from an offset, a line of the screen or a text to the command that printed it.
 * A prompt with a command typed at it belongs to that command.
 */
import { CmdopError } from '#protocol/errors.ts';
import type { Offset } from '#protocol/ids.ts';
import type { Params, Result } from '#protocol/messages.ts';
import { type Authentication, authentication as guestProof, type JournalEvent, type Origin, origin } from '#protocol/shapes.ts';
import { lastShownAt } from '#session/plain-text.ts';
import { DrawnAgain } from '../screen/drawn-again.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { SessionOutput } from '../sessions/session-output.ts';
import type { StoredCommand } from './command-records.ts';
import type { Records } from './records.ts';

/** Output searched for a text, from its end, bytes; and a piece of it. */
const MAX_SEARCHED_BYTES = 16 * 1024 * 1024;
const PIECE_BYTES = 256 * 1024;
/** A text across two pieces is found if it is not longer than this, bytes with its colours. */
const OVERLAP_BYTES = 8 * 1024;
/** Longest command line with its prompt that is looked at, bytes. */
const MAX_PROMPT_BYTES = 64 * 1024;
/** Commands whose places on the screen are found again, the newest. */
const MAX_COMMANDS = 500;

export type Blamed = { offset: Offset; command: StoredCommand | null };
type Place = Params<'history.at'>['at'];

/** Throws `output-pruned` or `not-found` with what to do. */
export async function blame(session: LiveSession, at: Place, records: Records): Promise<Blamed> {
  if ('offset' in at) return atOffset(session, at.offset, records);
  return 'line' in at ? atLine(session, at.line, records) : atText(session, at.text, records);
}

/** Where the journal has this command's start, and how its submitter had come to the host. */
export function provenance(command: StoredCommand, records: Records): Omit<Result<'history.at'>, 'offset' | 'command'> {
  const { session } = command;
  const begun = records.events({ session, kinds: ['command'], since: command.startedAt - CLOCK_SLACK_MS, after: 0, limit: 200 });
  const own = begun.find(({ payload }) => payload.command === command.id && payload.is === 'started');
  const unit = command.unit;
  const attached =
    unit && records.events({ session, kinds: ['attach'], limit: 500 }).findLast(({ payload }) => payload.client === unit.client);
  return {
    journalSeq: own?.seq ?? null,
    authentication: attached ? authentication(attached) : null,
    approval: approvalOf(command, records),
  };
}

/** The decision after which this very line ran: it is typed as soon as it is approved. */
function approvalOf({ session, submitter, text, startedAt }: StoredCommand, records: Records): Result<'history.at'>['approval'] {
  const events = records.events({ session, kinds: ['approval'], limit: 500 });
  const asked = new Map(events.filter(({ payload }) => payload.is === 'asked').map((event) => [event.payload.id, event]));
  const decided = events.findLast(({ at, payload }) => {
    const question = asked.get(payload.id);
    const isThen = at >= startedAt - APPROVED_BEFORE_MS && at <= startedAt + CLOCK_SLACK_MS;
    return (
      isThen &&
      payload.is === 'approved' &&
      question?.actor === submitter &&
      String(payload.edited ?? question.payload.text).trim() === text.trim()
    );
  });
  if (!decided) return null;
  const { id, edited } = decided.payload;
  const decidedBy = decided.actor === null ? null : records.actor(decided.actor);
  return { id: Number(id), decidedBy, at: decided.at, edited: typeof edited === 'string' ? edited : null };
}

/** From a decision to the start of what it let run, longest. */
const APPROVED_BEFORE_MS = 10_000;
/** The journal's clock is read a moment after the record's. */
const CLOCK_SLACK_MS = 1_000;

const AUTHENTICATION: Readonly<Record<string, string>> = {
  'unix socket': 'opened the socket that only this account can open',
  websocket: 'had the cookie and the key that a one-time link of this host gave',
};

function authentication({ payload, interface: via }: JournalEvent): string {
  const guest = guestProof.safeParse(payload.authentication).data;
  const came = origin.safeParse(payload.origin).data;
  // What carried a guest with a key of cmdop's is what their client told: only the key is proven.
  if (guest) return `${proved(guest)}${came && guest.by === 'key' ? `; by their word over ${way(came)}` : ''}`;
  if (came) return `came by ${way(came)}`;
  const carrier = typeof payload.via === 'string' ? payload.via : via === 'browser' ? 'websocket' : 'unix socket';
  return AUTHENTICATION[carrier] ?? `came by ${carrier}`;
}

const proved = ({ by, key, invite }: Authentication): string => {
  const how =
    by === 'link' ? 'opened the link of a guest' : `proved ${by === 'ssh-key' ? 'to plain ssh ' : ''}the key ${key ?? 'of a guest'}`;
  return invite === undefined ? how : `${how}, invite ${invite}`;
};

const way = (came: Origin) =>
  `${came.kind === 'ssh' ? `SSH${came.from === undefined ? '' : ` from ${came.from}`}` : 'a command'}${as(came)}`;

const as = ({ user, key }: Origin) => `${user ? ` as ${user}` : ''}${key ? ` with the key ${key}` : ''}`;

async function atOffset(session: LiveSession, offset: Offset, records: Records): Promise<Blamed> {
  const { before, after } = records.commands.around(session.id, offset);
  if (before && (before.to === null || offset < before.to)) return { offset, command: before };
  if (!after) return { offset, command: null };
  const between = after.from - offset > MAX_PROMPT_BYTES ? null : await stored(session.output, offset, after.from);
  const isItsLine = between !== null && linesIn(between) <= after.text.split('\n').length;
  return { offset, command: isItsLine ? after : null };
}

/** `line` counts from the top of the screen; the output is drawn once more to see where each command's lines are. */
async function atLine(session: LiveSession, line: number, records: Records): Promise<Blamed> {
  const { output } = session;
  const drawn = await DrawnAgain.begin(session, Math.max(0, -line));
  const { screen, offset: start } = drawn;
  const end = output.end;
  const commands = records.commands.list({ session: session.id, limit: MAX_COMMANDS }).filter(({ from }) => from >= start);
  try {
    const begins: { command: StoredCommand; line: number; prompt: number }[] = [];
    let prompt = screen.cursor().line;
    for (const command of commands) {
      await drawn.drawTo(command.from);
      begins.push({ command, prompt, line: screen.cursor().line });
      if (command.to === null) break;
      await drawn.drawTo(command.to);
      prompt = screen.cursor().line;
    }
    await drawn.drawTo(end);
    const cursor = screen.cursor();
    const wanted = cursor.line - cursor.row + line;
    if (wanted > cursor.line - cursor.row + output.size.rows)
      throw new CmdopError('bad-request', `the screen has ${output.size.rows} lines`);
    const found = begins.findLast((each) => each.prompt <= wanted);
    const isAfter = found && found.command.to !== null && found === begins.at(-1) && wanted >= prompt;
    return { offset: found?.command.from ?? start, command: found && !isAfter ? found.command : null };
  } finally {
    drawn.dispose();
  }
}

async function atText(session: LiveSession, text: string, records: Records): Promise<Blamed> {
  const { output } = session;
  const lowest = Math.max(output.start, output.end - MAX_SEARCHED_BYTES);
  for (let to: number = output.end; to > lowest; ) {
    const from = Math.max(lowest, to - PIECE_BYTES) as Offset;
    const bytes = await stored(output, from, Math.min(to + OVERLAP_BYTES, output.end));
    if (!bytes) break;
    for (let at = lastShownAt(bytes, text); at >= 0; at = lastShownAt(bytes, text, at)) {
      const found = await atOffset(session, (from + at) as Offset, records);
      // The command that asks has the text in its own line.
      const isAsking = found.command !== null && found.command.endedAt === null && found.offset < found.command.from;
      if (!isAsking) return found;
    }
    to = from;
  }
  throw new CmdopError(
    'bad-request',
    `${JSON.stringify(text)} is not in the last ${Math.ceil((output.end - lowest) / 1024)} KiB of ${session.name}`,
  );
}

/** Output of a range, whole; null where it is not held. */
async function stored(output: SessionOutput, from: number, to: number): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(to - from);
  for (let at = from; at < to; ) {
    const piece = await output.readStored(at as Offset, to - at);
    if (!piece || piece.length === 0) return null;
    bytes.set(piece, at - from);
    at += piece.length;
  }
  return bytes;
}

function linesIn(bytes: Uint8Array): number {
  return bytes.reduce((lines, byte) => lines + (byte === 0x0a ? 1 : 0), 0);
}
