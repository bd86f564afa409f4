/** From a typed name to a connection that is logged in, through every hop that the configuration puts in front. */
import { CmdopError } from '#protocol/errors.ts';
import type { Asker } from '../asker.ts';
import { type Connection, connectOver } from './connection.ts';
import { parseDestination } from './destination.ts';
import { type HostConfig, hostConfig } from './host-config.ts';
import { commandRoute, hopRoute, type Route, tcpRoute } from './route.ts';
import { processSecrets, type Secrets } from './secrets.ts';

/** Longest chain: more is a circle. */
const MAX_HOPS = 16;

export type SshTarget = {
  /** A `Host` of the configuration, or `user@name:port`. */
  readonly host: string;
  readonly ask: Asker;
  /** Instead of `~/.ssh/config` and the system's. */
  readonly configFile?: string;
  /** The system's configuration, which comes after the user's. */
  readonly systemFile?: string;
  /** What was typed before; the process remembers it unless another memory is given. */
  readonly secrets?: Secrets;
  /** Ends the attempt; nothing once the link is open. */
  readonly signal?: AbortSignal;
};

/** From the first hop to the host itself, each logged in. */
export type Chain = readonly [...Connection[], Connection];

export async function openRoute({ host, ask, configFile, systemFile, secrets = processSecrets, signal }: SshTarget): Promise<Chain> {
  const attempt = signal ?? new AbortController().signal;
  const configs = await hopsTo(host, { read: (name) => hostConfig(parseDestination(name), { configFile, systemFile }, ask.notice) });
  const chain: Connection[] = [];
  try {
    for (const config of configs) {
      const previous = chain.at(-1);
      const route = await routeTo(config, previous, attempt);
      chain.push(await connectOver({ config, route, ask, secrets, signal: attempt }));
    }
  } catch (error) {
    for (const { client } of chain.reverse()) client.destroy();
    throw error;
  }
  const last = chain.pop();
  if (!last) throw new CmdopError('bad-request', `${host} leads nowhere`);
  return [...chain, last];
}

/** The hosts to pass, the asked one last. A hop's own ProxyJump comes before it; one behind another hop has none. */
async function hopsTo(host: string, { read }: { read: (name: string) => Promise<HostConfig> }): Promise<HostConfig[]> {
  const config = await read(host);
  const hops: HostConfig[] = [config];
  let [first] = hops;
  let jump = config.proxyJump;
  while (jump.length > 0 && first) {
    const before: HostConfig[] = [];
    for (const name of jump) before.push(await read(name));
    hops.unshift(...before);
    if (hops.length > MAX_HOPS)
      throw new CmdopError('bad-configuration', `${host} is behind more than ${MAX_HOPS} hops: does a ProxyJump lead in a circle?`);
    first = before[0];
    jump = first?.proxyJump ?? [];
  }
  return hops;
}

function routeTo(config: HostConfig, previous: Connection | undefined, signal: AbortSignal): Promise<Route> | Route {
  if (previous) return hopRoute(previous.client, config, previous.config.typed);
  return config.proxyCommand === null ? tcpRoute(config, signal) : commandRoute(config.proxyCommand);
}
