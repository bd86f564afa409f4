/** Puts a session together: fresh from its keeper, adopted after a crash, or ended and only on disk. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalPaths } from '#local/paths.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import type { SessionEnd, SessionSummary } from '#protocol/shapes.ts';
import type { PolicyDesk } from '../agents/input-judge.ts';
import type { HostSettings } from '../host-settings.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records, StoredSession } from '../journal/records.ts';
import { checkedNote, resizePayload } from '../journal/stored-shapes.ts';
import { KeeperLink } from '../keepers/keeper-link.ts';
import type { KeeperMeta } from '../keepers/left-with-keeper.ts';
import { OutputLog } from '../output/output-log.ts';
import { SizeHistory } from '../output/size-history.ts';
import { ScreenCheckpoints } from '../screen/screen-checkpoints.ts';
import type { Screens } from '../screen/screens.ts';
import { isThisBoot } from './boot.ts';
import { LiveSession, type LiveSessionEvents } from './live-session.ts';
import { type CommandEvents, SessionCommands } from './session-commands.ts';
import { SessionOutput } from './session-output.ts';
import { KeeperSilent } from './slow-keepers.ts';
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
};

/** Where a session's output is kept. */
export const sessionFolder = (paths: LocalPaths, id: SessionId) => join(paths.stateDir, 'sessions', id);

/** Rejects if neither the journal nor a keeper knows the session; with KeeperSilent where its keeper cannot be asked now. */
export async function openSession(options: OpenOptions): Promise<LiveSession> {
  const { known, freshNonce, records, journal, screens, clock, events, paths } = options;
  const id = typeof known === 'string' ? known : known.id;
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
  // Whatever is on record, a keeper that lives is the session: a host that failed may have taken it for lost.
  const mayRun = typeof known === 'string' || known.end === null || hasSocket(paths.keeperSocket(id));
  const keeper = mayRun ? await connectKeeper({ id, path: paths.keeperSocket(id), from: log.end, session: () => session }) : null;
  const meta = keeper?.hello.meta as KeeperMeta | undefined;
  const stored = typeof known === 'string' ? meta?.stored : known;
  if (!stored) throw new Error('neither the journal nor a keeper knows it');
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

/** The running keeper, or null if it is provably gone. */
async function connectKeeper(options: {
  id: SessionId;
  path: string;
  from: Offset;
  session: () => LiveSession | null;
}): Promise<KeeperLink | null> {
  const { id, path, from, session } = options;
  try {
    return await KeeperLink.open({
      path,
      session: id,
      from,
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
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'ECONNREFUSED'].includes(code)) throw new KeeperSilent(message, { cause: error });
    if (process.platform !== 'win32') rmSync(path, { force: true });
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
