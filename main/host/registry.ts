/** The sessions of this host: made, found again after a crash or a reboot, looked up by what a person calls them. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { LocalPaths } from '#local/paths.ts';
import { CmdopError } from '#protocol/errors.ts';
import { newSessionId, type Offset, type SessionId } from '#protocol/ids.ts';
import type { Actor, Params, SessionEnd, Size } from '#protocol/messages.ts';
import { CheckpointLog } from './checkpoint-log.ts';
import type { Journal } from './journal.ts';
import { KeeperLink, type KeeperRuntime, startKeeper } from './keeper-link.ts';
import { LiveSession, type LiveSessionEvents, type SessionNote } from './live-session.ts';
import { OutputLog } from './output-log.ts';
import type { Records, StoredSession } from './records.ts';
import type { Screens } from './screens.ts';
import { type CommandEvents, SessionCommands } from './session-commands.ts';
import { SessionOutput } from './session-output.ts';
import { prepareLaunch } from './shell-launch.ts';

/** Output of one session on disk, bytes; the oldest goes first. */
const OUTPUT_BUDGET_BYTES = 64 * 1024 * 1024;
const DEFAULT_SIZE: Size = { cols: 80, rows: 24 };
/** Shortest id prefix that names a session. */
const MIN_PREFIX = 2;

export type RegistryOptions = {
  paths: LocalPaths;
  runtime: KeeperRuntime;
  /** Where the shell integration scripts are. */
  shellDir: string;
  version: string;
  journal: Journal;
  records: Records;
  screens: Screens;
  clock: { now(): number; wallNow(): number };
  events: LiveSessionEvents & CommandEvents & { problem(session: SessionId, sentence: string | null): void };
};

/** What a keeper remembers for every later host, beside what its wire says. */
type KeeperMeta = { stored: StoredSession; nonce: string | null };

export class Registry {
  readonly #options: RegistryOptions;
  readonly #sessions = new Map<SessionId, LiveSession>();
  /** Names being created, so that two clients cannot both get one. */
  readonly #reserved = new Set<string>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  all(): LiveSession[] {
    return [...this.#sessions.values()];
  }

  get(id: SessionId): LiveSession | null {
    return this.#sessions.get(id) ?? null;
  }

  /** By id, name, or unique id prefix. Throws `session-not-found` or `session-ambiguous`, with the candidates; never guesses. */
  find(reference: string): LiveSession {
    const byId = this.#sessions.get(reference as SessionId);
    if (byId) return byId;
    const named = this.all().filter(({ name }) => name === reference);
    const running = named.filter(({ isRunning }) => isRunning);
    const matches = running.length > 0 ? running : named.length > 0 ? named : this.#byPrefix(reference);
    if (matches.length === 1 && matches[0]) return matches[0];
    const candidates = (matches.length > 0 ? matches : this.all()).map(({ id, name }) => ({ id, name }));
    const list = candidates.map(({ id, name }) => `${name} (${id})`).join(', ');
    if (matches.length > 1)
      throw new CmdopError('session-ambiguous', `${reference} could be ${list}: give the whole name or id`, { candidates });
    throw new CmdopError(
      'session-not-found',
      `there is no session ${reference}; there ${candidates.length > 0 ? `are ${list}` : 'are none: `cmdop new` makes one'}`,
      { candidates },
    );
  }

