/** What each request about control, roles, agents and sizes does. */
import { CmdopError } from '#protocol/errors.ts';
import type { Channel } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import type { Attachments } from '../attachments.ts';
import type { ClientConnection, Handlers } from '../client-connection.ts';
import type { Records } from '../journal/records.ts';
import type { Registry } from '../registry.ts';
import type { LiveSession } from './live-session.ts';
import type { Attached } from './session-clients.ts';
import { sessionLookups } from './session-lookups.ts';
import { mustBeHuman, personOf } from './session-roles.ts';

export type ControlContext = {
  registry: Registry;
  records: Records;
  attachments: Attachments;
  /** Pauses agents in every session, or lets them act again. Resolves when nothing more of them reaches a program, where they are paused. */
  pauseEverywhere(isPaused: boolean, by: Actor): Promise<void>;
  /** The control mode of sessions made from now on. */
  setDefaultMode(mode: 'turns' | 'locked' | 'open', by: Actor): void;
  /** An owner has removed `actor` from a session. */
  kicked(session: LiveSession, actor: Actor): void;
  /** An owner has given `actor` another role. */
  roleSet(actor: Actor): void;
};

type ControlMethod =
  | 'session.size'
  | 'session.kick'
  | 'role.set'
  | 'control.take'
  | 'control.release'
  | 'control.request'
  | 'control.grant'
  | 'control.mode'
  | 'agents.pause'
  | 'agents.resume'
  | 'input.interrupt'
  | 'input.withdraw';

export function controlMethods(host: ControlContext): Pick<Handlers, ControlMethod> {
  const { registry, records, attachments } = host;
  const { acted, owned } = sessionLookups(registry);
  const attachedAt = (connection: ClientConnection, channel: Channel): { session: LiveSession; attached: Attached } => {
    const session = attachments.need(connection, channel);
    return { session, attached: session.attachedAt(channel) };
  };
  /** One actor for each person that `reference` may mean. Throws `actor-not-found`. */
  const personsNamed = (session: LiveSession, reference: string): Actor[] => {
    const here = session.summary().attached.find(({ client }) => client === reference);
    const known = here ? [here.actor] : records.actorsNamed(reference).flatMap((id) => records.actor(id) ?? []);
    // Guests of other sessions may be called the same.
    const actors = known.filter(({ guest }) => guest === undefined || session.roles.guestRole(guest) !== null);
    const persons = new Map(actors.map((actor) => [personOf(actor), actor]));
    if (persons.size > 0) return [...persons.values()];
    const attached = [...new Set(session.summary().attached.map(({ actor }) => actor.name))].join(', ');
    throw new CmdopError('actor-not-found', `nobody called ${reference} has been here${attached ? `; attached are ${attached}` : ''}`);
  };
  const setPaused = async (isPaused: boolean, reference: string | undefined, by: Actor): Promise<{ agentsPaused: boolean }> => {
    if (reference === undefined) {
      mustBeHuman(by);
      await host.pauseEverywhere(isPaused, by);
      return { agentsPaused: isPaused };
    }
    const session = registry.find(reference);
    mustBeHuman(by);
    if (isPaused) session.roles.mustSee(by);
    else session.roles.mustOwn(by);
    session.control.pauseHere(isPaused, by);
    if (isPaused) await session.typing.agentsPaused();
    return { agentsPaused: session.control.agentsPaused };
  };

  return {
    'session.size'(connection, { session: reference, policy }, answer) {
      const { actor } = connection.who;
      const session = acted(connection, reference);
      session.size.setPolicy(policy, actor);
      answer({ session: session.summary() });
    },
    async 'session.kick'(connection, { session: reference, actor }, answer) {
      const by = connection.who.actor;
      const session = owned(connection, reference);
      const persons = personsNamed(session, actor);
      if (persons.some((person) => personOf(person) === personOf(by))) {
        throw new CmdopError('bad-request', `you cannot remove yourself from ${session.name}: detach instead`);
      }
      let clients = 0;
      for (const person of persons) {
        const removed = session.kick(person, by);
        host.kicked(session, person);
        clients += await removed;
      }
      answer({ clients });
    },
    async 'role.set'(connection, { session: reference, actor, role }, answer) {
      const by = connection.who.actor;
      const session = owned(connection, reference);
      for (const person of personsNamed(session, actor)) {
        await session.setRole(person, role, by);
        host.roleSet(person);
      }
      answer({ session: session.summary() });
    },
    'control.take'(connection, { channel, force }, answer) {
      const { session, attached } = attachedAt(connection, channel);
      return session.control.takeOver(attached, force, answer);
    },
    'control.release'(connection, { channel }, answer) {
      const { session, attached } = attachedAt(connection, channel);
      answer({ control: session.control.release(attached) });
    },
    'control.request'(connection, { channel, reason }, answer) {
      const { session, attached } = attachedAt(connection, channel);
      return session.control.request(attached, reason, answer);
    },
    'control.grant'(connection, { session: reference, to }, answer) {
      const by = connection.who.actor;
      const session = registry.find(reference);
      // A guest is not told who else has ever been on this host.
      const isKnown =
        !connection.who.grant ||
        session.summary().attached.some(({ client, actor }) => client === to || actor.name === to || actor.id === to);
      const persons = new Set(isKnown ? personsNamed(session, to).map(personOf) : []);
      const isMeant = ({ client, actor }: Attached) => client === to || (persons.has(personOf(actor)) && !isClient(session, to));
      answer({ control: session.control.grant(isMeant, to, { actor: by }) });
    },
    'control.mode'(connection, { session: reference, mode }, answer) {
      const { actor } = connection.who;
      if (reference === undefined) {
        mustBeHuman(actor);
        host.setDefaultMode(mode, actor);
      } else registry.find(reference).control.setMode(mode, actor);
      answer({ mode });
    },
    'agents.pause': async (connection, { session }, answer) => answer(await setPaused(true, session, connection.who.actor)),
    'agents.resume': async (connection, { session }, answer) => answer(await setPaused(false, session, connection.who.actor)),
    async 'input.interrupt'(connection, { channel }, answer) {
      const { session, attached } = attachedAt(connection, channel);
      answer(await session.typing.interrupt(attached));
    },
    'input.withdraw'(connection, { channel }, answer) {
      const { session, attached } = attachedAt(connection, channel);
      answer({ units: session.typing.agents.withdraw(attached.client) });
    },
  };
}

/** A client's id means that client, not everything its actor has attached. */
const isClient = (session: LiveSession, reference: string) => session.summary().attached.some(({ client }) => client === reference);
