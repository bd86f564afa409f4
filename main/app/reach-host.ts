/** The way to a host for the page: what is in it is asked in the page, and what is in the way is told. */
import { CmdopError } from '#protocol/errors.ts';
import type { Transport } from '#protocol/transport.ts';
import type { ConnectAnswer } from '../../preload/api.ts';
import { reach } from '../remote/reach.ts';
import { askPage } from './questions.ts';

export type Reached = { is: 'reached'; transport: Transport } | Extract<ConnectAnswer, { is: 'failed' }>;

/** Never rejects: what is in the way is part of the answer. */
export async function reachHost(host: string): Promise<Reached> {
  const ask = askPage(host);
  try {
    return { is: 'reached', transport: await reach(host, { ask, start: true }) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { is: 'failed', message, needs: ask.wasDeclined ? 'person' : whatHelps(error) };
  } finally {
    ask.end();
  }
}

function whatHelps(error: unknown): 'time' | 'person' | 'install' {
  if (!(error instanceof CmdopError)) return 'time';
  switch (error.code) {
    case 'not-installed':
      return 'install';
    case 'unauthorized':
    case 'host-key':
    case 'bad-request':
    case 'bad-configuration':
    case 'protocol-mismatch':
      return 'person';
    default:
      return 'time';
  }
}
