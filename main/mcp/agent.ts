/**
 * One agent at the host: its connection as an actor of kind agent, what it knows of the sessions by their events, and
 * the sessions it is attached to.
 */
import { randomBytes } from 'node:crypto';
import type { ClientIdentity } from '#client/client-options.ts';
import { CmdopClient } from '#client/cmdop-client.ts';
import type { ConnectionEvent } from '#client/connection.ts';
import { SearchInbox } from '#client/search-inbox.ts';
import { systemClock } from '#local/clock.ts';
import { VERSION } from '#local/version.ts';
import { LOCAL_HOST, parseAddress } from '#protocol/address.ts';
import type { Approval } from '#protocol/approvals.ts';
import { CmdopError, isRefusal } from '#protocol/errors.ts';
import { newClientId, type SessionId } from '#protocol/ids.ts';
import type { CommandRecord, SessionSummary } from '#protocol/shapes.ts';
import type { Transport } from '#protocol/transport.ts';
import { AttachedSession } from '../sdk/attached-session.ts';
import { CommandNews } from '../sdk/command-run.ts';
import type { Place } from './place.ts';
import { agentRefusal } from './refusals.ts';

/** The host cuts longer names to add a number, characters. */
const MAX_NAME = 58;
/** Ended command records and decided approvals kept to be asked for, each. */
const MAX_KEPT = 500;

export type AgentOptions = {
  name: string;
  ownSessionAllowed: boolean;
  connect: () => Promise<Transport>;
  /** As people name it. */
  host: string;
  /** Where the agent itself runs. */
  place: Place;
};

/** What an agent may be told of: a command record, an approval or a session changed, or somebody typed in one. */
export type AgentNews =
  | { is: 'command'; command: CommandRecord }
  | { is: 'approval'; approval: Approval }
  | { is: 'session' | 'typing'; session: SessionId };

export class Agent {
  readonly client: CmdopClient;
  /** The host part of its sessions' addresses. */
  readonly host: string;
  readonly #sessions = new Map<SessionId, SessionSummary>();
  readonly #attached = new Map<SessionId, Promise<AttachedSession>>();
  /** What became of the commands of everybody. */
  readonly commands = new CommandNews();
  readonly searches = new SearchInbox();
  readonly #approvals = new Map<number, Approval>();
  readonly #listeners = new Set<(news: AgentNews) => void>();
  /** Whom the link's state concerns. */
  readonly #waiting = new Set<() => void>();
  /** Why this agent is nobody's guest any more. */
  #ended: CmdopError | null = null;

