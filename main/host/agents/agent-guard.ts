/**
 * Requests of agents, judged before they are done: what only people may ask for is refused, what reaches into a session is
 * left to the policy. People's requests pass untouched.
 */
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Method, Params } from '#protocol/messages.ts';
import type { Actor } from '#protocol/shapes.ts';
import { isWithin } from '#session/plain-paths.ts';
import { offeredRule, type Subject } from '#session/policy.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { Journal } from '../journal/journal.ts';
import { agentAccess } from './agent-access.ts';
import type { Outcome } from './approvals.ts';
import { isAgent, type PolicyDesk } from './input-judge.ts';

export type GuardedSession = { readonly id: SessionId; readonly name: string; readonly folder: string };

export type AgentGuardOptions = {
  desk: PolicyDesk;
  journal: Journal;
  /** Throws `session-not-found`. */
  find(reference: string): GuardedSession;
  /** No agent may act, anywhere. */
  isPaused(): boolean;
  /** Folder of a session that is created without one. */
  home: string;
};

export class AgentGuard {
  readonly #options: AgentGuardOptions;
  readonly #waiting = new Map<ClientConnection, Set<number>>();

  constructor(options: AgentGuardOptions) {
    this.#options = options;
  }

  /** Null where nobody needs to be asked. Throws, or rejects, with what is refused. */
  permit<M extends Method>(connection: ClientConnection, method: M, params: Params<M>): Promise<void> | null {
    const actor = connection.greeted?.actor;
    if (!actor || !isAgent(actor)) return null;
    const access = agentAccess(method, params);
    if (access === 'free') return null;
    if (access === 'owners' || access === 'people') {
      this.#refused(actor, null, { method, reason: 'only-people' });
      throw new CmdopError(
        access === 'owners' ? 'not-owner' : 'unauthorized',
        `${method} is for people: ${actor.name} is an agent; ask one with agent.ask`,
      );
    }
    const isJoin = access.text === 'join';
    if (isJoin && access.session === null) {
      throw new CmdopError('unauthorized', `${method} needs a session for ${actor.name}: an agent reads what it has joined`);
    }
    if (!isJoin && this.#options.isPaused()) {
      throw new CmdopError('agents-paused', `agents are paused: ${actor.name} may look, and act once a person resumes them`);
    }
    const session = access.session === null ? null : this.#options.find(access.session);
    return this.#judge(connection, actor, { text: access.text, session, folder: session?.folder ?? access.folder ?? this.#options.home });
  }

  /** An agent's wish to read or write a file; `path`: where it really lies. Otherwise as `permit`. */
  file(
    connection: ClientConnection,
    { verb, path, session }: { verb: 'read' | 'write'; path: string; session: GuardedSession },
  ): Promise<void> | null {
    const actor = connection.greeted?.actor;
    if (!actor || !isAgent(actor)) return null;
    const text = `${verb} ${path}`;
    const why = this.#options.desk.protected.places.some((place) => isWithin(path, place)) ? "cmdop's own files" : null;
    if (why !== null) {
      this.#refused(actor, session.id, { action: text, reason: 'policy', rule: `built in: ${why}` });
      throw new CmdopError('policy', `${actor.name} may not ${text}: ${why} are for people`);
    }
    if (verb === 'write' && this.#options.isPaused()) {
      throw new CmdopError('agents-paused', `agents are paused: ${actor.name} may look, and act once a person resumes them`);
    }
    // Who made the session may do with it what it likes; its files are the person's.
    return this.#judge(connection, actor, { text, session, folder: path.slice(0, path.lastIndexOf('/')) || '/', isOwnFree: false });
  }

  /** Whether `actor` may hear what happens in a session, without asking anyone. */
  mayRead(actor: Actor, session: GuardedSession): boolean {
    if (!isAgent(actor)) return true;
    const { desk } = this.#options;
    if (desk.approvals.isGranted(session.id, joinKey(actor))) return true;
    return desk.rules().decide(this.#subject(actor, { text: 'join', session, folder: session.folder })).verdict === 'allow';
  }

  /** The client is gone: nobody waits for its answers. */
  closed(connection: ClientConnection): void {
    const ids = this.#waiting.get(connection) ?? [];
    this.#waiting.delete(connection);
    for (const id of ids) this.#options.desk.approvals.withdraw(id, 'its client is gone');
  }

  /** Waits for a person's word, as long as the client is there. */
  asked(connection: ClientConnection, ask: (settled: (outcome: Outcome) => void) => number): Promise<Extract<Outcome, { is: 'approved' }>> {
    return new Promise((resolve, reject) => {
      const ids = this.#waiting.get(connection) ?? new Set<number>();
      this.#waiting.set(connection, ids);
      const id = ask((outcome) => {
        ids.delete(outcome.id);
        if (outcome.is === 'approved') resolve(outcome);
        else reject(new CmdopError(outcome.is === 'expired' ? 'timeout' : 'rejected', outcome.message));
      });
      ids.add(id);
    });
  }

  #judge(connection: ClientConnection, actor: Actor, request: Request): Promise<void> | null {
    const { desk } = this.#options;
    const { session } = request;
    const isJoin = request.text === 'join';
    const key = isJoin ? joinKey(actor) : [actor.id, 'action', request.text].join('\0');
    const { isOwnFree = true } = request;
    const isGranted = (each: string) => session !== null && desk.approvals.isGranted(session.id, each);
    if (isGranted(key) || (isOwnFree && isGranted(ownKey(actor)))) return null;
    const subject = this.#subject(actor, request);
    const { verdict, rule, seen } = desk.rules().decide(subject);
    if (verdict === 'allow') return null;
    if (verdict === 'deny') {
      this.#refused(actor, session?.id ?? null, { action: request.text, reason: 'policy', rule });
      throw new CmdopError(
        'policy',
        `${actor.name} may not ${request.text}${session ? ` ${session.name}` : ''}: the policy forbids it (${rule})`,
      );
    }
    const waiting = this.asked(connection, (settled) =>
      desk.approvals.ask({
        session: { id: session?.id ?? '', name: session?.name ?? '' },
        actor,
        kind: 'action',
        text: request.text,
        folder: request.folder,
        program: null,
        reason: null,
        seen: [...seen],
        rule,
        subject: null,
        offer: offeredRule(subject, null),
        grant: session ? key : null,
        isEditable: false,
        change: () => null,
        settled: (outcome) => {
          // Who was let in once is not asked again for each look.
          if (outcome.is === 'approved' && session && isJoin) desk.approvals.grant(session.id, key, actor);
          settled(outcome);
        },
      }),
    );
    return waiting.then(() => {});
  }

  #subject(actor: Actor, { text, session, folder }: Request): Subject {
    const { desk } = this.#options;
    return {
      actor: { name: actor.name, isAgent: true },
      session: { id: session?.id ?? '', name: session?.name ?? '' },
      folder,
      kind: 'action',
      text,
      program: null,
      home: desk.home,
      protected: desk.protected,
    };
  }

  #refused(actor: Actor, session: SessionId | null, payload: Record<string, unknown>): void {
    this.#options.journal.append({ session, actor: actor.id, interface: actor.interface, kind: 'refused', outputOffset: null, payload });
  }
}

/** What lets an agent into a session without asking again. */
export const joinKey = (actor: Actor): string => [actor.id, 'join'].join('\0');
/** Of the agent that made the session. */
export const ownKey = (actor: Actor): string => [actor.id, 'own'].join('\0');

type Request = {
  text: string;
  session: GuardedSession | null;
  folder: string /** Nobody asks whoever made the session. */;
  isOwnFree?: boolean;
};