  async create(wanted: Params<'session.create'>, by: Actor): Promise<LiveSession> {
    const name = wanted.name === undefined ? null : validName(wanted.name);
    if (name !== null) this.#refuseTaken(name);
    const id = newSessionId((n) => randomBytes(n));
    const cwd = wanted.cwd ?? process.env.HOME ?? '/';
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
    const reserved = name ?? this.#freeName(wanted.command?.[0] ? basename(wanted.command[0]) : basename(cwd) || basename(launch.file));
    this.#reserved.add(reserved);
    try {
      const { clock, records, paths, runtime, journal } = this.#options;
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
      };
      const meta: KeeperMeta = { stored, nonce: launch.nonce };
      journal.append({
        session: id,
        actor: by.id,
        interface: by.interface,
        kind: 'session',
        outputOffset: 0 as Offset,
        payload: { is: 'created', name: reserved, command: stored.command, cwd },
      });
      journal.append({
        session: id,
        actor: by.id,
        interface: by.interface,
        kind: 'resize',
        outputOffset: 0 as Offset,
        payload: { ...stored.size },
      });
      await startKeeper(runtime, {
        session: id,
        socket: paths.keeperSocket(id),
        meta,
        file: launch.file,
        args: [...launch.args],
        env: launch.env,
        cwd,
        ...stored.size,
      });
      records.saveSession(stored);
      return await this.#open(stored, launch.nonce);
    } finally {
      this.#reserved.delete(reserved);
    }
  }

  /** Finds every session again: keepers that live, whatever version started them, and what the journal remembers. */
  async adopt(): Promise<void> {
    const stored = new Map(this.#options.records.sessions().map((session) => [session.id, session]));
    const ids = new Set([...stored.keys(), ...this.#keeperIds()]);
    await Promise.all([...ids].map((id) => this.#adoptOne(id, stored.get(id) ?? null)));
  }

  remove(session: LiveSession, by: Actor): void {
    if (session.isRunning)
      throw new CmdopError('session-running', `${session.name} still runs: end it with \`cmdop kill ${session.name}\` first`);
    this.#sessions.delete(session.id);
    this.#options.journal.append({
      session: session.id,
      actor: by.id,
      interface: by.interface,
      kind: 'session',
      outputOffset: session.output.end,
      payload: { is: 'removed' },
    });
    this.#options.records.removeSession(session.id);
    session.output.closeScreen();
  }

  rename(session: LiveSession, name: string, by: Actor): void {
    const wanted = validName(name);
    if (wanted === session.name) return;
    this.#refuseTaken(wanted);
    session.rename(wanted, by);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.all().map((session) => session.dispose()));
  }

  async #adoptOne(id: SessionId, stored: StoredSession | null): Promise<void> {
    try {
      if (stored?.end) {
        await this.#open(stored, null);
        return;
      }
      await this.#open(stored ?? id, null);
    } catch (error) {
      // One session that cannot be found again must not take the others with it.
      console.error(`session ${id} could not be adopted:`, error);
      this.#options.events.problem(id, `session ${stored?.name ?? id} could not be found again: ${(error as Error).message}`);
    }
  }

  /** The session with everything it stands on. A bare id is one that only its keeper knows. */
  async #open(known: StoredSession | SessionId, freshNonce: string | null): Promise<LiveSession> {
    const { records, journal, screens, clock, events, paths } = this.#options;
    const id = typeof known === 'string' ? known : known.id;
    const folder = join(paths.stateDir, 'sessions', id);
    let session: LiveSession | null = null;
    const log = await OutputLog.open({
      folder,
      budgetBytes: OUTPUT_BUDGET_BYTES,
      stored: (offset) => session?.outputStored(offset),
      problem: (sentence) => events.problem(id, sentence),
    });
    const checkpoints = await CheckpointLog.open(folder);
    const isEnded = typeof known !== 'string' && known.end !== null;
    const keeper = isEnded ? null : await this.#connectKeeper(id, log.end, () => session);
    const meta = keeper?.hello.meta as KeeperMeta | undefined;
    const stored = typeof known === 'string' ? meta?.stored : known;
    if (!stored) throw new Error('neither the journal nor a keeper knows it');
    if (!keeper && !stored.end) this.#lost(stored, log.end);
    const resizes = records.resizes(id, 0 as Offset);
    if (resizes.length === 0) resizes.push({ offset: 0 as Offset, size: stored.size });
    const output = new SessionOutput({
      session: id,
      screens,
      log,
      checkpoints,
      resizes,
      gapped: (range) => journal.append({ session: id, actor: null, interface: null, kind: 'gap', outputOffset: range.to, payload: range }),
    });
    const note = keeper ? parseNote(keeper.hello.note) : null;
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
      outputEnd: () => output.end,
      noted: () => session?.keepNote(),
      events,
    });
    const opened = new LiveSession({
      stored,
      output,
      commands,
      screens,
      journal,
      records,
      clock,
      keeper,
      // The keeper knows more than a journal that was lost or lags.
      remembered: note && note.epoch > control.epoch ? note : control,
      events,
    });
    session = opened;
    if (keeper) {
      await output.openScreen();
      if (freshNonce === null)
        journal.append({
          session: id,
          actor: null,
          interface: null,
          kind: 'adopt',
          outputOffset: log.end,
          payload: { keeper: keeper.hello.keeperPid },
        });
      keeper.listen();
    }
    this.#sessions.set(id, opened);
    events.changed(opened);
    return opened;
  }

  /** The running keeper, or null if it is provably gone. */
  async #connectKeeper(id: SessionId, from: Offset, session: () => LiveSession | null): Promise<KeeperLink | null> {
    const path = this.#options.paths.keeperSocket(id);
    try {
      return await KeeperLink.open({
        path,
        from,
        listener: {
          output: (offset, bytes) => session()?.keeperListener.output(offset, bytes),
          applied: (client, seq) => session()?.keeperListener.applied(client, seq),
          exited: (exit) => session()?.keeperListener.exited(exit),
          lost: () => session()?.keeperListener.lost(),
        },
      });
    } catch (error) {
      if (!['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      if (process.platform !== 'win32') rmSync(path, { force: true });
      return null;
    }
  }

  /** Its keeper is gone: by a reboot, or by its own death. */
  #lost(stored: StoredSession, end: Offset): void {
    const reason: SessionEnd['reason'] = stored.bootId === bootId() ? 'keeper-lost' : 'machine-restarted';
    stored.end = { reason, code: null, signal: null };
    stored.endedAt = this.#options.clock.wallNow();
    this.#options.journal.append({
      session: stored.id,
      actor: null,
      interface: null,
      kind: 'session',
      outputOffset: end,
      payload: { is: 'ended', ...stored.end },
    });
    this.#options.records.saveSession(stored);
  }

  #keeperIds(): SessionId[] {
    if (process.platform === 'win32') return []; // pipes are not listed; the journal knows them
    return readdirSync(this.#options.paths.runDir).flatMap((name) => /^k-(\w+)\.sock$/.exec(name)?.[1] ?? []) as SessionId[];
  }

  #byPrefix(reference: string): LiveSession[] {
    return reference.length < MIN_PREFIX ? [] : this.all().filter(({ id }) => id.startsWith(reference));
  }

  #refuseTaken(name: string): void {
    if (this.#reserved.has(name) || this.all().some((session) => session.isRunning && session.name === name)) {
      throw new CmdopError('name-taken', `a session ${name} runs already: \`cmdop attach ${name}\` joins it, or choose another name`);
    }
  }

  #freeName(base: string): string {
    const clean = base.replaceAll(/[^\p{L}\p{N}._-]/gu, '') || 'session';
    const isTaken = (name: string) => this.#reserved.has(name) || this.all().some((session) => session.name === name);
    if (!isTaken(clean)) return clean;
    for (let n = 2; ; n++) if (!isTaken(`${clean}-${n}`)) return `${clean}-${n}`;
  }
}

function validName(name: string): string {
  const trimmed = name.trim();
  if (trimmed === '' || /[\p{Cc}/]/u.test(trimmed)) {
    throw new CmdopError(
      'bad-request',
      `${JSON.stringify(name)} cannot be a session's name: use letters, digits and signs, without / and control characters`,
    );
  }
  return trimmed;
}

function parseNote(base64: string): SessionNote | null {
  if (base64 === '') return null;
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString()) as SessionNote;
  } catch {
    return null; // of another version: the journal's word counts
  }
}

/** Which boot of the machine this is; constant where the system does not tell. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
