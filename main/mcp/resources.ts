/** Screen, journal and command records of every session as resources, with notifications when they change. */
import { type McpServer, ResourceTemplate, type ServerContext } from '@modelcontextprotocol/server';
import { LOCAL_HOST } from '#protocol/address.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import { visibleText } from '#session/visible-text.ts';
import type { Agent } from './agent.ts';
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

export function addResources(server: McpServer, agents: AgentsByName): void {
  const agentOf = (context: ServerContext) => agents.agentFor(clientName(server, context));
  for (const part of PARTS) {
    const template = new ResourceTemplate(`cmdop://${LOCAL_HOST}/{session}/${part}`, {
      list: async (context) => {
        const { sessions } = await agentOf(context).client.request('session.list', {});
        return { resources: sessions.map(({ name }) => ({ uri: uriOf(name, part), name: `${name}: ${part}`, mimeType: MIME[part] })) };
      },
    });
    server.registerResource(
      `session-${part}`,
      template,
      { description: DESCRIPTIONS[part], mimeType: MIME[part] },
      async (uri, { session }, context) => ({
        contents: [{ uri: uri.href, mimeType: MIME[part], text: await read(agentOf(context), decodeURIComponent(String(session)), part) }],
      }),
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

const uriOf = (session: string, part: Part) => `cmdop://${LOCAL_HOST}/${encodeURIComponent(session)}/${part}`;

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
    const [, name, part] = /^cmdop:\/\/local\/([^/]+)\/(screen|journal|commands)$/.exec(uri) ?? [];
    if (name === undefined) throw new CmdopError('bad-request', `${uri} is no resource of cmdop: resources/list has them`);
    const { id } = await agent.summary(decodeURIComponent(name));
    const tell = rateBound(() => {
      this.#server.server.sendResourceUpdated({ uri }).catch(() => {}); // the client is gone
    });
    const ends = part === 'screen' ? [await listenToOutput(agent, id, tell)] : [listenToRecords(agent, id, tell)];
    this.remove(uri);
    this.#watched.set(uri, () => {
      tell.end();
      for (const end of ends) end();
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

/** Of the journal every change of a session is news: who attached, took control, ran what. */
function listenToRecords(agent: Agent, id: SessionId, tell: () => void): () => void {
  return agent.listen((news) => {
    const session = news.is === 'command' ? news.command.session : news.is === 'approval' ? news.approval.session : news.session;
    if (session === id) tell();
  });
}

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
