/** Any host by the name a person gives it: this machine, an entry of the hosts file, or a machine over SSH. */
import { connectToHost } from '#local/host-connection.ts';
import { LOCAL_HOST } from '#protocol/address.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Transport } from '#protocol/transport.ts';
import type { Asker } from './asker.ts';
import { openCommand, startCommand } from './command-transport.ts';
import { type HostEntry, readHosts, type ShareEntry } from './hosts-file.ts';
import { type Place, readPlace } from './place.ts';
import { noteReached } from './reached.ts';
import { type IdentityFor, openShare } from './share-transport.ts';
import { openOverSsh, withSshHost } from './ssh-host.ts';

export type ReachOptions = {
  readonly ask: Asker;
  /** Start a host there if none runs. */
  readonly start: boolean;
  /** Instead of `~/.ssh/config`. */
  readonly configFile?: string;
  /** Ours, as a guest; the one in its file by default. */
  readonly identity?: IdentityFor;
  /** Ends an attempt that waits for the network. */
  readonly signal?: AbortSignal;
};

/** Throws `host-unreachable`, `unauthorized`, `not-installed` (offer `installOn`), or `bad-configuration`. */
export async function reach(host: string, { ask, start, configFile, signal, identity }: ReachOptions): Promise<Transport> {
  const way = wayTo(host);
  if (way.by === 'local') return connectToHost({ start });
  const transport = await open(host, way, { ask, start, configFile, signal, identity });
  noteReached(host, Date.now());
  return transport;
}

type Undefinable<T> = { [K in keyof T]: T[K] | undefined };

function open(
  host: string,
  way: Exclude<Way, { by: 'local' }>,
  { ask, start, configFile, signal, identity }: Pick<ReachOptions, 'ask' | 'start'> & Undefinable<Omit<ReachOptions, 'ask' | 'start'>>,
): Promise<Transport> {
  switch (way.by) {
    case 'command':
      return openCommand(host, start ? way.command : [...way.command, ...onBridge(way.command, '--no-start')]);
    case 'share':
      return openShare(host, way.share, { ask, configFile, signal, ...(identity ? { identity } : {}) });
    case 'ssh':
      return openOverSsh(way.ssh, { ask, start, configFile, signal });
  }
}

/** Which cmdop a machine has, and where; its host need not run. Null where its command does not tell, and for this machine. */
export async function placeOf(host: string, { ask, configFile }: Omit<ReachOptions, 'start'>): Promise<Place | null> {
  const way = wayTo(host);
  if (way.by === 'local') return null;
  if (way.by === 'ssh') return withSshHost(way.ssh, { ask, configFile }, (there) => there.where(false));
  if (way.by === 'share' || onBridge(way.command, '').length === 0) return null;
  const { program, end } = startCommand(host, [...way.command, '--where', '--no-start']);
  try {
    return await readPlace(program, host);
  } finally {
    end();
  }
}

export type Way =
  | { by: 'local' }
  | { by: 'command'; command: readonly string[] }
  | { by: 'ssh'; ssh: string }
  | { by: 'share'; share: ShareEntry };

/** Throws `bad-configuration` for what can be no host. */
export function wayTo(host: string): Way {
  if (host === LOCAL_HOST) return { by: 'local' };
  if (!/^[^\s/\p{Cc}-][^\s/\p{Cc}]{0,254}$/u.test(host)) {
    throw new CmdopError(
      'bad-configuration',
      `${JSON.stringify(host)} is no host: write local, a Host of ~/.ssh/config, user@name:port, or a name of \`cmdop hosts\``,
    );
  }
  const hosts = readHosts();
  const entry: HostEntry | undefined = Object.hasOwn(hosts, host) ? hosts[host] : undefined;
  if (!entry) return { by: 'ssh', ssh: host };
  if ('command' in entry) return { by: 'command', command: entry.command };
  return 'ssh' in entry ? { by: 'ssh', ssh: entry.ssh } : { by: 'share', share: entry.share };
}

/** Options of ours can only be added where the command ends in `cmdop bridge`; elsewhere it is whatever it is. */
const onBridge = (command: readonly string[], option: string) => (command.at(-1) === 'bridge' ? [option] : []);
