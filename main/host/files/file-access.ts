/**
 * Which files a client may read or write: its role says it in general, and where the file really lies in particular.
 *
 * People who came over the owner's own socket may do what the host's user may; observers read below the folder that an
 * owner opened to them, if any; agents do what the policy allows; and nobody but people of that socket gets cmdop's own
 * files, or the system's view of processes, which leads around every wall.
 */
import { CmdopError } from '#protocol/errors.ts';
import { shownName } from '#session/file-names.ts';
import { isWithin } from '#session/plain-paths.ts';
import type { AgentGuard } from '../agents/agent-guard.ts';
import { isAgent, type PolicyDesk } from '../agents/input-judge.ts';
import { guardedSession } from '../agents/policy-desk.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { Registry } from '../registry.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { FileThread } from './file-thread.ts';
import { below, lastName } from './file-tree.ts';

/** Leads to what other processes have open, whatever its own path says. */
const PROCESSES = '/proc';

export type FilePlace = {
  session: LiveSession;
  /** As it was asked for, absolute. */
  path: string;
  /** Where it really lies, which is what was judged; null where nothing had to be. */
  real: string | null;
};

export type FileAccessOptions = { registry: Registry; guard: AgentGuard; desk: PolicyDesk; thread: FileThread };

export class FileAccess {
  readonly #options: FileAccessOptions;
  #protectedPlaces: Promise<readonly string[]> | null = null;

  constructor(options: FileAccessOptions) {
    this.#options = options;
  }

  /** Throws, or rejects, with what is in the way. */
  async toRead(connection: ClientConnection, reference: string, path: string): Promise<FilePlace> {
    const session = this.#options.registry.find(reference);
    this.#mustRead(connection, session);
    const absolute = this.#absolute(session, path);
    if (!this.#isJudged(connection, session)) return { session, path: absolute, real: null };
    const { thread } = this.#options;
    const real = await thread.ask('real', { path: absolute });
    // Only whoever may look learns that nothing is there.
    if (this.#isObserver(connection, session)) mustBeObservable(session, real, absolute);
    if (real === null) throw new CmdopError('file-not-found', `${shownName(absolute)} is not there`);
    await this.#mustBeOpenTo(connection, { session, real, verb: 'read' });
    this.mustGoOnReading(connection, session, real);
    return { session, path: absolute, real };
  }

  /** Also for a file that is not there yet. */
  async toWrite(connection: ClientConnection, reference: string, path: string): Promise<FilePlace> {
    const session = this.#options.registry.find(reference);
    this.mustWrite(connection, session);
    const absolute = this.#absolute(session, path);
    if (!this.#isJudged(connection, session)) return { session, path: absolute, real: null };
    const { thread } = this.#options;
    let real = await thread.ask('real', { path: absolute });
    if (real === null) {
      const name = lastName(absolute);
      const at = absolute.replace(/\/+$/, '').lastIndexOf('/');
      const folder = await thread.ask('real', { path: absolute.slice(0, at) || '/' });
      if (folder === null) throw new CmdopError('file-not-found', `the folder of ${shownName(absolute)} is not there: make it first`);
      real = below(folder, name);
    }
    await this.#mustBeOpenTo(connection, { session, real, verb: 'write' });
    this.mustWrite(connection, session);
    return { session, path: absolute, real };
  }

  /**
   * Asked again of who was let to what lies at `real`, while its bytes flow: they may have become an observer, and observers
   * may have another folder or none. Throws.
   */
  mustGoOnReading(connection: ClientConnection, session: LiveSession, real: string): void {
    this.#mustRead(connection, session);
    if (this.#isObserver(connection, session)) mustBeObservable(session, real, real);
  }

  mustWrite(connection: ClientConnection, session: LiveSession): void {
    session.roles.mustAct(connection.who.actor, session.control.agentsPaused);
  }

  /** Whether somebody may read here at all. Throws. */
  #mustRead(connection: ClientConnection, session: LiveSession): void {
    const { actor } = connection.who;
    session.roles.mustSee(actor);
    if (!this.#isObserver(connection, session) || session.roles.observerFiles !== null) return;
    throw new CmdopError(
      'observer',
      `${actor.name} is an observer of ${session.name}: an owner can open its files to observers (\`cmdop files ${session.name} --observers on\`)`,
    );
  }

  #isObserver(connection: ClientConnection, session: LiveSession): boolean {
    return session.roles.roleOf(connection.who.actor) === 'observer';
  }

  #isJudged(connection: ClientConnection, session: LiveSession): boolean {
    return isAgent(connection.who.actor) || connection.who.grant !== null || this.#isObserver(connection, session);
  }

  #absolute(session: LiveSession, path: string): string {
    if (path.includes('\0')) throw new CmdopError('bad-request', `${shownName(path)} is no path: it has a NUL in it`);
    const { desk } = this.#options;
    if (/^~(\/|$)/.test(path)) return `${desk.home}${path.slice(1)}`;
    if (path.startsWith('/')) return path;
    return below(session.commands.cwd ?? session.stored.cwd, path);
  }

  async #mustBeOpenTo(
    connection: ClientConnection,
    { session, real, verb }: { session: LiveSession; real: string; verb: 'read' | 'write' },
  ): Promise<void> {
    const places = await this.#places();
    if (places.some((place) => isWithin(real, place))) {
      throw new CmdopError(
        'policy',
        `${shownName(real)} is for the people of this machine alone: ${connection.who.actor.name} cannot ${verb} it here`,
      );
    }
    await this.#options.guard.file(connection, { verb, path: real, session: guardedSession(session) });
  }

  /** Where cmdop's own folders really lie. */
  #places(): Promise<readonly string[]> {
    const { desk, thread } = this.#options;
    this.#protectedPlaces ??= Promise.all(
      [...desk.protected.places].map(async (path) => [path, (await thread.ask('real', { path }).catch(() => null)) ?? path]),
    ).then((pairs) => [...pairs.flat(), PROCESSES]);
    return this.#protectedPlaces;
  }
}

/** Throws where observers of `session` may not read what lies at `real`, which is nothing where it is null. */
function mustBeObservable({ roles }: LiveSession, real: string | null, asked: string): void {
  const allowed = roles.observerFiles;
  if (allowed !== null && real !== null && isWithin(real, allowed)) return;
  throw new CmdopError(
    'observer',
    `${shownName(asked)} is not for observers: they read what is below ${shownName(allowed ?? 'no folder')}`,
  );
}
