/** Whether a resource has changed: told by the host's own events, twice a second at most, as long as its agent may read it. */
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Agent, AgentNews } from './agent.ts';

export const PARTS = ['screen', 'journal', 'commands'] as const;
export type Part = (typeof PARTS)[number];

/** Of one client: more than anybody reads. */
export const MAX_SUBSCRIPTIONS = 100;
/** A resource is told of at most this often, milliseconds. */
const TELL_EVERY_MS = 500;

/** Throws where the address is none. */
export function placeOf(uri: string, agent: Agent): { session: string; part: Part } {
  const [, address = '', name] = /^(cmdop:\/\/[^/]+\/[^/]+)\/(\w+)$/.exec(uri) ?? [];
  const part = PARTS.find((each) => each === name);
  if (!part) throw new CmdopError('bad-request', `${uri} is no resource of cmdop: resources/list has them`);
  return { session: agent.ref(address), part };
}

/**
 * Calls `tell` when it has changed; the returned function ends that, and so does a refusal: everybody hears of a session, also
 * who was removed from it, so that the host is asked each time. Throws where this agent may not read it, or the address is none.
 */
export async function watchResource(agent: Agent, uri: string, tell: () => void): Promise<() => void> {
  const { session, part } = placeOf(uri, agent);
  const { id } = await agent.summary(session);
  let isOver = false;
  let isAsking = false;
  const ask = async () => {
    if (isAsking) return; // what is told then is later than this
    isAsking = true;
    const may = await mayRead(agent, id);
    isAsking = false;
    if (isOver) return;
    if (may) tell();
    else end();
  };
  const bound = rateBound(() => void ask());
  const unlisten =
    part === 'screen' ? await listenToOutput(agent, id, bound) : listenToRecords(agent, { id, isJournal: part === 'journal', tell: bound });
  const end = () => {
    isOver = true;
    bound.end();
    unlisten();
  };
  return end;
}

/** True too where nobody is there to ask: what there is to tell was heard before. */
async function mayRead(agent: Agent, session: SessionId): Promise<boolean> {
  try {
    await agent.client.request('journal.list', { session, limit: 1 });
    return true;
  } catch (error) {
    return error instanceof CmdopError && error.code === 'disconnected';
  }
}

/** Calls `tell` when there are other sessions than before, or they have other names; the returned function ends that. */
export function watchSessions(agent: Agent, tell: () => void): () => void {
  const names = () =>
    agent.sessions
      .map(({ name }) => name)
      .sort()
      .join(' ');
  const bound = rateBound(tell);
  let seen = names();
  const end = agent.listen((news) => {
    if (news.is !== 'session') return;
    const now = names();
    if (now === seen) return;
    seen = now;
    bound();
  });
  return () => {
    bound.end();
    end();
  };
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
