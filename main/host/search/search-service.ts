/** The host's answers to who searches: over command lines by itself, over output in processes, and only where the asker may read. */
import type { SessionId } from '#protocol/ids.ts';
import type { Params } from '#protocol/messages.ts';
import type { SEARCH_METHODS, SearchHit } from '#protocol/search.ts';
import type { AgentGuard } from '../agents/agent-guard.ts';
import { isAgent } from '../agents/input-judge.ts';
import { guardedSession } from '../agents/policy-desk.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { HostNews } from '../host-news.ts';
import { recordedSession } from '../journal/recorded-session.ts';
import type { Records } from '../journal/records.ts';
import type { Registry } from '../registry.ts';
import { oldestThatFit } from '../screen/rows-that-fit.ts';
import type { Service } from '../service.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { sessionLookups } from '../sessions/session-lookups.ts';
import { Sketcher } from '../sketches/sketcher.ts';
import { newMatcher } from './matcher.ts';
import { OutputSearch } from './output-search.ts';
import type { FoundHit } from './search-messages.ts';

/** Of a command that a hit belongs to, characters. */
const MAX_COMMAND_TEXT = 400;

export type SearchContext = {
  records: Records;
  registry: Registry;
  news: HostNews;
  guard: AgentGuard;
  /** Folder of a session's output. */
  folderOf(session: SessionId): string;
};

export function searchService(context: SearchContext): Service<keyof typeof SEARCH_METHODS> {
  const { records, registry, news, guard } = context;
  const complete = (connection: ClientConnection, hit: FoundHit): SearchHit | null => {
    const session = registry.get(hit.session);
    if (!session || session.roles.isKicked(connection.who.actor)) return null;
    const { before } = records.commands.around(hit.session, hit.offset as SearchHit['offset']);
    const isWithin = before !== null && (before.to === null || hit.offset < before.to);
    const command = isWithin ? news.commandRecord(before) : null;
    return {
      ...hit,
      offset: hit.offset as SearchHit['offset'],
      sessionName: session.name,
      command: command && {
        id: command.id,
        text: command.text.slice(0, MAX_COMMAND_TEXT),
        authors: command.authors,
        submitter: command.submitter,
        startedAt: command.startedAt,
        exitCode: command.exitCode,
      },
    };
  };
  const now = () => performance.now();
  const sketcher = new Sketcher({ sessions: registry, folderOf: context.folderOf, now });
  const outputs = new OutputSearch({ complete, now, unsketched: (session) => sketcher.reported(session) });

  /** Sessions on the list that a client may read without asking anyone. */
  const readable = (connection: ClientConnection): LiveSession[] => {
    const { actor } = connection.who;
    return registry.all().filter((session) => !session.roles.isKicked(actor) && guard.mayRead(actor, guardedSession(session)));
  };
  /** Sessions that a client names: the guard has let it in. */
  const { seen } = sessionLookups(registry);

  return {
    handlers: {
      async 'search.commands'(connection, params, answer) {
        const isIn = commandScope(connection, params);
        const matcher = newMatcher(params);
        const found = await records.commands.search({
          ...params,
          session: params.session === undefined ? undefined : recordedSession(context, params.session),
          matches: (text) => matcher.next(text, 0) >= 0,
          isIn,
          isWanted: () => !connection.isClosed,
        });
        const commands = oldestThatFit(found.commands.map((command) => news.commandRecord(command)));
        answer({ commands, more: found.more || commands.length < found.commands.length });
      },
      async 'search.output'(connection, { session, since = null, limit, ...sought }, answer) {
        newMatcher(sought); // said before a process is started
        outputs.mustHaveRoom(connection);
        const sessions = session === undefined ? readable(connection) : [seen(connection, session)];
        await Promise.all(sessions.map(({ output }) => output.stored()));
        if (connection.isClosed) return;
        const folders = sessions.map(({ id }) => ({ session: id, folder: context.folderOf(id) }));
        outputs.start(connection, { sessions: folders, sought, since, limit }, (search) => answer({ search }));
      },
      'search.cancel'(connection, { search }, answer) {
        outputs.cancel(connection, search);
        answer({});
      },
    },
    outputSealed: (session) => sketcher.want(session),
    sessionChanged: (session) => {
      if (!session.isRunning) sketcher.want(session.id);
    },
    closed: (connection) => outputs.closed(connection),
    dispose() {
      outputs.dispose();
      sketcher.dispose();
    },
  };

  /** People read the whole history; an agent that names no session, that of those on the list which it may read. */
  function commandScope(connection: ClientConnection, { session }: Params<'search.commands'>): (session: SessionId) => boolean {
    const { actor } = connection.who;
    if (session === undefined && isAgent(actor)) {
      const ids = new Set(readable(connection).map(({ id }) => id));
      return (id) => ids.has(id);
    }
    return (id) => !registry.known(id)?.roles.isKicked(actor);
  }
}
