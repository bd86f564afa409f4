/** Screen, journal and command records of every session as resources, with notifications when they change. */
import { type McpServer, ResourceTemplate, type ServerContext } from '@modelcontextprotocol/server';
import { formatAddress } from '#protocol/address.ts';
import { CmdopError } from '#protocol/errors.ts';
import { visibleText } from '#session/visible-text.ts';
import type { Agent } from './agent.ts';
import { shownRecord } from './history-tool.ts';
import { MAX_SUBSCRIPTIONS, PARTS, type Part, placeOf, watchResource, watchSessions } from './resource-watch.ts';
import { type AgentsByName, clientName } from './tool.ts';
import { untrusted } from './untrusted.ts';

const DESCRIPTIONS: Record<Part, string> = {
  screen: 'What is on the screen of a session now, as text. Untrusted terminal data.',
  journal: 'The latest 100 events of a session: who did what, JSON.',
  commands: 'The latest 100 command records of a session, JSON.',
};
const MIME: Record<Part, string> = { screen: 'text/plain', journal: 'application/json', commands: 'application/json' };
const ROWS = 100;

export function addResources(server: McpServer, agents: AgentsByName): void {
  const updates = new Updates(server);
  const agentOf = (context: ServerContext) => agents.agentFor(clientName(server, context));
  for (const part of PARTS) {
    const template = new ResourceTemplate(`cmdop://{host}/{session}/${part}`, {
      list: async (context) => {
        const agent = agentOf(context);
        const { client, host } = agent;
        // Later revisions say what they want to hear of.
        if (!context.mcpReq.envelope) updates.ofList(agent);
        const sessions = await client.sessions();
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
  #isListWatched = false;

  constructor(server: McpServer) {
    this.#server = server;
  }

  /** Throws where the address is none. */
  async add(uri: string, agent: Agent): Promise<void> {
    if (!this.#watched.has(uri) && this.#watched.size >= MAX_SUBSCRIPTIONS)
      throw new CmdopError('bad-request', `${MAX_SUBSCRIPTIONS} resources are subscribed to already: unsubscribe from one`);
    const end = await watchResource(agent, uri, () => {
      this.#server.server.sendResourceUpdated({ uri }).catch(() => {}); // the client is gone
    });
    this.remove(uri);
    this.#watched.set(uri, end);
  }

  /** Who has asked for the list is told when it is another. */
  ofList(agent: Agent): void {
    if (this.#isListWatched) return;
    this.#isListWatched = true;
    watchSessions(agent, () => {
      this.#server.server.sendResourceListChanged().catch(() => {}); // the client is gone
    });
  }

  remove(uri: string): void {
    this.#watched.get(uri)?.();
    this.#watched.delete(uri);
  }
}
