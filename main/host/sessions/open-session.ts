/** Puts a session together: fresh from its keeper, adopted after a crash, or ended and only on disk. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalPaths } from '#local/paths.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import type { SessionEnd, SessionSummary } from '#protocol/shapes.ts';
import type { PolicyDesk } from '../agents/input-judge.ts';
import type { HostSettings } from '../host-settings.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records, StoredSession } from '../journal/records.ts';
import { checkedNote, resizePayload } from '../journal/stored-shapes.ts';
import { KeeperLink, KeeperSilent } from '../keepers/keeper-link.ts';
import type { KeeperMeta } from '../keepers/left-with-keeper.ts';
import { isGone, isListening, removeSocket } from '../keepers/living-keeper.ts';
import { OutputLog } from '../output/output-log.ts';
import { SizeHistory } from '../output/size-history.ts';
import { ScreenCheckpoints } from '../screen/screen-checkpoints.ts';
import type { Screens } from '../screen/screens.ts';
import type { Unreachable } from './awaited-session.ts';
import { isThisBoot } from './boot.ts';
import { LiveSession, type LiveSessionEvents } from './live-session.ts';
import { type CommandEvents, SessionCommands } from './session-commands.ts';
import { SessionOutput } from './session-output.ts';
import { TtyState } from './tty-state.ts';

/** What every session of a host stands on. */
export type SessionSurroundings = {
  paths: LocalPaths;
  journal: Journal;
  records: Records;
  screens: Screens;
  desk: PolicyDesk;
  clock: { now(): number; wallNow(): number };
  settings: HostSettings;
  /** Who else may come to a session. */
  shared(id: SessionId): SessionSummary['shared'];
  events: LiveSessionEvents & CommandEvents & OutputEvents;
};

type OutputEvents = {
  problem(session: SessionId, sentence: string | null): void;
  /** A part of it is complete on disk. */
  outputSealed(session: SessionId): void;
};

export type OpenOptions = SessionSurroundings & {
  /** A bare id is a session that only its keeper knows. */
  known: StoredSession | SessionId;
  /** Of a session that was just started; null for one that is found again. */
  freshNonce: string | null;
  /** Its keeper has said nothing for so many milliseconds; it is waited for. */
  silentAfterMs: number;
  silent(outputEnd: Offset): void;
  /** Nobody waits for it any more. */
  givenUp: AbortSignal;
};

/** It goes on, as far as anybody can tell, and this host cannot reach it now. */
export class SessionUnreachable extends Error {
  readonly why: Unreachable;

  private constructor(why: Unreachable, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.why = why;
  }

  static silent(outputEnd: Offset, cause: unknown): SessionUnreachable {
    return new SessionUnreachable({ is: 'silent', outputEnd }, cause);
  }

  static closed(cause: unknown): SessionUnreachable {
    return new SessionUnreachable({ is: 'closed', reason: cause instanceof Error ? cause.message : String(cause) }, cause);
  }
}

/** Where a session's output is kept. */
export const sessionFolder = (paths: LocalPaths, id: SessionId) => join(paths.stateDir, 'sessions', id);

/** What has been taken hold of, for as long as the session is being opened. */
type Begun = { log?: OutputLog; keeper?: KeeperLink | null; tty?: TtyState | null; output?: SessionOutput };

/** Rejects if neither the journal nor a keeper knows the session; with SessionUnreachable where it goes on all the same. */
export async function openSession(options: OpenOptions): Promise<LiveSession> {
  const begun: Begun = {};
  try {
    return await open(options, begun);
  } catch (error) {
    // Its keeper must not go on for a host that does not serve it.
    begun.keeper?.close();
    begun.tty?.release();
    begun.output?.screen.close();
    await (begun.output ?? begun.log)?.dispose().catch(() => {}); // what is wrong is told already
    if (error instanceof SessionUnreachable) throw error;
    const goesOn = begun.keeper || (mayRun(options) && (await isListening(options.paths.keeperSocket(idOf(options.known)))));
    throw goesOn ? SessionUnreachable.closed(error) : error;
  }
}

const idOf = (known: OpenOptions['known']): SessionId => (typeof known === 'string' ? known : known.id);

/** Whatever is on record, a keeper that lives is the session: a host that failed may have taken it for lost. */
const mayRun = ({ known, paths }: OpenOptions) =>
  typeof known === 'string' || known.end === null || hasSocket(paths.keeperSocket(known.id));

