/** The sessions of this host: made, found again after a crash or a reboot, looked up by what a person calls them. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { homeFolder } from '#local/home-folder.ts';
import { CmdopError } from '#protocol/errors.ts';
import { newSessionId, type Offset, type SessionId } from '#protocol/ids.ts';
import type { Params } from '#protocol/messages.ts';
import type { Actor, Size } from '#protocol/shapes.ts';
import { joinKey, ownKey } from './agents/agent-guard.ts';
import { isAgent } from './agents/input-judge.ts';
import type { StoredSession } from './journal/records.ts';
import type { KeeperProgram } from './keepers/keeper-program.ts';
import { KeeperStarter } from './keepers/keeper-starter.ts';
import { keeperMeta } from './keepers/left-with-keeper.ts';
import { prepareLaunch, removeLaunchFiles } from './keepers/shell-launch.ts';
import { bootId } from './sessions/boot.ts';
import type { LiveSession } from './sessions/live-session.ts';
import { openSession, type SessionSurroundings, sessionFolder } from './sessions/open-session.ts';
import { RemovedFiles } from './sessions/removed-files.ts';
import { findSession, freeName, validName } from './sessions/session-names.ts';
import { SessionRestart } from './sessions/session-restart.ts';
import { KeeperSilent, SlowKeepers } from './sessions/slow-keepers.ts';

const DEFAULT_SIZE: Size = { cols: 80, rows: 24 };

export type RegistryOptions = SessionSurroundings & {
  keeper: KeeperProgram;
  /** Where the shell integration scripts are. */
  shellDir: string;
  version: string;
};

