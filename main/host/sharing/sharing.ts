/**
 * Guests of this host: who is let in, what each may ask and hear, and the end of it, at once.
 *
 * Whoever reaches the owner's socket owns the host; everybody else has exactly what an invite gave. Whether an invite
 * gives anything is asked again for every request and every unit of input.
 */
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { EventName, EventParams, Method, Params } from '#protocol/messages.ts';
import type { Actor, Origin, SessionSummary } from '#protocol/shapes.ts';
import type { Grant, Invite } from '#protocol/sharing.ts';
import type { Transport } from '#protocol/transport.ts';
import { isAgent } from '../agents/input-judge.ts';
import type { Attachments } from '../attachments.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { Entry } from '../client-entry.ts';
import type { HostNews } from '../host-news.ts';
import type { Journal } from '../journal/journal.ts';
import type { ListedSession, Registry } from '../registry.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { type GuestView, guestRequest } from './guest-access.ts';
import { guestHears } from './guest-events.ts';
import type { GuestRefusals, Refused } from './guest-refusals.ts';
import type { Invites, StoredInvite } from './invites.ts';

/** A guest that is put out gets the verdicts of what had passed the gate within this, milliseconds. */
const LAST_VERDICTS_MS = 500;
/** Longest wait of a timer; then it looks again. */
const MAX_TIMER_MS = 3_600_000;
/** Clients that one invite may have at a time. */
const MAX_CLIENTS = 16;

/** What somebody who was removed may still ask: it tells them so, with their last verdicts. */
const OF_THE_KICKED: ReadonlySet<Method> = new Set(['hello', 'ping', 'host.watch', 'session.list', 'session.attach']);

export type SharingOptions = {
  invites: Invites;
  registry: Registry;
  journal: Journal;
  news: HostNews;
  attachments: Attachments;
  guestRefusals: GuestRefusals;
  wallNow: () => number;
  connect(transport: Transport, entry: Entry): ClientConnection;
  /** Somebody is invited, or is not any more. */
  invitesChanged(): void;
};

export class Sharing {
  readonly #options: SharingOptions;
  readonly #guests = new Set<ClientConnection>();
  #expiry: NodeJS.Timeout | null = null;

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  /** Connects a client that came by `grant`, which was proven where it came in. */
  admit(transport: Transport, grant: Grant, origin: Origin | null = null): ClientConnection {
    return this.#options.connect(transport, { is: 'granted', grant, origin });
  }

