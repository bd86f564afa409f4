/**
 * When to look for ports, and whom to tell. Nobody watches: nothing is looked at, and no timer runs. Somebody does: a look
 * soon after output, since a server says that it listens, and one when it has fallen quiet; while a list is open, also by time.
 */
import type { SessionId } from '#protocol/ids.ts';
import type { ListeningPort } from '#protocol/ports.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { SessionPorts } from './session-ports.ts';
import { toldPorts } from './told-ports.ts';

/** From output to a look, milliseconds; and between two looks while it goes on. */
const SOON_MS = 250;
const BETWEEN_MS = 1_000;
/** From the last output to one more look, milliseconds: what listens a while after it said so. */
const QUIET_MS = 2_500;
/** Between looks while somebody has a list open, milliseconds. */
const OPEN_MS = 2_000;
/** Sessions that one connection watches. */
const MAX_WATCHED = 500;

export type PortWatchOptions = {
  /** Monotonic, milliseconds. */
  now: () => number;
};

type Watched = {
  readonly ports: SessionPorts;
  readonly watchers: Map<ClientConnection, { isOpen: boolean }>;
  /** Whose output is heard; another one after a restart. */
  session: LiveSession;
  unhear: () => void;
  soon: NodeJS.Timeout | null;
  quiet: NodeJS.Timeout | null;
  open: NodeJS.Timeout | null;
  lookedMs: number;
  told: string;
};

export class PortWatch {
  readonly #options: PortWatchOptions;
  readonly #watched = new Map<SessionId, Watched>();
  /** Looked at without being watched: what was printed is remembered while the session is here. */
  readonly #idle = new WeakMap<LiveSession, SessionPorts>();

  constructor(options: PortWatchOptions) {
    this.#options = options;
  }

  /** Of a session now, or at most `ageMs` ago. */
  look(session: LiveSession, ageMs = 0): Promise<readonly ListeningPort[]> {
    return this.#portsOf(session).look(session, { ageMs, now: this.#options.now });
  }

  /** As `SessionPorts.reachableAt`, now or at most `ageMs` ago. */
  async reachableAt(session: LiveSession, port: number, ageMs = 0): Promise<readonly string[] | null> {
    const ports = this.#portsOf(session);
    await ports.look(session, { ageMs, now: this.#options.now });
    return ports.reachableAt(port);
  }

  async watch(connection: ClientConnection, session: LiveSession, isOpen: boolean): Promise<readonly ListeningPort[]> {
    const watched = this.#watched.get(session.id) ?? this.#begin(session);
    if (this.#count(connection) < MAX_WATCHED) watched.watchers.set(connection, { isOpen });
    this.#pace(watched);
    const ports = await this.look(session);
    watched.told = textOf(ports);
    return ports;
  }

  unwatch(connection: ClientConnection, session: LiveSession): void {
    const watched = this.#watched.get(session.id);
    watched?.watchers.delete(connection);
    if (watched) this.#pace(watched);
  }

  closed(connection: ClientConnection): void {
    for (const watched of [...this.#watched.values()]) {
      if (watched.watchers.delete(connection)) this.#pace(watched);
    }
  }

  /** Something of it is different: it may have ended, begun anew, or be gone. */
  changed(session: LiveSession): void {
    const watched = this.#watched.get(session.id);
    if (!watched) return;
    if (watched.session !== session) {
      watched.unhear();
      watched.session = session;
      watched.unhear = session.output.hear(() => this.#heard(watched));
    }
    this.#heard(watched);
  }

  dispose(): void {
    for (const watched of this.#watched.values()) this.#end(watched);
    this.#watched.clear();
  }

  #portsOf(session: LiveSession): SessionPorts {
    const known = this.#watched.get(session.id)?.ports ?? this.#idle.get(session);
    if (known) return known;
    const ports = new SessionPorts();
    this.#idle.set(session, ports);
    return ports;
  }

  #begin(session: LiveSession): Watched {
    const watched: Watched = {
      ports: this.#idle.get(session) ?? new SessionPorts(),
      watchers: new Map(),
      session,
      unhear: () => {},
      soon: null,
      quiet: null,
      open: null,
      lookedMs: Number.NEGATIVE_INFINITY,
      told: '',
    };
    watched.unhear = session.output.hear(() => this.#heard(watched));
    this.#watched.set(session.id, watched);
    return watched;
  }

  /** A timer as long as somebody has the list open, nothing at all once nobody watches. */
  #pace(watched: Watched): void {
    if (watched.watchers.size === 0) {
      this.#end(watched);
      this.#watched.delete(watched.session.id);
      this.#idle.set(watched.session, watched.ports);
      return;
    }
    const isOpen = [...watched.watchers.values()].some((watcher) => watcher.isOpen);
    if (isOpen) watched.open ??= setInterval(() => this.#look(watched), OPEN_MS);
    else if (watched.open) {
      clearInterval(watched.open);
      watched.open = null;
    }
  }

  #heard(watched: Watched): void {
    if (watched.quiet) watched.quiet.refresh();
    else
      watched.quiet = setTimeout(() => {
        watched.quiet = null;
        this.#look(watched);
      }, QUIET_MS);
    if (watched.soon) return;
    const waitMs = Math.max(SOON_MS, watched.lookedMs + BETWEEN_MS - this.#options.now());
    watched.soon = setTimeout(() => {
      watched.soon = null;
      this.#look(watched);
    }, waitMs);
  }

  #look(watched: Watched): void {
    watched.lookedMs = this.#options.now();
    watched.ports.look(watched.session, { now: this.#options.now }).then(
      (ports) => {
        const text = textOf(ports);
        if (text === watched.told) return;
        watched.told = text;
        const { session, watchers } = watched;
        for (const connection of watchers.keys()) {
          if (!maySee(connection, session)) continue;
          connection.event('ports.changed', { session: session.id, ports: toldPorts(ports, session, connection) });
        }
      },
      (error: unknown) => console.error('ports could not be looked at:', error),
    );
  }

  #end(watched: Watched): void {
    watched.unhear();
    for (const timer of [watched.soon, watched.quiet, watched.open]) if (timer) clearTimeout(timer);
    watched.soon = null;
    watched.quiet = null;
    watched.open = null;
  }

  #count(connection: ClientConnection): number {
    let count = 0;
    for (const { watchers } of this.#watched.values()) if (watchers.has(connection)) count++;
    return count;
  }
}

const maySee = (connection: ClientConnection, session: LiveSession) =>
  connection.greeted !== null && !session.roles.isKicked(connection.greeted.actor);

const textOf = (ports: readonly ListeningPort[]) =>
  JSON.stringify(ports.map(({ port, addresses, pid, url }) => [port, addresses, pid, url]));