  constructor({ name, ownSessionAllowed, connect, host, place }: AgentOptions) {
    this.host = host;
    const isLocal = host === LOCAL_HOST;
    const identity: ClientIdentity = {
      id: newClientId(randomBytes),
      interface: 'mcp',
      kind: 'agent',
      name: agentName(name),
      build: VERSION,
      ownSessionAllowed,
      // Elsewhere its number is another process.
      ...(isLocal ? place : {}),
    };
    this.client = new CmdopClient({
      identity,
      connect,
      clock: systemClock,
      random: Math.random,
      watch: true,
      isHeldBy: isRefusal,
      onWatch: ({ sessions }) => {
        this.#sessions.clear();
        for (const session of sessions) this.#sessions.set(session.id, session);
        for (const { id } of sessions) this.#tell({ is: 'session', session: id });
      },
      onState: (state) => {
        // The host may have numbered us: we come back as the same one.
        if (state.is === 'connected') {
          this.#ended = null;
          identity.name = this.client.actor?.name ?? identity.name;
        } else this.searches.disconnected();
        for (const look of [...this.#waiting]) look();
      },
      onEvent: (event) => {
        this.searches.event(event);
        this.#event(event);
      },
    });
  }

  /** Resolves once connected. Rejects where waiting does not help, since a person must act first; then it is tried anew at the next call. */
  connected(): Promise<void> {
    const { state } = this.client;
    if (state.is === 'offline' && state.isHeld) this.client.reconnectNow();
    return new Promise((resolve, reject) => {
      const look = () => {
        const now = this.client.state;
        if (now.is === 'connecting' || (now.is === 'offline' && !now.isHeld)) return;
        this.#waiting.delete(look);
        if (now.is === 'offline') reject(now.error);
        else this.client.whenConnected().then(resolve, reject);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** What a failed request means to the agent: its link may have been cut because somebody put it out. */
  failure(error: CmdopError): CmdopError {
    return error.code === 'disconnected' ? (this.#ended ?? error) : error;
  }

  get sessions(): SessionSummary[] {
    return [...this.#sessions.values()];
  }

  /** What the host is asked for. */
  ref(reference: string): string {
    return sessionRef(reference, this.host);
  }

  /** As of the last event. Throws the host's error where it is unknown. */
  async summary(reference: string): Promise<SessionSummary> {
    const ref = this.ref(reference);
    await this.connected();
    const session = await this.#find(ref);
    return this.#sessions.get(session.id) ?? session;
  }

  async #find(ref: string): Promise<SessionSummary> {
    try {
      return (await this.client.request('session.inspect', { session: ref })).session;
    } catch (error) {
      // Somebody's guest that looks on may not see which programs run; the one session that it has, it may.
      if (!(error instanceof CmdopError) || error.code !== 'observer') throw error;
      const sessions = await this.client.sessions();
      const found = sessions.find(({ id, name }) => id === ref || name === ref);
      if (!found) throw error;
      return found;
    }
  }

  known(id: SessionId): SessionSummary | undefined {
    return this.#sessions.get(id);
  }

  /** Attached to act. Throws where this agent may not. */
  async operate(reference: string): Promise<AttachedSession> {
    const attached = await this.attach(reference);
    await attached.operate();
    return attached;
  }

  /** Attached, to look on at least; once a session. */
  async attach(reference: string): Promise<AttachedSession> {
    const { id } = await this.summary(reference);
    const known = this.#attached.get(id);
    if (known) return known;
    const attaching = AttachedSession.open(this.client, id, { gone: () => this.#attached.delete(id), refusal: agentRefusal });
    this.#attached.set(id, attaching);
    attaching.catch(() => this.#attached.delete(id)); // whoever asked is told
    return attaching;
  }

  attachedTo(id: SessionId): Promise<AttachedSession> | undefined {
    return this.#attached.get(id);
  }

  /** What of this agent waits for a person in a session. */
  waitingIn(session: SessionId): Approval[] {
    return this.approvalsIn(session).filter(({ state }) => state === 'pending');
  }

  /** Everything that was asked about this agent in a session, oldest first. */
  approvalsIn(session: SessionId): Approval[] {
    return [...this.#approvals.values()].filter((approval) => approval.session === session);
  }

  /** Calls `listener` with what happens from now on; the returned function ends that. */
  listen(listener: (news: AgentNews) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.client.close();
    this.#listeners.clear();
  }

  #event(event: ConnectionEvent): void {
    switch (event.event) {
      case 'session.changed': {
        const { session } = event.params;
        this.#sessions.set(session.id, session);
        this.#tell({ is: 'session', session: session.id });
        return;
      }
      case 'session.removed':
        this.#sessions.delete(event.params.session);
        this.#tell({ is: 'session', session: event.params.session });
        return;
      case 'command.changed': {
        const { command } = event.params;
        this.commands.changed(command);
        this.#tell({ is: 'command', command });
        return;
      }
      case 'share.ended':
        this.#ended = new CmdopError('unauthorized', event.params.message);
        return;
      case 'actor.typing':
        this.#tell({ is: 'typing', session: event.params.session });
        return;
      case 'approval.changed': {
        const { approval } = event.params;
        if (approval.actor.id !== this.client.actor?.id) return;
        keep(this.#approvals, approval.id, approval);
        this.#tell({ is: 'approval', approval });
        return;
      }
      default:
        return;
    }
  }

  #tell(news: AgentNews): void {
    for (const listener of [...this.#listeners]) listener(news);
  }
}

/** A name, an id or its start, or an address on `host`. */
function sessionRef(reference: string, host: string): string {
  if (!reference.startsWith('cmdop://')) return reference;
  const address = parseAddress(reference);
  if (address?.host === host) return address.session;
  const where = host === LOCAL_HOST ? 'this machine' : host;
  throw new CmdopError('session-not-found', `${reference} is not on ${where}: use sessions_list for what is`);
}

/** One line without control characters or direction marks; the host bounds it once more. */
export function agentName(name: string): string {
  const clean = name.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').trim();
  return [...clean].slice(0, MAX_NAME).join('') || 'agent';
}

function keep<T>(kept: Map<number, T>, id: number, value: T): void {
  kept.delete(id);
  kept.set(id, value);
  const oldest = kept.keys().next();
  if (kept.size > MAX_KEPT && !oldest.done) kept.delete(oldest.value);
}