  /** A guest is about to be greeted. Throws `unauthorized` where its invite gives nothing now, and `busy`. */
  enter(connection: ClientConnection, grant: Grant): void {
    this.#live(grant);
    if (connection.greeted) throw new CmdopError('bad-request', `${grant.name} was greeted already: a connection is one guest's`);
    if ([...this.#guests].filter(({ greeted }) => greeted?.grant?.id === grant.id).length >= MAX_CLIENTS)
      throw new CmdopError('busy', `${grant.name} is here with ${MAX_CLIENTS} clients already: close one of them`);
    this.#guests.add(connection);
    this.expireInTime();
  }

  /** What `connection` asks, as it may be done; everything of those who are no guests. Throws as `guestRequest`. */
  request<M extends Method>(connection: ClientConnection, method: M, params: Params<M>): Params<M> {
    const grant = connection.greeted?.grant;
    if (!grant) return params;
    if (method === 'hello') throw new CmdopError('bad-request', `${grant.name} was greeted already: a connection is one guest's`);
    const { session, view } = this.#view(connection.who.actor, grant);
    if (session.roles.isKicked(connection.who.actor) && !OF_THE_KICKED.has(method)) session.roles.mustSee(connection.who.actor);
    return guestRequest(method, params, view);
  }

  /** A guest's request is answered with an error, wherever it was thrown. */
  refused({ who: { actor, grant } }: ClientConnection, request: Refused): void {
    if (grant) this.#options.guestRefusals.asked(grant.id, actor, request);
  }

  /** Whether a guest's invite still holds; if not, it is put out. True of those who are no guests. */
  holds(connection: ClientConnection): boolean {
    const grant = connection.greeted?.grant;
    if (!grant) return true;
    try {
      this.#live(grant);
      return true;
    } catch {
      this.expire();
      return false;
    }
  }

  hears<E extends EventName>(connection: ClientConnection, event: E, params: EventParams<E>): boolean {
    const grant = connection.greeted?.grant;
    return !grant || (this.sees(connection, grant.session) && guestHears(event, params, grant.session));
  }

  /** Whether a session exists for whoever is at `connection`. */
  sees(connection: ClientConnection, session: string): boolean {
    const grant = connection.greeted?.grant;
    if (!grant) return true;
    if (grant.session !== session || !this.#isLive(grant.id)) return false;
    return this.#options.registry.known(grant.session)?.roles.isKicked(connection.who.actor) === false;
  }

  /** Ends an invite now, and puts out whoever is here by it. */
  revoke(invite: StoredInvite, by: Actor): StoredInvite {
    const { invites } = this.#options;
    if (!invites.isLive(invite)) return invite;
    const revoked = invites.revoke(invite);
    this.#record(revoked, 'revoked', by);
    this.#putOut(revoked, 'revoked', `${revoked.name} may not be here any more: ${by.name} has revoked the invite`);
    this.#changed(revoked);
    return revoked;
  }

  /** Puts out whose invites have ended by themselves, and waits for the next. */
  expire(): void {
    const { invites, registry } = this.#options;
    for (const invite of invites.all()) {
      const isOver = invites.stateOf(invite) === 'expired';
      if (!isOver || (registry.known(invite.session)?.roles.guestRole(invite.id) ?? null) === null) continue;
      this.#record(invite, 'expired', null);
      this.#putOut(invite, 'expired', `the invite of ${invite.name} has expired: ask the owner for another`);
      this.#changed(invite);
    }
    this.expireInTime();
  }

  /** An owner has removed `actor`: nothing of theirs stays open, whatever it was opened for. */
  kicked(session: LiveSession, actor: Actor): void {
    const message = session.roles.kickedMessage(actor);
    for (const connection of [...this.#guests]) {
      const { greeted } = connection;
      if (greeted?.grant?.session !== session.id || greeted.grant.id !== actor.guest) continue;
      connection.event('share.ended', { reason: 'kicked', message });
      connection.endAfter(LAST_VERDICTS_MS);
    }
  }

  /** A guest has another role: its invite shows it. */
  roleSet({ guest }: Actor): void {
    const invite = guest === undefined ? null : this.#options.invites.get(guest);
    if (invite) this.#changed(invite);
  }

  /** A new invite, or one that was used: owners hear of it, and the session shows it. */
  noted(invite: StoredInvite, is: 'invited' | 'joined', by: Actor | null): void {
    this.#record(invite, is, by);
    this.#changed(invite);
    this.expireInTime();
  }

  /** An invite as clients see it. */
  shown({ id, session, name, way, key, createdAt, createdBy, expiresAt, usedAt, ...invite }: StoredInvite): Invite {
    const { registry, invites } = this.#options;
    const there = registry.known(session);
    const role = there?.roles.guestRole(id) ?? invite.role;
    const state = invites.stateOf({ id, session, name, way, key, createdAt, createdBy, expiresAt, usedAt, ...invite });
    return { id, session, sessionName: there?.name ?? session, name, role, way, key, createdAt, createdBy, expiresAt, usedAt, state };
  }

  /** Who else may come to a session, with plain ssh only where it is served; undefined where nobody may. */
  sharedIn(session: SessionId, ssh: NonNullable<SessionSummary['shared']>['ssh']): SessionSummary['shared'] {
    const { invites } = this.#options;
    const live = invites
      .all()
      .filter((invite) => invite.session === session && (invite.way !== 'ssh' || ssh !== null) && invites.isLive(invite));
    if (live.length === 0 && ssh === null) return undefined;
    return { ssh, invites: live.length, link: live.some(({ way }) => way === 'link') };
  }

  closed(connection: ClientConnection): void {
    this.#guests.delete(connection);
  }

  dispose(): void {
    if (this.#expiry) clearTimeout(this.#expiry);
  }

  expireInTime(): void {
    const { invites, wallNow } = this.#options;
    if (this.#expiry) clearTimeout(this.#expiry);
    const { nextEnd } = invites;
    this.#expiry = nextEnd === null ? null : setTimeout(() => this.expire(), Math.min(MAX_TIMER_MS, Math.max(0, nextEnd - wallNow()) + 1));
    this.#expiry?.unref();
  }

  #view(actor: Actor, grant: Grant): { session: ListedSession; view: GuestView } {
    const session = this.#live(grant);
    const role = session.roles.roleOf(actor) === 'operator' ? 'operator' : 'observer';
    return { session, view: { name: grant.name, role, session } };
  }

  /** Throws `unauthorized`. */
  #live({ id, name, session }: Grant): ListedSession {
    const { invites, registry } = this.#options;
    const invite = invites.get(id);
    const state = invite ? invites.stateOf(invite) : 'revoked';
    if (state === 'revoked' || state === 'expired')
      throw new CmdopError(
        'unauthorized',
        `the invite of ${name} ${state === 'revoked' ? 'was revoked' : 'has expired'}: ask the owner for another`,
        { needs: 'person' },
      );
    const there = registry.known(session);
    if (!there) throw new CmdopError('unauthorized', `the session that ${name} was invited to is gone`);
    return there;
  }

  #isLive(id: string): boolean {
    const { invites } = this.#options;
    const invite = invites.get(id);
    return invite !== null && invites.isLive(invite);
  }

  #putOut({ id, session }: StoredInvite, reason: 'revoked' | 'expired', message: string): void {
    const { attachments, registry } = this.#options;
    const guests = [...this.#guests].filter(({ greeted }) => greeted?.grant?.id === id);
    // First, so that each stream and forward ends with this sentence, and not with what else forbids it from now on.
    for (const { streams } of guests) streams.refuse(new CmdopError('unauthorized', message));
    registry.known(session)?.roles.uninvited(id);
    for (const connection of guests) {
      for (const [channel, attached] of attachments.of(connection)) attached.putOut(channel, message);
      connection.event('share.ended', { reason, message });
      connection.endAfter(LAST_VERDICTS_MS);
    }
  }

  #record({ id, session, name, role, way, key, expiresAt }: StoredInvite, is: string, by: Actor | null): void {
    const { journal, registry } = this.#options;
    journal.append({
      session,
      actor: by?.id ?? null,
      interface: by?.interface ?? null,
      kind: 'share',
      outputOffset: registry.get(session)?.output.end ?? null,
      payload: { is, invite: id, name, role, way, key, expiresAt },
    });
  }

  #changed(invite: StoredInvite): void {
    const { news, registry, invitesChanged } = this.#options;
    invitesChanged();
    news.toWatchers('share.changed', { invite: this.shown(invite) }, (who) => !isAgent(who));
    const session = registry.known(invite.session);
    if (session) news.sessionChanged(session);
  }
}