async function open(options: OpenOptions, begun: Begun): Promise<LiveSession> {
  const { known, freshNonce, records, journal, screens, clock, events, paths } = options;
  const id = idOf(known);
  const folder = sessionFolder(paths, id);
  let session: LiveSession | null = null;
  const checkpoints = await ScreenCheckpoints.open(folder);
  const log = await OutputLog.open({
    folder,
    budgetBytes: () => options.settings.retention.sessionBytes - checkpoints.fileBytes,
    wallNow: clock.wallNow,
    stored: (offset) => session?.output.storedUpTo(offset),
    problem: (sentence) => events.problem(id, sentence),
    sealed: () => events.outputSealed(id),
  });
  begun.log = log;
  const keeper = mayRun(options) ? await connectKeeper(id, log.end, { ...options, session: () => session }) : null;
  begun.keeper = keeper;
  const meta = keeper?.hello.meta as KeeperMeta | undefined;
  const stored = typeof known === 'string' ? meta?.stored : known;
  if (!stored) throw new Error(keeper ? 'its keeper does not say what it is' : 'neither the journal nor a keeper knows it');
  if (keeper && stored.end) {
    stored.end = null; // if it has ended indeed, its keeper says so once more
    stored.endedAt = null;
    records.saveSession(stored);
  }
  if (!keeper && !stored.end) markLost(stored, options, log.end);
  // A file that grew by damage: the keeper knows where the output ends.
  if (keeper && keeper.hello.end < log.end) await log.cut(keeper.hello.end as Offset);
  const resizes = records.resizes(id, 0 as Offset);
  if (resizes.length === 0) resizes.push({ offset: 0 as Offset, size: stored.size });
  const sizes = new SizeHistory(resizes);
  if (keeper) matchSize(sizes, keeper, { stored, journal, at: log.end });
  const output = new SessionOutput({
    session: id,
    screens,
    log,
    checkpoints,
    sizes,
    now: clock.now,
    gapped: (range) => journal.append({ session: id, actor: null, interface: null, kind: 'gap', outputOffset: range.to, payload: range }),
  });
  const note = keeper ? checkedNote(keeper.hello.note) : null;
  begun.output = output;
  const control = records.lastControl(id);
  const commands = new SessionCommands({
    session: id,
    nonce: freshNonce ?? meta?.nonce ?? null,
    note: note?.commands ?? null,
    isRunning: keeper !== null,
    records,
    journal,
    screens,
    clock,
    cwd: stored.cwd,
    program: stored.command.join(' '),
    outputEnd: () => output.end,
    noted: () => session?.keepNote(),
    events,
  });
  stored.access ??= note?.access; // the journal was lost
  const tty = keeper && new TtyState({ pid: keeper.hello.shellPid, mayHold: keeper.tellsEnding });
  begun.tty = tty;
  const opened = new LiveSession({
    stored,
    output,
    commands,
    journal,
    records,
    clock,
    keeper,
    keeperSocket: paths.keeperSocket(id),
    // The keeper knows more than a journal that was lost or lags.
    desk: options.desk,
    tty,
    remembered: note && note.epoch > control.epoch ? note : control,
    agentsPaused: options.settings.agentsPaused,
    events,
    shared: () => options.shared(stored.id),
  });
  session = opened;
  if (keeper) {
    await output.screen.open();
    if (freshNonce === null)
      journal.append({
        session: id,
        actor: null,
        interface: null,
        kind: 'adopt',
        outputOffset: log.end,
        payload: { keeper: keeper.hello.keeperPid },
      });
    // The last host may have stored it and died before it said so: a keeper that waits for that sends nothing more.
    keeper.ack(log.end);
    keeper.listen();
    void opened.typing.adopted();
  }
  return opened;
}

/** The running keeper, or null if it is provably gone. Rejects with SessionUnreachable. */
async function connectKeeper(
  id: SessionId,
  from: Offset,
  { paths, silentAfterMs, silent, givenUp, session }: OpenOptions & { session: () => LiveSession | null },
): Promise<KeeperLink | null> {
  const path = paths.keeperSocket(id);
  try {
    return await KeeperLink.open({
      path,
      session: id,
      from,
      silent: { afterMs: silentAfterMs, told: () => silent(from) },
      givenUp,
      listener: {
        output: (offset, bytes) => session()?.keeperListener.output(offset, bytes),
        applied: (client, seq) => session()?.keeperListener.applied(client, seq),
        refused: (client, seq) => session()?.keeperListener.refused(client, seq),
        dropped: (units) => session()?.keeperListener.dropped(units),
        typed: (unit) => session()?.keeperListener.typed(unit),
        recalled: () => session()?.keeperListener.recalled(),
        ending: () => session()?.keeperListener.ending(),
        exited: (exit) => session()?.keeperListener.exited(exit),
        lost: () => session()?.keeperListener.lost(),
      },
    });
  } catch (error) {
    if (error instanceof KeeperSilent) throw SessionUnreachable.silent(from, error);
    if (!isGone(error as NodeJS.ErrnoException)) throw SessionUnreachable.closed(error);
    removeSocket(path);
    return null;
  }
}

/** A host that could not write has changed it meanwhile: the terminal itself knows. */
function matchSize(sizes: SizeHistory, { hello }: KeeperLink, on: { stored: StoredSession; journal: Journal; at: Offset }): void {
  const { cols, rows } = sizes.current;
  const size = resizePayload.safeParse({ cols: hello.cols, rows: hello.rows }).data;
  if (!size || (size.cols === cols && size.rows === rows)) return;
  sizes.add({ offset: on.at, size });
  on.stored.size = size;
  const record = { session: on.stored.id, actor: null, interface: null, outputOffset: on.at } as const;
  on.journal.append({ ...record, kind: 'resize', payload: { ...size } });
}

/** Pipes are not files: there the record counts. */
const hasSocket = (path: string) => process.platform !== 'win32' && existsSync(path);

/** Its keeper is gone: by a reboot, or by its own death. */
function markLost(stored: StoredSession, { clock, journal, records }: SessionSurroundings, end: Offset): void {
  const reason: SessionEnd['reason'] = isThisBoot(stored.bootId) ? 'keeper-lost' : 'machine-restarted';
  stored.end = { reason, code: null, signal: null };
  stored.endedAt = clock.wallNow();
  journal.append({
    session: stored.id,
    actor: null,
    interface: null,
    kind: 'session',
    outputOffset: end,
    payload: { is: 'ended', ...stored.end },
  });
  records.saveSession(stored);
}
