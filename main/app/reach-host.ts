/** The way to a host for the page: what is in it is asked in the page, and what is in the way is told. */
import type { Transport } from '#protocol/transport.ts';
import type { ConnectAnswer } from '../../preload/api.ts';
import { reach } from '../remote/reach.ts';
import { identityFor } from './own-key.ts';
import { askPage } from './questions.ts';
import { whatHelps } from './what-helps.ts';

export type Reached = { is: 'reached'; transport: Transport } | Extract<ConnectAnswer, { is: 'failed' }>;

/** The attempt that runs for each host: the page asks anew when it gave the last one up. */
const attempts = new Map<string, AbortController>();

/** Never rejects: what is in the way is part of the answer. An attempt for the same host that still runs is given up. */
export async function reachHost(host: string): Promise<Reached> {
  attempts.get(host)?.abort();
  const attempt = new AbortController();
  attempts.set(host, attempt);
  const ask = askPage(host);
  attempt.signal.addEventListener('abort', () => ask.end());
  try {
    return { is: 'reached', transport: await reach(host, { ask, start: true, signal: attempt.signal, identity: identityFor }) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { is: 'failed', message, needs: ask.wasDeclined ? 'person' : whatHelps(error) };
  } finally {
    ask.end();
    if (attempts.get(host) === attempt) attempts.delete(host);
  }
}
