/** What each request about the host and its sessions does. */
import { hostname } from 'node:os';
import { CmdopError } from '#protocol/errors.ts';
import type { ActorId, ClientId, SessionId } from '#protocol/ids.ts';
import type { Params } from '#protocol/messages.ts';
import type { SessionCursor, SessionPart } from '#protocol/sessions.ts';
import type { Actor, HostStatus } from '#protocol/shapes.ts';
import type { Grant } from '#protocol/sharing.ts';
import { negotiate, PROTOCOL } from '#protocol/versions.ts';
import { runsInside } from './agents/own-session.ts';
import type { ClientConnection, Handlers } from './client-connection.ts';
import { cleanName } from './journal/actor-names.ts';
import { processTree } from './processes/process-tree.ts';
import { oldestThatFit } from './screen/rows-that-fit.ts';
import type { Screens } from './screen/screens.ts';
import type { ServiceMethod } from './service.ts';
import { type ControlContext, controlMethods } from './sessions/control-methods.ts';
import type { LiveSession } from './sessions/live-session.ts';
import { sessionLookups } from './sessions/session-lookups.ts';
import { sessionPage } from './sessions/session-page.ts';
import { agentsPausedError } from './sessions/session-roles.ts';
import type { Build } from './successor.ts';

/** Longest name before an agent's number, characters. */
const MAX_NUMBERED_NAME = 58;

export type MethodsContext = ControlContext & {
  screens: Screens;
  /** Of the program that runs. */
  identity: { version: string; build: string | null; startedAt: number };
  status(): HostStatus;
  warnings(): string[];
  /** Another client is connected as this actor. */
  isPresent(actor: ActorId, except: ClientId): boolean;
  watch(connection: ClientConnection): void;
  /** What a client that says hello may do as a guest; null for owners. Throws `unauthorized`. */
  guest(connection: ClientConnection, hello: Params<'hello'>): Grant | null;
  /** Whether a session exists for whoever is at `connection`. */
  sees(connection: ClientConnection, session: SessionId): boolean;
  stop(): void;
  handOff(build: Build | undefined): Promise<{ pid: number }>;
  openWeb(asked: { port: number | undefined; name: string }): Promise<{ url: string }>;
};

/** The rest: see services.ts. */
export type SessionHandlers = Omit<Handlers, ServiceMethod>;

