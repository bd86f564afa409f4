/** How a command reaches the host and names its session. */
import { randomBytes } from 'node:crypto';
import { type ClientOptions, CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { personName } from '#local/person-name.ts';
import { VERSION } from '#local/version.ts';
import { LOCAL_HOST, parseAddress } from '#protocol/address.ts';
import { newClientId } from '#protocol/ids.ts';
import { UsageError } from './exit-codes.ts';

export type Globals = { as?: string };

type ConnectOptions = Partial<Pick<ClientOptions, 'watch' | 'reconnect' | 'onEvent' | 'onState' | 'onWatch' | 'connect'>> & {
  /** Start a host if none runs. Default true. */
  start?: boolean;
};

/** A client that gives up when the link breaks, unless told otherwise. Its owner closes it. */
export function newClient(globals: Globals, { start = true, ...options }: ConnectOptions = {}): CmdopClient {
  return new CmdopClient({
    identity: { id: newClientId(randomBytes), interface: 'cli', name: personName(globals.as), build: VERSION },
    connect: () => connectToHost({ start }),
    clock: systemClock,
    random: Math.random,
    reconnect: false,
    ...options,
  });
}

/** Does `work` with a connected client, and closes it. */
export async function withClient<T>(globals: Globals, work: (client: CmdopClient) => Promise<T>, options: ConnectOptions = {}): Promise<T> {
  const client = newClient(globals, options);
  try {
    await client.whenConnected();
    return await work(client);
  } finally {
    client.close();
  }
}

/** A client that, once connected, comes back after every loss. Rejects when it cannot connect at first. Its owner closes it. */
export function lastingClient(globals: Globals, options: Omit<ConnectOptions, 'reconnect'>): Promise<CmdopClient> {
  return new Promise((resolve, reject) => {
    let wasConnected = false;
    const client = newClient(globals, {
      ...options,
      reconnect: true,
      onState: (state) => {
        if (state.is === 'connected' && !wasConnected) {
          wasConnected = true;
          resolve(client);
        } else if (state.is === 'offline' && !wasConnected) {
          client.close();
          reject(state.error);
        }
        if (wasConnected) options.onState?.(state);
      },
    });
  });
}

/** What the host is asked for: a name, an id or its start, bare or as `cmdop://local/NAME`. Throws UsageError. */
export function sessionRef(given: string): string {
  if (given.trim() === '') throw new UsageError('the name of the session is empty: `cmdop ls` shows what is there');
  if (!given.startsWith('cmdop://')) return given;
  const address = parseAddress(given);
  if (!address) throw new UsageError(`${given} is no address: write cmdop://local/NAME`);
  if (address.host !== LOCAL_HOST) throw new UsageError(`${given} is on another machine; this cmdop reaches only cmdop://${LOCAL_HOST}/…`);
  return address.session;
}
