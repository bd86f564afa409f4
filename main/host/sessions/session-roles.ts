/**
 * What each person may do in a session, and who was removed from it. Whoever reaches the host is an owner of its
 * sessions, or an operator if it is an agent, unless an owner says otherwise. A guest is what its invite says, and never
 * more than an operator. No agent does what only owners do.
 */
import { CmdopError } from '#protocol/errors.ts';
import type { Actor, Role } from '#protocol/shapes.ts';
import type { GuestRole } from '#protocol/sharing.ts';
import type { SessionAccess } from '../journal/stored-shapes.ts';
import type { SessionLife } from './session-life.ts';

/** What tells one person from another. */
export type Person = Pick<Actor, 'kind' | 'name' | 'guest'>;

/** The same for one person's desktop, terminal and browser; of guests, for whatever came by one invite. */
export const personOf = ({ kind, name, guest }: Person) => (guest === undefined ? `${kind}:${name}` : guestPerson(guest));
const guestPerson = (invite: string) => `guest:${invite}`;

/** Of a session for which nobody has said anything. */
export const defaultAccess = (): SessionAccess => ({ controlMode: 'turns', agentsPaused: false, sizePolicy: 'controller', roles: [] });

type Life = Pick<SessionLife, 'name' | 'record' | 'saveAccess'>;

export class SessionRoles {
  readonly #life: Life;
  readonly #access: SessionAccess;

  constructor(life: Life, access: SessionAccess) {
    this.#life = life;
    this.#access = access;
  }

  roleOf(actor: Person): Role {
    if (actor.guest !== undefined) return this.guestRole(actor.guest) ?? 'observer';
    return this.#entry(personOf(actor))?.role ?? (actor.kind === 'agent' ? 'operator' : 'owner');
  }

  /** Of whoever comes by this invite; null where it is none of this session. */
  guestRole(invite: string): GuestRole | null {
    const role = this.#entry(guestPerson(invite))?.role;
    return role === undefined ? null : role === 'operator' ? 'operator' : 'observer';
  }

  /** Somebody may come by an invite, as what it says. */
  invited({ id, role }: { id: string; role: GuestRole }): void {
    this.#put(guestPerson(id), { role, isKicked: false });
  }

  /** The invite is over. */
  uninvited(invite: string): void {
    this.#access.roles = this.#access.roles.filter(({ person }) => person !== guestPerson(invite));
    this.#life.saveAccess();
  }

  /** The role in an attachment: what was asked for, as far as it is granted. */
  granted(actor: Actor, asked: Role): Role {
    const role = this.roleOf(actor);
    if (asked === 'observer' || role === 'observer') return 'observer';
    return asked === 'operator' ? 'operator' : role;
  }

  set(actor: Actor, role: Role, by: Actor): void {
    if (role === 'owner' && actor.kind === 'agent') {
      throw new CmdopError('bad-request', `${actor.name} is an agent: it can be operator or observer, not owner`);
    }
    if (role === 'owner' && actor.guest !== undefined) {
      throw new CmdopError('bad-request', `${actor.name} is a guest: it can be operator or observer, not owner`);
    }
    this.#put(personOf(actor), { role, isKicked: false });
    this.#life.record({ actor: by }, 'role', { is: 'set', actor: actor.id, name: actor.name, role });
  }

  kick(actor: Actor, by: Actor): void {
    this.#put(personOf(actor), { role: this.roleOf(actor), isKicked: true });
    this.#life.record({ actor: by }, 'role', { is: 'kicked', actor: actor.id, name: actor.name });
  }

  /** Somebody was removed, or may only look on. */
  get hasStopped(): boolean {
    return this.#access.roles.some(({ role, isKicked }) => isKicked || role === 'observer');
  }

  isKicked(actor: Person): boolean {
    return this.#entry(personOf(actor))?.isKicked ?? false;
  }

  /** Throws `kicked`. */
  mustSee(actor: Actor): void {
    if (this.isKicked(actor)) throw new CmdopError('kicked', this.kickedMessage(actor));
  }

  /** Throws also `agents-paused` and `observer`. */
  mustAct(actor: Actor, agentsPaused: boolean): void {
    this.mustSee(actor);
    if (actor.kind === 'agent' && agentsPaused) throw agentsPausedError(this.#life.name);
    if (this.roleOf(actor) === 'observer') {
      throw new CmdopError('observer', `${actor.name} is an observer of ${this.#life.name}: an owner can make them an operator`);
    }
  }

  /** Throws `not-owner` for everybody but human owners, and `kicked`. */
  mustOwn(actor: Actor): void {
    this.mustSee(actor);
    mustBeHuman(actor);
    if (actor.guest !== undefined)
      throw new CmdopError('not-owner', `only an owner of ${this.#life.name} may do this, and ${actor.name} is a guest`);
    if (this.roleOf(actor) !== 'owner') {
      throw new CmdopError('not-owner', `only an owner of ${this.#life.name} may do this, and ${actor.name} is ${this.roleOf(actor)}`);
    }
  }

  /** The folder in which observers may read files; null where they may not. */
  get observerFiles(): string | null {
    return this.#access.observerFiles ?? null;
  }

  allowFiles(folder: string | null, by: Actor): void {
    this.#access.observerFiles = folder;
    this.#life.record({ actor: by }, 'file', { is: folder === null ? 'closed to observers' : 'open to observers', folder });
    this.#life.saveAccess();
  }

  kickedMessage(actor: Actor): string {
    const { name } = this.#life;
    return `${actor.name} was removed from ${name} by its owner, who can let them in again: \`cmdop role ${name} ${actor.name} operator\``;
  }

  #entry(person: string): SessionAccess['roles'][number] | undefined {
    return this.#access.roles.find((entry) => entry.person === person);
  }

  #put(person: string, entry: { role: Role; isKicked: boolean }): void {
    this.#access.roles = [...this.#access.roles.filter((other) => other.person !== person), { person, ...entry }];
    this.#life.saveAccess();
  }
}

/** Throws `not-owner` for agents. */
export function mustBeHuman(actor: Actor): void {
  if (actor.kind === 'agent') throw new CmdopError('not-owner', `${actor.name} is an agent: who may act is decided by people`);
}

/** `where`: a session's name, or null for every session. */
export function agentsPausedError(where: string | null): CmdopError {
  const command = '`cmdop resume --agents`';
  const remedy = where === null ? command : `${command}, or in this session alone with \`cmdop resume --agents ${where}\``;
  return new CmdopError('agents-paused', `agents are paused${where === null ? '' : ` in ${where}`}: a person resumes them with ${remedy}`);
}
