/** The way to a host for the page: its own socket here, `reach` elsewhere, with the questions asked in the page. */
import { connectToHost } from '#local/host-connection.ts';
import { LOCAL_HOST } from '#protocol/address.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Transport } from '#protocol/transport.ts';
import { askPage } from './questions.ts';

export type Reached = { is: 'reached'; transport: Transport } | { is: 'failed'; message: string; needs: 'time' | 'person' | 'install' };

/** Never rejects: what is in the way is part of the answer. */
export async function reachHost(host: string): Promise<Reached> {
  const ask = askPage(host);
  try {
    if (host === LOCAL_HOST) return { is: 'reached', transport: await connectToHost({ start: true }) };
    throw new CmdopError('host-unreachable', `${host} cannot be reached yet`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { is: 'failed', message, needs: ask.wasDeclined ? 'person' : 'time' };
  } finally {
    ask.end();
  }
}
