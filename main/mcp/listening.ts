/**
 * `subscriptions/listen` of the 2026-07-28 revision. The SDK answers it, and says what it is told to tell to those who
 * listen to that: here it is told, for as long as somebody listens.
 */
import { CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY, type ServerEvent, type ServerEventBus } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { CmdopError } from '#protocol/errors.ts';
import type { Agent } from './agent.ts';
import { MAX_SUBSCRIPTIONS, watchResource, watchSessions } from './resource-watch.ts';

/** Of JSON-RPC: what the agent may not listen to. */
export const INVALID_PARAMS = -32_602;

const listenRequest = z.object({
  id: z.union([z.string(), z.number()]),
  method: z.literal('subscriptions/listen'),
  params: z.object({
    notifications: z.object({
      resourceSubscriptions: z.array(z.string().max(2_048)).optional(),
      resourcesListChanged: z.boolean().optional(),
    }),
    _meta: z.object({ [PROTOCOL_VERSION_META_KEY]: z.string(), [CLIENT_INFO_META_KEY]: z.object({ name: z.string() }).optional() }),
  }),
});

export type Listening = { id: string | number; clientName: string; uris: readonly string[]; isToList: boolean };

/** What a message asks to listen to; null where it is no such request, or one that the SDK refuses. */
export function listeningOf(message: unknown): Listening | null {
  const request = listenRequest.safeParse(message).data;
  if (!request) return null;
  const { id, params } = request;
  const { resourceSubscriptions = [], resourcesListChanged = false } = params.notifications;
  return {
    id,
    clientName: params._meta[CLIENT_INFO_META_KEY]?.name ?? 'agent',
    uris: [...new Set(resourceSubscriptions)],
    isToList: resourcesListChanged,
  };
}

/** Calls `tell` for what changes of that; the returned function ends it. Throws where this agent may not read one of them. */
export async function watch(agent: Agent, { uris, isToList }: Listening, tell: (event: ServerEvent) => void): Promise<() => void> {
  if (uris.length > MAX_SUBSCRIPTIONS)
    throw new CmdopError('bad-request', `listen to ${MAX_SUBSCRIPTIONS} resources at most, not ${uris.length}`);
  await agent.client.whenConnected();
  const ends: (() => void)[] = [];
  const end = () => {
    for (const each of ends.splice(0)) each();
  };
  try {
    for (const uri of uris) ends.push(await watchResource(agent, uri, () => tell({ kind: 'resource_updated', uri })));
    if (isToList) ends.push(watchSessions(agent, () => tell({ kind: 'resources_list_changed' })));
    return end;
  } catch (error) {
    end();
    throw error;
  }
}

/** What one HTTP request that listens is told. `end` it when the request is over. */
export async function listeningBus(agent: Agent, listening: Listening): Promise<ServerEventBus & { end(): void }> {
  const hearers = new Set<(event: ServerEvent) => void>();
  const publish = (event: ServerEvent) => {
    for (const hearer of [...hearers]) hearer(event);
  };
  const end = await watch(agent, listening, publish);
  const subscribe = (hearer: (event: ServerEvent) => void) => {
    hearers.add(hearer);
    return () => hearers.delete(hearer);
  };
  return { publish, subscribe, end };
}
