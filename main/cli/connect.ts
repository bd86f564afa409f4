/** How a command reaches the host and names its session. */
import { randomBytes } from 'node:crypto';
import type { ClientOptions } from '#client/client-options.ts';
import { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { connectToKeeper } from '#local/keeper-connection.ts';
import { personName } from '#local/person-name.ts';
import { VERSION } from '#local/version.ts';
import { formatAddress, LOCAL_HOST, parseAddress } from '#protocol/address.ts';
import { type CmdopError, isRefusal } from '#protocol/errors.ts';
import { newClientId } from '#protocol/ids.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import type { Transport } from '#protocol/transport.ts';
import { UsageError } from './exit-codes.ts';
import { note } from './output.ts';
import { asTypedHere } from './remedies.ts';

/** `host`: as given with -H, or as the host part of a session's address. */
export type Globals = { as?: string; host?: string };

type ConnectOptions = Partial<Pick<ClientOptions, 'watch' | 'reconnect' | 'isHeldBy' | 'onEvent' | 'onState' | 'onWatch'>> & {
  /** Start a host if none runs; asked at every attempt. Default true. */
  start?: () => boolean;
  /** The terminal is free for questions. Default: it is. */
  mayAsk?: () => boolean;
  /** Hears what the person should know of the way there, each sentence once. Default: it is noted in the terminal. */
  notice?: (sentence: string) => void;
};

/** A client that gives up when the link breaks, unless told otherwise. Its owner closes it. */
export function newClient(
  globals: Globals,
  { start = () => true, mayAsk = () => true, notice = note, ...options }: ConnectOptions = {},
): CmdopClient {
  return new CmdopClient({
    identity: { id: newClientId(randomBytes), interface: 'cli', name: personName(globals.as), build: VERSION },
    connect: (signal) => connectTo(hostOf(globals), { start: start(), mayAsk, notice, signal }),
    ...(isRemote(globals) ? {} : { openKeeper: connectToKeeper }),
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

type LastingOptions = Omit<ConnectOptions, 'reconnect' | 'isHeldBy'> & {
  /** It does not come back: the host lets this person in no more, or needs an answer that nobody here can give. */
  refused: (error: CmdopError) => void;
};

/**
 * A client that, once connected, comes back after every loss, and asks nobody twice who said no: a server counts that.
 * Rejects when it cannot connect at first. Its owner closes it.
 */
export function lastingClient(globals: Globals, { refused, ...options }: LastingOptions): Promise<CmdopClient> {
  return new Promise((resolve, reject) => {
    let wasConnected = false;
    const client = newClient(globals, {
      ...options,
      reconnect: true,
      isHeldBy: isRefusal,
      onState: (state) => {
        if (state.is === 'connected' && !wasConnected) {
          wasConnected = true;
          resolve(client);
        } else if (state.is === 'offline' && !wasConnected) {
          client.close();
          reject(state.error);
        }
        if (!wasConnected) return;
        options.onState?.(state);
        if (state.is === 'offline' && state.isHeld) refused(state.error);
      },
    });
  });
}

/** A fresh connection to a host. */
export async function connectTo(
  host: string,
  { start, mayAsk, notice, signal }: { start: boolean; mayAsk: () => boolean; notice: (sentence: string) => void; signal?: AbortSignal },
): Promise<Transport> {
  if (host === LOCAL_HOST) return connectToHost({ start });
  // Only who needs them waits until SSH and its cryptography are loaded.
  const [{ reach }, { ttyAsker }] = await Promise.all([import('../remote/reach.ts'), import('./tty-asker.ts')]);
  return reach(host, { start, ask: ttyAsker({ mayAsk, notice }), ...(signal ? { signal } : {}) });
}

export const hostOf = ({ host }: Globals): string => host ?? LOCAL_HOST;
/** A command as it is to be typed here for the same host. */
export const commandFor = (globals: Globals, words: string): string =>
  isRemote(globals) ? `cmdop -H ${hostOf(globals)} ${words}` : `cmdop ${words}`;
/** A sentence about a host, with its commands in the same way. */
export const sentenceFor = (globals: Globals, sentence: string): string =>
  isRemote(globals) ? asTypedHere(hostOf(globals), sentence) : sentence;
export const isRemote = (globals: Globals): boolean => hostOf(globals) !== LOCAL_HOST;

/** The session with the address by which it was reached: a host calls itself `local`. */
export const asReached = (globals: Globals, session: SessionSummary): SessionSummary =>
  isRemote(globals) ? { ...session, address: formatAddress({ host: hostOf(globals), session: session.name }) } : session;

/** What the host is asked for: a name, an id or its start, bare or as `cmdop://HOST/NAME`. Throws UsageError. */
export function sessionRef(given: string): string {
  if (given.trim() === '') throw new UsageError('the name of the session is empty: `cmdop ls` shows what is there');
  return addressIn(given)?.session ?? given;
}

/**
 * The host that a command is for: -H, or the host part of a session's address. Throws UsageError where they disagree, or
 * two addresses do.
 */
export function hostFor(option: string | undefined, sessions: readonly string[]): string | undefined {
  let host = option;
  for (const given of sessions) {
    const address = addressIn(given);
    if (!address) continue;
    if (host !== undefined && host !== address.host)
      throw new UsageError(`${given} is not on ${host}: leave out -H ${host}, or name the session alone`);
    host = address.host;
  }
  return host;
}

/** Null for a name or id alone. Throws UsageError for an address that is none. */
function addressIn(given: string): { host: string; session: string } | null {
  if (!given.startsWith('cmdop://')) return null;
  const address = parseAddress(given);
  if (!address) throw new UsageError(`${given} is no address: write cmdop://HOST/NAME`);
  return address;
}
