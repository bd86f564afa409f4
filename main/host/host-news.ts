/** What the host tells the clients that watch it: sessions, command records, approvals, and what is wrong. */
import type { Approval } from '#protocol/approvals.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { EventName, EventParams } from '#protocol/messages.ts';
import type { Actor, CommandRecord } from '#protocol/shapes.ts';
import { isAgent } from './agents/input-judge.ts';
import type { ClientConnection } from './client-connection.ts';
import { eventFrame } from './fitting-frames.ts';
import type { StoredCommand } from './journal/command-records.ts';
import type { Records } from './journal/records.ts';
import type { ListedSession } from './registry.ts';
import type { LiveSession } from './sessions/live-session.ts';

/** Sessions with a problem that are named. */
const MAX_SESSION_PROBLEMS = 50;

export type HostNewsOptions = {
  connections: Iterable<ClientConnection>;
  records: Records;
  session(id: SessionId): LiveSession | null;
  /** With those that cannot be reached now. */
  listed(id: SessionId): ListedSession | null;
  /** Whether `actor` may hear what happens in a session. */
  mayRead(actor: Actor, session: LiveSession): boolean;
  /** What is wrong with the host itself, each a sentence. */
  problems(): (string | null)[];
  /** Whether an event that goes to all who watch is for whoever is at `connection`. */
  hears<E extends EventName>(connection: ClientConnection, event: E, params: EventParams<E>): boolean;
};

export class HostNews {
  readonly #options: HostNewsOptions;
  /** Sessions to tell watchers about at the end of this turn. */
  readonly #changed = new Set<ListedSession>();
  readonly #problems = new Map<SessionId, string>();
  readonly #removedNames = new Map<SessionId, string>();

  constructor(options: HostNewsOptions) {
    this.#options = options;
  }

  /** Watchers are told once a turn, however much changed in it. */
  sessionChanged(session: ListedSession): void {
    if (this.#changed.size === 0) setImmediate(() => this.#tellChanged());
    this.#changed.add(session);
  }

  toWatchers<E extends EventName>(event: E, params: EventParams<E>, may: (actor: Actor) => boolean = () => true): void {
    let frame: Uint8Array | null = null; // made once, however many watch
    for (const connection of this.#options.connections) {
      if (!connection.isWatching || !connection.greeted || !may(connection.greeted.actor)) continue;
      if (!this.#options.hears(connection, event, params)) continue;
      frame ??= eventFrame(event, params);
      if (!frame) return; // too large for everybody
      connection.tell(frame);
    }
  }

  commandChanged(command: StoredCommand): void {
    const record = this.commandRecord(command);
    const agent = record.submitter?.kind === 'agent' ? record.submitter.name : null;
    const session = this.#options.session(command.session);
    session?.agentSaw(
      command.endedAt === null
        ? { is: 'command-started', text: record.text, agent }
        : { is: 'command-ended', exitCode: record.exitCode, agent },
    );
    this.toWatchers('command.changed', { command: record }, (who) => session !== null && this.#options.mayRead(who, session));
  }

  typing(params: EventParams<'actor.typing'>): void {
    const session = this.#options.session(params.session);
    this.toWatchers('actor.typing', params, (who) => session !== null && this.#options.mayRead(who, session));
  }

  /** To people, and to whoever asked. */
  approvalChanged(approval: Approval): void {
    const { actor, kind, state, session, shown } = approval;
    this.toWatchers('approval.changed', { approval }, (who) => !isAgent(who));
    for (const connection of this.#options.connections)
      if (connection.greeted?.actor.id === actor.id && isAgent(actor)) connection.event('approval.changed', { approval });
    const agent = actor.name;
    const asking = { is: 'asks', agent, kind: kind === 'question' ? 'input' : 'approval', message: shown.slice(0, 200) } as const;
    this.#options.session(session)?.agentSaw(state === 'pending' ? asking : { is: 'answered', agent });
  }

  /** A command record as clients see it: people by their names. */
  commandRecord(command: StoredCommand): CommandRecord {
    const actor = (id: StoredCommand['submitter']) => (id === null ? null : this.#options.records.actor(id));
    const { authors, submitter, ...rest } = command;
    return {
      ...rest,
      sessionName: this.#options.listed(command.session)?.name ?? this.#removedName(command.session),
      authors: authors.flatMap((id) => actor(id) ?? []),
      submitter: actor(submitter),
    };
  }

  /** What is wrong with a session; null: nothing any more. */
  problem(session: SessionId, sentence: string | null): void {
    if (sentence === null) this.#problems.delete(session);
    else this.#problems.set(session, sentence);
    this.warn();
  }

  warn(): void {
    this.toWatchers('host.warnings', { warnings: this.warnings() });
  }

  warnings(): string[] {
    const own = this.#options.problems().filter((problem) => problem !== null);
    const ofSessions = [...this.#problems.values()];
    const more = ofSessions.length - MAX_SESSION_PROBLEMS;
    if (more <= 0) return [...own, ...ofSessions];
    return [...own, ...ofSessions.slice(0, MAX_SESSION_PROBLEMS), `something is wrong with ${more} more sessions: see the host log`];
  }

  #tellChanged(): void {
    const sessions = [...this.#changed];
    this.#changed.clear();
    for (const session of sessions) {
      const current = this.#options.listed(session.id);
      if (current === session) this.toWatchers('session.changed', { session: session.summary() });
      else if (!current) this.toWatchers('session.removed', { session: session.id });
    }
  }

  #removedName(session: SessionId): string {
    // Asked once a session: what was removed keeps its name.
    let name = this.#removedNames.get(session);
    if (name === undefined) {
      name = this.#options.records.removedSessions().find(({ id }) => id === session)?.name ?? session;
      this.#removedNames.set(session, name);
    }
    return name;
  }
}