export class Registry {
  readonly #options: RegistryOptions;
  readonly #sessions = new Map<SessionId, LiveSession>();
  /** Names being created, so that two clients cannot both get one. */
  readonly #reserved = new Set<string>();
  readonly #keepers: KeeperStarter;
  readonly #slowKeepers = new SlowKeepers();
  readonly #removedFiles: RemovedFiles;
  /** Sessions on their way into being. */
  readonly #beginning = new Set<Promise<LiveSession>>();
  #isSettling = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#keepers = new KeeperStarter(options.keeper);
    this.#removedFiles = new RemovedFiles({
      folderOf: (session) => sessionFolder(options.paths, session),
      removed: (session) => options.records.removeSession(session),
      problem: options.events.problem,
    });
  }

  /** In the order in which they were made, whatever order a new host found them in. */
  all(): LiveSession[] {
    return [...this.#sessions.values()].sort((a, b) => a.stored.createdAt - b.stored.createdAt);
  }

  get(id: SessionId): LiveSession | null {
    return this.#sessions.get(id) ?? null;
  }

  /** In every session: see LiveSession. */
  recall(): Promise<void> | null {
    const recalls = [...this.#sessions.values()].flatMap((session) => session.recall() ?? []);
    return recalls.length === 0 ? null : Promise.all(recalls).then(() => {});
  }

  /** See `findSession`. */
  find(reference: string): LiveSession {
    return findSession(this.all(), reference);
  }

  create(wanted: Params<'session.create'>, by: Actor): Promise<LiveSession> {
    return this.#begin(() => this.#create(wanted, by));
  }

  async #create(wanted: Params<'session.create'>, by: Actor): Promise<LiveSession> {
    const name = wanted.name === undefined ? null : validName(wanted.name);
    if (name !== null) this.#refuseTaken(name);
    const id = newSessionId((n) => randomBytes(n));
    const cwd = wanted.cwd ?? homeFolder();
    const launch = prepareLaunch({
      session: id,
      command: wanted.command ?? null,
      cwd,
      env: wanted.env ?? {},
      runDir: this.#options.paths.runDir,
      shellDir: this.#options.shellDir,
      version: this.#options.version,
      randomBytes: (n) => randomBytes(n),
    });
    const reserved =
      name ?? freeName(basename(wanted.command?.[0] ?? '') || basename(cwd) || basename(launch.file), (taken) => this.#isTaken(taken));
    this.#reserved.add(reserved);
    try {
      const { clock, records, paths, journal } = this.#options;
      const stored: StoredSession = {
        id,
        name: reserved,
        command: wanted.command ?? [launch.file],
        cwd,
        title: '',
        size: wanted.size ?? DEFAULT_SIZE,
        createdAt: clock.wallNow(),
        endedAt: null,
        end: null,
        bootId: bootId(),
        access: {
          controlMode: wanted.controlMode ?? this.#options.settings.controlMode,
          agentsPaused: false,
          sizePolicy: 'controller',
          roles: [],
        },
      };
      journal.append({
        session: id,
        actor: by.id,
        interface: by.interface,
        kind: 'session',
        outputOffset: 0 as Offset,
        payload: { is: 'created', name: reserved, command: stored.command, cwd, controlMode: stored.access?.controlMode },
      });
      journal.append({
        session: id,
        actor: by.id,
        interface: by.interface,
        kind: 'resize',
        outputOffset: 0 as Offset,
        payload: { ...stored.size },
      });
      makeFolder(sessionFolder(paths, id)); // before there is a program that nobody could reach
      await this.#keepers.start({
        session: id,
        socket: paths.keeperSocket(id),
        meta: keeperMeta(stored, launch.nonce),
        file: launch.file,
        args: [...launch.args],
        env: launch.env,
        cwd,
        ...stored.size,
      });
      records.saveSession(stored);
      if (isAgent(by)) for (const key of [joinKey(by), ownKey(by)]) this.#options.desk.approvals.grant(id, key, by);
      const session = await this.#open(stored, launch.nonce);
      session.commands.onceReported(() => removeLaunchFiles(launch.files));
      return session;
    } catch (error) {
      removeLaunchFiles(launch.files);
      throw error;
    } finally {
      this.#reserved.delete(reserved);
    }
  }

  /** A new shell in an ended session, see `session.restart`. */
  async restart(wanted: Params<'session.restart'>, by: Actor): Promise<{ session: LiveSession; isHome: boolean }> {
    const old = this.find(wanted.session);
    if (old.isRunning) throw new CmdopError('session-running', `${old.name} runs: \`cmdop attach ${old.name}\` joins it`);
    const { isKept, problem } = this.#options.journal;
    if (!isKept) throw new CmdopError('storage', `no new shell begins in ${old.name} while nothing of it can be kept: ${problem}`);
    this.#refuseTaken(old.name);
    this.#reserved.add(old.name);
    try {
      const restart = new SessionRestart({ ...this.#options, old, wanted, by, keepers: this.#keepers });
      const session = await this.#begin(async () => {
        const { stored, nonce, files } = await restart.perform();
        const opened = await this.#open(stored, nonce);
        opened.commands.onceReported(() => removeLaunchFiles(files));
        return opened;
      });
      return { session, isHome: restart.isHome };
    } finally {
      this.#reserved.delete(old.name);
    }
  }

  /**
   * Finds every session again: keepers that live, whatever version started them, and what the journal remembers.
   * Resolves with the number of sessions that have a keeper.
   */
  async adopt(): Promise<number> {
    const stored = new Map(this.#options.records.sessions().map((session) => [session.id, session]));
    const ids = new Set([...stored.keys(), ...this.#keeperIds()]);
    await Promise.all([...ids].map((id) => this.#adoptOne(id, stored.get(id) ?? null)));
    for (const removed of this.#options.records.removedStored())
      if (existsSync(sessionFolder(this.#options.paths, removed.id))) this.#removedFiles.resume(removed);
    return this.all().filter(({ hasKeeper }) => hasKeeper).length;
  }

  /** As `forget`. Throws `session-running`. */
  remove(session: LiveSession, by: Actor): Promise<void> {
    if (session.isRunning)
      throw new CmdopError('session-running', `${session.name} still runs: end it with \`cmdop kill ${session.name}\` first`);
    this.#options.journal.append({
      session: session.id,
      actor: by.id,
      interface: by.interface,
      kind: 'session',
      outputOffset: session.output.end,
      payload: { is: 'removed' },
    });
    this.#options.records.removeSession(session.id);
    return this.forget(session);
  }

  /** Whether a session that has ended stays so: nobody is opening a new shell in it. */
  isAtRest(session: LiveSession): boolean {
    return !session.isRunning && !this.#reserved.has(session.name) && this.get(session.id) === session;
  }

  /** Takes an ended session out of the list at once; resolves when its files are gone too, rejects with `storage` where they stay. */
  forget(session: LiveSession): Promise<void> {
    this.#sessions.delete(session.id);
    this.#options.events.changed(session);
    return this.#removedFiles.remove(session.stored, () => session.output.erase());
  }

  rename(session: LiveSession, name: string, by: Actor): void {
    const wanted = validName(name);
    if (wanted === session.name) return;
    this.#refuseTaken(wanted);
    session.rename(wanted, by);
  }

  /** Resolves when no session is on its way into being; from now on none begins. */
  async settled(): Promise<void> {
    this.#isSettling = true;
    await Promise.allSettled(this.#beginning);
  }

  async dispose(): Promise<void> {
    this.#keepers.dispose();
    this.#slowKeepers.dispose();
    this.#removedFiles.dispose();
    await Promise.all(this.all().map((session) => session.dispose()));
  }

  async #begin(work: () => Promise<LiveSession>): Promise<LiveSession> {
    if (this.#isSettling) throw new CmdopError('disconnected', 'this host is about to end: ask the next one');
    const beginning = work();
    this.#beginning.add(beginning);
    try {
      return await beginning;
    } finally {
      this.#beginning.delete(beginning);
    }
  }

  async #adoptOne(id: SessionId, stored: StoredSession | null): Promise<void> {
    const { problem } = this.#options.events;
    const name = stored?.name ?? id;
    try {
      await this.#open(stored ?? id, null);
      if (this.#slowKeepers.settled(id)) problem(id, null);
      this.#reserved.delete(name);
    } catch (error) {
      // One session that cannot be found again must not take the others with it.
      console.error(`session ${id} could not be adopted:`, error);
      if (!(error instanceof KeeperSilent)) return problem(id, `session ${name} could not be found again: ${(error as Error).message}`);
      problem(id, `session ${name} goes on, but its keeper does not answer: it is asked again until it does`);
      if (this.#isSettling) return;
      this.#reserved.add(name);
      this.#slowKeepers.askAgain(id, () => {
        if (!this.#isSettling) void this.#adoptOne(id, stored);
      });
    }
  }

  async #open(known: StoredSession | SessionId, freshNonce: string | null): Promise<LiveSession> {
    const session = await openSession({ ...this.#options, known, freshNonce });
    this.#sessions.set(session.id, session);
    this.#options.events.changed(session);
    return session;
  }

  #keeperIds(): SessionId[] {
    if (process.platform === 'win32') return []; // pipes are not listed; the journal knows them
    return readdirSync(this.#options.paths.runDir).flatMap((name) => /^k-(\w+)\.sock$/.exec(name)?.[1] ?? []) as SessionId[];
  }

  #refuseTaken(name: string): void {
    if (this.#reserved.has(name) || this.all().some((session) => session.isRunning && session.name === name)) {
      throw new CmdopError('name-taken', `a session ${name} runs already: \`cmdop attach ${name}\` joins it, or choose another name`);
    }
  }

  #isTaken(name: string): boolean {
    return this.#reserved.has(name) || this.all().some((session) => session.name === name);
  }
}

/** Throws `storage`. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CmdopError('storage', `the session was not started: ${folder} cannot be made (${(error as Error).message})`);
  }
}