export function createHandlers(host: MethodsContext): SessionHandlers {
  const { registry, records, attachments } = host;
  /** Agents of one name are numbered while they are here together, so that each is an actor of its own. */
  const actorOf = (client: Params<'hello'>['client'], grant: Grant | null): Actor => {
    // A guest is called what its owner called it, and its agents are called after it.
    const { kind, interface: via, color } = client;
    const who = grant ? { kind, interface: via, guest: grant.id } : { kind, interface: via, color };
    if (grant && kind === 'human') return records.actorFor({ ...who, name: grant.name });
    const name = grant ? agentOf(grant.name, cleanName(client.name)) : cleanName(client.name);
    const numbered = (number: number) =>
      records.actorFor({ ...who, name: number === 1 ? name : `${name.slice(0, MAX_NUMBERED_NAME)} ${number}` });
    let number = 1;
    let actor = numbered(number);
    while (actor.kind === 'agent' && host.isPresent(actor.id, client.id)) actor = numbered(++number);
    return actor;
  };
  /** An agent that drove the session it runs in would type to itself. */
  const refuseOwnSession = async (connection: ClientConnection, session: LiveSession): Promise<void> => {
    const { whereabouts, actor } = connection.who;
    if (!whereabouts || !(await runsInside(whereabouts, session))) return;
    throw new CmdopError(
      'own-session',
      `${actor.name} runs inside ${session.name} itself and would type to its own terminal: use another session; reading is fine, and its owner may allow it (\`cmdop mcp --allow-own-session\`)`,
    );
  };
  const { seen, acted } = sessionLookups(registry);

  const seenBy = (connection: ClientConnection, from?: SessionCursor): SessionPart =>
    sessionPage(
      registry.listed().filter(({ id }) => host.sees(connection, id)),
      from,
    );

  return {
    hello(connection, hello, answer) {
      const { protocol, client } = hello;
      const version = negotiate(protocol, PROTOCOL);
      const grant = host.guest(connection, hello);
      // What comes through MCP is an agent, whatever it says.
      const actor = actorOf(client.interface === 'mcp' ? { ...client, kind: 'agent' } : client, grant);
      const { pid, inside } = client;
      const isOutside = actor.kind === 'human' || client.ownSessionAllowed === true;
      connection.greet({ client: client.id, actor, grant, whereabouts: isOutside ? null : { pid, inside } });
      answer({
        protocol: version,
        host: { ...host.identity, pid: process.pid, machine: hostname() },
        actor,
        features: [],
        ...(grant ? { guest: grant } : {}),
      });
    },
    ping: (_connection, _params, answer) => answer({}),
    'host.watch'(connection, _params, answer) {
      host.watch(connection);
      answer({
        ...seenBy(connection),
        warnings: connection.who.grant ? [] : host.warnings(),
        agentsPaused: host.status().agentsPaused,
      });
    },
    'host.status': (_connection, _params, answer) => answer(host.status()),
    'host.stop'(_connection, _params, answer) {
      answer({});
      host.stop();
    },
    'host.handoff': async (_connection, { build }, answer) => answer(await host.handOff(build)),
    'web.open': async (connection, { port }, answer) => answer(await host.openWeb({ port, name: connection.who.actor.name })),
    'session.list': (connection, { from }, answer) => answer(seenBy(connection, from)),
    async 'session.create'(connection, params, answer) {
      const { actor } = connection.who;
      if (actor.kind === 'agent' && host.status().agentsPaused) throw agentsPausedError(null);
      answer({ session: (await registry.create(params, actor)).summary() });
    },
    async 'session.attach'(connection, params, answer) {
      const session = registry.find(params.session);
      if (params.role !== 'observer') await refuseOwnSession(connection, session);
      const channel = attachments.newChannel();
      await session.attach(connection, { ...params, channel }, (result) => {
        attachments.set(connection, channel, session);
        answer(result);
      });
    },
    'session.detach'(connection, { channel }, answer) {
      attachments.need(connection, channel).detach(channel);
      attachments.delete(connection, channel);
      answer({});
    },
    async 'session.inspect'(connection, params, answer) {
      const session = seen(connection, params.session);
      await session.output.screen.open();
      const [screen, processes] = await Promise.all([
        host.screens.read(session.id),
        session.shellPid === null ? [] : processTree(session.shellPid),
      ]);
      answer({
        session: session.summary(),
        shellPid: session.shellPid,
        keeperPid: session.keeperPid,
        processes: oldestThatFit(processes),
        modes: screen.modes,
        output: { start: session.output.start, end: session.output.end },
        shellIntegration: session.commands.hasIntegration,
      });
      session.closeIdleScreen();
    },
    async 'session.screen'(connection, params, answer) {
      const session = seen(connection, params.session);
      await session.output.screen.open();
      answer(await host.screens.read(session.id));
      session.closeIdleScreen();
    },
    'session.rename'(connection, { session: reference, name }, answer) {
      const session = acted(connection, reference);
      registry.rename(session, name, connection.who.actor);
      answer({ session: session.summary() });
    },
    async 'session.kill'(connection, params, answer) {
      const session = acted(connection, params.session);
      await refuseOwnSession(connection, session);
      session.signal(params.signal, connection.who.actor);
      answer({});
    },
    async 'session.restart'(connection, params, answer) {
      acted(connection, params.session);
      const { session, isHome } = await registry.restart(params, connection.who.actor);
      answer({ session: session.summary(), isHome });
    },
    async 'session.remove'(connection, { session }, answer) {
      await registry.remove(acted(connection, session), connection.who.actor);
      answer({});
    },
    'session.resize'(connection, { channel, size }, answer) {
      attachments.need(connection, channel).resize(channel, size);
      answer({});
    },
    ...controlMethods(host),
  };
}

/** An agent that comes again calls itself what it was called here. */
function agentOf(guest: string, name: string): string {
  const whose = `${guest}'s `;
  const own = name.startsWith(whose) ? name.slice(whose.length) : name;
  return [...`${whose}${own || 'agent'}`].slice(0, MAX_NUMBERED_NAME).join('');
}
