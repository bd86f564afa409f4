/**
 * Requests of agents, judged before they are done: what only people may ask for is refused, what reaches into a session is
 * left to the policy. People's requests pass untouched.
 */
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Method, Params } from '#protocol/messages.ts';
import type { Actor } from '#protocol/shapes.ts';
import { offeredRule, type Subject } from '#session/policy.ts';
import type { Outcome } from './approvals.ts';
import type { ClientConnection } from './client-connection.ts';
import { isAgent, type PolicyDesk } from './input-judge.ts';
import type { Journal } from './journal.ts';

/** Whatever a rule says: they change who may do what, end the host, or make a client that is nobody's agent. */
const ONLY_PEOPLE: ReadonlySet<Method> = new Set(['host.stop', 'host.handoff', 'web.open', 'approval.decide', 'policy.set']);
/** Nor do agents decide who may act. */
const ONLY_OWNERS: ReadonlySet<Method> = new Set([
  'agents.pause',
  'agents.resume',
  'role.set',
  'session.kick',
  'session.size',
  'control.mode',
  'control.grant',
]);

/** What reads a session, or enters it. */
const JOIN: ReadonlySet<Method> = new Set([
  'session.attach',
  'session.inspect',
  'session.screen',
  'output.read',
  'history.list',
  'history.at',
  'journal.list',
  'journal.watch',
  'agent.ask',
]);

/** An agent may set these for a session it creates; others could run code. */
const HARMLESS_VARIABLES = /^(LANG|LANGUAGE|LC_[A-Z]+|TZ)$/;

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
    const isForOwners = ONLY_OWNERS.has(method);
    if (isForOwners || ONLY_PEOPLE.has(method)) {
      this.#refused(actor, null, { method, reason: 'only-people' });
      throw new CmdopError(
        isForOwners ? 'not-owner' : 'unauthorized',
        `${method} is for people: ${actor.name} is an agent; ask one with agent.ask`,
      );
    }
    const request = requestIn(method, params);
    if (!request) return null;
    if (request.reference === null && JOIN.has(method)) {
      throw new CmdopError('unauthorized', `${method} needs a session for ${actor.name}: an agent reads what it has joined`);
    }
    if (request.text !== 'join' && this.#options.isPaused()) {
      throw new CmdopError('agents-paused', `agents are paused: ${actor.name} may look, and act once a person resumes them`);
    }
    const session = request.reference === null ? null : this.#options.find(request.reference);
    return this.#judge(connection, actor, { text: request.text, session, folder: session?.folder ?? request.folder ?? this.#options.home });
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
    if (session && (desk.approvals.isGranted(session.id, key) || desk.approvals.isGranted(session.id, ownKey(actor)))) return null;
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

type Request = { text: string; session: GuardedSession | null; folder: string };

function requestIn<M extends Method>(method: M, params: Params<M>): { text: string; reference: string | null; folder?: string } | null {
  const { session: reference = null } = params as { session?: string };
  if (JOIN.has(method)) return { text: 'join', reference };
  switch (method) {
    case 'session.create': {
      const { command, cwd, env = {} } = params as Params<'session.create'>;
      const variable = Object.keys(env).find((name) => !HARMLESS_VARIABLES.test(name));
      if (variable !== undefined)
        throw new CmdopError('unauthorized', `an agent cannot set ${variable} for a session: leave it out of env`);
      const text = ['create', ...(command ? ['--', ...command] : [])].join(' ');
      return { text, reference: null, ...(cwd === undefined ? {} : { folder: cwd }) };
    }
    case 'session.restart': {
      const { env = {} } = params as Params<'session.restart'>;
      const variable = Object.keys(env).find((name) => !HARMLESS_VARIABLES.test(name));
      if (variable !== undefined)
        throw new CmdopError('unauthorized', `an agent cannot set ${variable} for a session: leave it out of env`);
      return { text: 'restart', reference };
    }
    case 'session.kill':
      return { text: `signal ${(params as Params<'session.kill'>).signal}`, reference };
    case 'session.rename':
      return { text: `rename ${(params as Params<'session.rename'>).name}`, reference };
    case 'session.remove':
      return { text: 'remove', reference };
    default:
      return null;
  }
}
