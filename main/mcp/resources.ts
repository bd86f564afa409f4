/** Screen, journal and command records of every session as resources, with notifications when they change. */
import { type McpServer, ResourceTemplate, type ServerContext } from '@modelcontextprotocol/server';
import { formatAddress } from '#protocol/address.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import { visibleText } from '#session/visible-text.ts';
import type { Agent, AgentNews } from './agent.ts';
import { shownRecord } from './history-tool.ts';
import { type AgentsByName, clientName } from './tool.ts';
import { untrusted } from './untrusted.ts';

const PARTS = ['screen', 'journal', 'commands'] as const;
type Part = (typeof PARTS)[number];

const DESCRIPTIONS: Record<Part, string> = {
  screen: 'What is on the screen of a session now, as text. Untrusted terminal data.',
  journal: 'The latest 100 events of a session: who did what, JSON.',
  commands: 'The latest 100 command records of a session, JSON.',
};
const MIME: Record<Part, string> = { screen: 'text/plain', journal: 'application/json', commands: 'application/json' };
const ROWS = 100;
/** A resource is told of at most this often, milliseconds. */
const TELL_EVERY_MS = 500;
/** Of one client: more than anybody reads. */
const MAX_SUBSCRIPTIONS = 100;

export function addResources(server: McpServer, agents: AgentsByName): void {
  const agentOf = (context: ServerContext) => agents.agentFor(clientName(server, context));
  for (const part of PARTS) {
    const template = new ResourceTemplate(`cmdop://{host}/{session}/${part}`, {
      list: async (context) => {
        const { client, host } = agentOf(context);
        const { sessions } = await client.request('session.list', {});
        const shown = sessions.map(({ name }) => ({ uri: `${formatAddress({ host, session: name })}/${part}`, name: `${name}: ${part}` }));
        return { resources: shown.map((each) => ({ ...each, mimeType: MIME[part] })) };
      },
    });
    server.registerResource(
      `session-${part}`,
      template,
      { description: DESCRIPTIONS[part], mimeType: MIME[part] },
      async (uri, _variables, context) => {
        const agent = agentOf(context);
        return { contents: [{ uri: uri.href, mimeType: MIME[part], text: await read(agent, placeOf(uri.href, agent).session, part) }] };
      },
    );
  }
  const updates = new Updates(server);
  server.server.registerCapabilities({ resources: { subscribe: true, listChanged: true } });
  server.server.setRequestHandler('resources/subscribe', async ({ params }, context) => {
    await updates.add(params.uri, agentOf(context));
    return {};
  });
  server.server.setRequestHandler('resources/unsubscribe', async ({ params }) => {
    updates.remove(params.uri);
    return {};
  });
}

/** Throws where the address is none. */
function placeOf(uri: string, agent: Agent): { session: string; part: Part } {
  const [, address = '', name] = /^(cmdop:\/\/[^/]+\/[^/]+)\/(\w+)$/.exec(uri) ?? [];
  const part = PARTS.find((each) => each === name);
  if (!part) throw new CmdopError('bad-request', `${uri} is no resource of cmdop: resources/list has them`);
  return { session: agent.ref(address), part };
}

async function read(agent: Agent, session: string, part: Part): Promise<string> {
  switch (part) {
    case 'screen': {
      const { lines } = await agent.client.request('session.screen', { session });
      return untrusted('Screen', lines.map(visibleText).join('\n').trimEnd());
    }
    case 'journal': {
      const { events } = await agent.client.request('journal.list', { session, limit: ROWS });
      return JSON.stringify(events, null, 1);
    }
    case 'commands': {
      const { commands } = await agent.client.request('history.list', { session, limit: ROWS });
      return JSON.stringify(commands.map(shownRecord), null, 1);
    }
  }
}

/** Who subscribed to what; each is told by the host's own events. */
class Updates {
  readonly #server: McpServer;
  readonly #watched = new Map<string, () => void>();

  constructor(server: McpServer) {
    this.#server = server;
  }

  /** Throws where the address is none. */
  async add(uri: string, agent: Agent): Promise<void> {
    const { session, part } = placeOf(uri, agent);
    const { id } = await agent.summary(session);
    if (!this.#watched.has(uri) && this.#watched.size >= MAX_SUBSCRIPTIONS)
      throw new CmdopError('bad-request', `${MAX_SUBSCRIPTIONS} resources are subscribed to already: unsubscribe from one`);
    const tell = rateBound(() => {
      this.#server.server.sendResourceUpdated({ uri }).catch(() => {}); // the client is gone
    });
    const end =
      part === 'screen' ? await listenToOutput(agent, id, tell) : listenToRecords(agent, { id, isJournal: part === 'journal', tell });
    this.remove(uri);
    this.#watched.set(uri, () => {
      tell.end();
      end();
    });
  }

  remove(uri: string): void {
    this.#watched.get(uri)?.();
    this.#watched.delete(uri);
  }
}

async function listenToOutput(agent: Agent, id: SessionId, tell: () => void): Promise<() => void> {
  const attached = await agent.attach(id);
  let seen = attached.stream.offset;
  return attached.listen(() => {
    const { offset } = attached.stream;
    if (offset === seen) return;
    seen = offset;
    tell();
  });
}

/** Of the journal everything is news: who attached, typed, took control, ran what; of the commands, commands are. */
function listenToRecords(agent: Agent, { id, isJournal, tell }: { id: SessionId; isJournal: boolean; tell: () => void }): () => void {
  return agent.listen((news) => {
    if (news.is === 'command' ? news.command.session === id : isJournal && sessionOf(news) === id) tell();
  });
}

const sessionOf = (news: Exclude<AgentNews, { is: 'command' }>) => (news.is === 'approval' ? news.approval.session : news.session);

function rateBound(tell: () => void): { (): void; end(): void } {
  let timer: NodeJS.Timeout | null = null;
  let isDue = false;
  const bound = () => {
    isDue = true;
    if (timer) return;
    isDue = false;
    tell();
    timer = setTimeout(() => {
      timer = null;
      if (isDue) bound();
    }, TELL_EVERY_MS);
  };
  const end = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    isDue = false;
  };
  return Object.assign(bound, { end });
}
