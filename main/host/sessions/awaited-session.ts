/**
 * A session that goes on and that this host cannot reach yet: until it can, what is on record stands for it, and whoever
 * wants to attach waits here, as long as their connection lasts.
 */
import { formatAddress, LOCAL_HOST } from '#protocol/address.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Epoch, Offset, SessionId } from '#protocol/ids.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import { shownCommand } from '#session/shown-command.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { HostSettings } from '../host-settings.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records, StoredSession } from '../journal/records.ts';
import type { SessionAccess } from '../journal/stored-shapes.ts';
import { defaultAccess, SessionRoles } from './session-roles.ts';

/** Attachments of one client that wait here; it needs one a window. */
const MAX_WAITING = 16;

/** `silent`: its keeper says nothing; `closed`: this host cannot open the session, for a `reason`. */
export type Unreachable = { is: 'silent'; outputEnd: Offset } | { is: 'closed'; reason: string };

export type AwaitedSessionOptions = {
  /** A bare id is a session that only its keeper knows. */
  known: StoredSession | SessionId;
  why: Unreachable;
  journal: Journal;
  records: Records;
  settings: HostSettings;
  clock: { wallNow(): number };
  shared(id: SessionId): SessionSummary['shared'];
};

type Waiting = { reference: string; resolve: () => void; reject: (error: Error) => void };

export class AwaitedSession {
  readonly #options: AwaitedSessionOptions;
  readonly stored: StoredSession;
  readonly roles: SessionRoles;
  /** Nothing says that it has ended. */
  readonly isRunning = true;
  readonly #access: SessionAccess;
  readonly #epoch: Epoch;
  readonly #waiting = new Map<ClientConnection, Set<Waiting>>();
  #why: Unreachable;

  constructor(options: AwaitedSessionOptions) {
    this.#options = options;
    this.#why = options.why;
    const { known, journal, records } = options;
    const stored = typeof known === 'string' ? unknown(known, options.clock.wallNow()) : known;
    const { id, name, access = defaultAccess() } = stored;
    this.stored = stored;
    this.#access = access;
    this.#epoch = epochOf(id, records);
    this.roles = new SessionRoles(
      {
        name,
        record(by, kind, payload) {
          const { id: actor = null, interface: via = null } = by?.actor ?? {};
          journal.append({ session: id, actor, interface: via, kind, outputOffset: null, payload });
        },
        saveAccess() {
          stored.access = access;
          if (stored === known) records.saveSession(stored);
        },
      },
      access,
    );
  }

  get id(): SessionId {
    return this.stored.id;
  }
  get name(): string {
    return this.stored.name;
  }

  /** What is going on, and what to do. */
  get sentence(): string {
    const { name, id } = this;
    return this.#why.is === 'silent'
      ? `${name} goes on, but its keeper does not answer: wait until it does, or look what holds up its process, “cmdop keeper ${id}”`
      : `${name} goes on, but this host cannot open it (${this.#why.reason}): that is tried again by itself`;
  }

  /** For everything that cannot be done with it now. */
  get error(): CmdopError {
    return new CmdopError('session-unreachable', this.sentence, { session: this.id });
  }

  summary(): SessionSummary {
    const { id, name, command, cwd, title, size, createdAt, isPinned } = this.stored;
    const access = this.#access;
    const why = this.#why;
    const shared = this.#options.shared(id);
    return {
      id,
      name,
      address: formatAddress({ host: LOCAL_HOST, session: name }),
      state: 'running',
      end: null,
      command: shownCommand(command),
      cwd,
      title,
      size,
      createdAt,
      endedAt: null,
      running: null,
      attached: [],
      control: { mode: access.controlMode, epoch: this.#epoch, holder: null },
      agentsPaused: access.agentsPaused || this.#options.settings.agentsPaused,
      sizePolicy: access.sizePolicy,
      outputEnd: why.is === 'silent' ? why.outputEnd : (0 as Offset),
      agentState: null,
      isPinned: isPinned === true,
      observerFiles: access.observerFiles ?? null,
      unreachable: why.is === 'silent' ? 'its keeper does not answer' : 'this host cannot open it',
      ...(shared ? { shared } : {}),
    };
  }

  /** False if that is known. */
  isUnreachable(why: Unreachable): boolean {
    const before = this.sentence;
    this.#why = why;
    if (this.sentence === before) return false;
    for (const [connection, each] of this.#waiting) for (const waiting of each) this.#tell(connection, waiting);
    return true;
  }

  /** Resolves when there is a session to attach to; rejects when there is none, and where too much waits for `connection`. */
  async wait(connection: ClientConnection, reference: string): Promise<void> {
    const all = this.#waiting.get(connection) ?? new Set();
    if (all.size >= MAX_WAITING) throw this.error;
    this.#waiting.set(connection, all);
    await new Promise<void>((resolve, reject) => {
      const waiting = { reference, resolve, reject };
      all.add(waiting);
      this.#tell(connection, waiting);
    });
  }

  /** The client is gone. */
  left(connection: ClientConnection): void {
    const all = this.#waiting.get(connection) ?? [];
    this.#waiting.delete(connection);
    for (const { reject } of all) reject(new CmdopError('disconnected', 'the connection to the client has ended'));
  }

  /** The session is there, running or ended; or there is none, for a reason. */
  settled(error: Error | null): void {
    const all = [...this.#waiting.values()].flatMap((each) => [...each]);
    this.#waiting.clear();
    for (const { resolve, reject } of all) {
      if (error) reject(error);
      else resolve();
    }
  }

  #tell(connection: ClientConnection, { reference }: Waiting): void {
    connection.event('attach.waiting', { session: reference, message: this.sentence });
  }
}

/** The last that is on record; 0 where the journal cannot be read now. */
function epochOf(session: SessionId, records: Records): Epoch {
  try {
    return records.lastControl(session).epoch;
  } catch {
    return 0 as Epoch; // which may be why the session cannot be opened
  }
}

/** What stands for a session of which only the id is known. */
const unknown = (id: SessionId, now: number): StoredSession => ({
  id,
  name: id,
  command: [],
  cwd: '',
  title: '',
  size: { cols: 80, rows: 24 },
  createdAt: now,
  endedAt: null,
  end: null,
  bootId: '',
});
