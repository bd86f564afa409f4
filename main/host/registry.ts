/** The sessions of this host: made, found again after a crash or a reboot, looked up by what a person calls them. */
import { existsSync, readdirSync } from 'node:fs';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Params } from '#protocol/messages.ts';
import type { Actor } from '#protocol/shapes.ts';
import type { ClientConnection } from './client-connection.ts';
import type { KeeperProgram } from './keepers/keeper-program.ts';
import { KeeperStarter } from './keepers/keeper-starter.ts';
import { removeLaunchFiles } from './keepers/shell-launch.ts';
import { Adoption } from './sessions/adoption.ts';
import { AwaitedSession } from './sessions/awaited-session.ts';
import type { LiveSession } from './sessions/live-session.ts';
import { type SessionSurroundings, sessionFolder } from './sessions/open-session.ts';
import { RemovedFiles } from './sessions/removed-files.ts';
import { SessionCreation, type Started } from './sessions/session-creation.ts';
import { findSession, freeName, validName } from './sessions/session-names.ts';
import { SessionRestart } from './sessions/session-restart.ts';

/** A session on the list, whether or not it can be reached now. */
export type ListedSession = LiveSession | AwaitedSession;

export type RegistryOptions = SessionSurroundings & {
  /** One on the list that cannot be reached is another now, or not there any more. */
  awaited(session: AwaitedSession): void;
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
  readonly #adoption: Adoption;
  readonly #removedFiles: RemovedFiles;
  /** Sessions on their way into being. */
  readonly #beginning = new Set<Promise<unknown>>();
  #isSettling = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#keepers = new KeeperStarter(options.keeper);
    this.#adoption = new Adoption({
      ...options,
      opened: (session) => {
        this.#sessions.set(session.id, session);
        options.events.changed(session);
      },
      awaited: (session) => {
        const before = this.get(session.id);
        this.#sessions.delete(session.id);
        if (before) options.events.changed(before);
        options.awaited(session);
      },
      lost: (session) => options.awaited(session),
    });
    this.#removedFiles = new RemovedFiles({
      folderOf: (session) => sessionFolder(options.paths, session),
      removed: (session) => options.records.removeSession(session),
      problem: options.events.problem,
    });
  }

  /** Those that can be reached, in the order in which they were made, whatever order a new host found them in. */
  all(): LiveSession[] {
    return [...this.#sessions.values()].sort(byAge);
  }

  /** With those that cannot be reached now. */
  listed(): ListedSession[] {
    return [...this.#sessions.values(), ...this.#adoption.all()].sort(byAge);
  }

  get(id: SessionId): LiveSession | null {
    return this.#sessions.get(id) ?? null;
  }

  /** In every session: see LiveSession. */
  recall(): Promise<void> | null {
    const recalls = [...this.#sessions.values()].flatMap((session) => session.recall() ?? []);
    return recalls.length === 0 ? null : Promise.all(recalls).then(() => {});
  }

  /** On the list. */
  known(id: SessionId): ListedSession | null {
    return this.get(id) ?? this.#adoption.get(id);
  }

  /** See `findSession`; throws `session-unreachable` too. */
  find(reference: string): LiveSession {
    const session = this.named(reference);
    if (session instanceof AwaitedSession) throw session.error;
    return session;
  }

  /** On the list. See `findSession`. */
  named(reference: string): ListedSession {
    return findSession(this.listed(), reference);
  }

  /** Whoever wants to attach waits where the session cannot be reached; null where nobody has to. */
  arrives(connection: ClientConnection, { session: reference }: Params<'session.attach'>): Promise<void> | null {
    const session = this.named(reference);
    return session instanceof AwaitedSession ? session.wait(connection, reference) : null;
  }

  /** The client is gone. */
  left(connection: ClientConnection): void {
    for (const session of this.#adoption.all()) session.left(connection);
  }

  create(wanted: Params<'session.create'>, by: Actor): Promise<ListedSession> {
    return this.#begin(() => this.#create(wanted, by));
  }

  async #create(wanted: Params<'session.create'>, by: Actor): Promise<ListedSession> {
    const given = wanted.name === undefined ? null : validName(wanted.name);
    if (given !== null) this.#refuseTaken(given);
    const creation = new SessionCreation({ ...this.#options, wanted, by, keepers: this.#keepers });
    const name = given ?? freeName(creation.usualName, (taken) => this.#isTaken(taken));
    this.#reserved.add(name);
    try {
      return await this.#open(await creation.perform(name));
    } finally {
      this.#reserved.delete(name);
    }
  }

  /** A new shell in an ended session, see `session.restart`. */
  async restart(wanted: Params<'session.restart'>, by: Actor): Promise<{ session: ListedSession; isHome: boolean }> {
    const old = this.find(wanted.session);
    if (old.isRunning) throw new CmdopError('session-running', `${old.name} runs: \`cmdop attach ${old.name}\` joins it`);
    const { isKept, problem } = this.#options.journal;
    if (!isKept) throw new CmdopError('storage', `no new shell begins in ${old.name} while nothing of it can be kept: ${problem}`);
    this.#refuseTaken(old.name);
    this.#reserved.add(old.name);
    try {
      const restart = new SessionRestart({ ...this.#options, old, wanted, by, keepers: this.#keepers });
      const session = await this.#begin(async () => this.#open(await restart.perform()));
      return { session, isHome: restart.isHome };
    } finally {
      this.#reserved.delete(old.name);
    }
  }

  /**
   * Finds every session again: keepers that live, whatever version started them, and what the journal remembers. A keeper
   * that says nothing for `silentAfterMs` is waited for afterwards.
   */
  async adopt(silentAfterMs: number): Promise<void> {
    const stored = new Map(this.#options.records.sessions().map((session) => [session.id, session]));
    const ids = new Set([...stored.keys(), ...this.#keeperIds()]);
    const adopted = [...ids].map((id) => this.#adoption.open({ known: stored.get(id) ?? id, freshNonce: null, silentAfterMs }));
    await Promise.allSettled(adopted); // what cannot be found again is told as a problem
    for (const removed of this.#options.records.removedStored())
      if (existsSync(sessionFolder(this.#options.paths, removed.id))) this.#removedFiles.resume(removed);
  }

  /** Sessions whose program runs, as far as anybody knows. */
  get running(): number {
    return this.listed().filter(({ isRunning }) => isRunning).length;
  }

  /** Sessions that have a keeper, and how many of them cannot be reached. */
  get found(): { sessions: number; unreachable: number } {
    const unreachable = this.#adoption.size;
    return { sessions: this.all().filter(({ hasKeeper }) => hasKeeper).length + unreachable, unreachable };
  }

  /** Sessions whose keepers say nothing within `ms`. */
  async unanswered(ms: number): Promise<number> {
    const answered = await Promise.all(this.all().map((session) => session.isAnswered(ms)));
    return this.#adoption.size + answered.filter((is) => !is).length;
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
  isAtRest(session: ListedSession): boolean {
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
    await this.#adoption.giveUp();
  }

  async dispose(): Promise<void> {
    this.#keepers.dispose();
    this.#removedFiles.dispose();
    await Promise.all(this.all().map((session) => session.dispose()));
  }

  /** Its program runs: from now on it is on the list, whatever becomes of it. */
  async #open({ stored, nonce, files }: Started): Promise<ListedSession> {
    const opened = (session: LiveSession) => session.commands.onceReported(() => removeLaunchFiles(files));
    try {
      return await this.#adoption.open({ known: stored, freshNonce: nonce, opened });
    } catch (error) {
      removeLaunchFiles(files);
      throw error;
    }
  }

  async #begin<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isSettling) throw new CmdopError('disconnected', 'this host is about to end: ask the next one');
    const beginning = work();
    this.#beginning.add(beginning);
    try {
      return await beginning;
    } finally {
      this.#beginning.delete(beginning);
    }
  }

  #keeperIds(): SessionId[] {
    if (process.platform === 'win32') return []; // pipes are not listed; the journal knows them
    return readdirSync(this.#options.paths.runDir).flatMap((name) => /^k-(\w+)\.sock$/.exec(name)?.[1] ?? []) as SessionId[];
  }

  #refuseTaken(name: string): void {
    if (this.#reserved.has(name) || this.listed().some((session) => session.isRunning && session.name === name)) {
      throw new CmdopError('name-taken', `a session ${name} runs already: \`cmdop attach ${name}\` joins it, or choose another name`);
    }
  }

  #isTaken(name: string): boolean {
    return this.#reserved.has(name) || this.listed().some((session) => session.name === name);
  }
}

const byAge = (a: ListedSession, b: ListedSession) => a.stored.createdAt - b.stored.createdAt;
