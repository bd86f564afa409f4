/** Every host that has a name here: this machine, the hosts file, and the Hosts of the SSH configuration. */
import { LOCAL_HOST } from '#protocol/address.ts';
import { readHosts } from './hosts-file.ts';
import { reachedTimes } from './reached.ts';
import { sshConfigHosts } from './ssh-config-hosts.ts';

export type ListedHost = {
  readonly name: string;
  readonly by: 'local' | 'command' | 'ssh' | 'share';
  /** The command, or where SSH goes. */
  readonly how: string;
  /** Unix time; null if never, as far as is known. */
  readonly reachedAt: number | null;
};

/** `notice`: what could not be read; the rest is listed. Throws `bad-configuration` for a mistake in the hosts file. */
export async function listHosts({
  notice,
  configFile,
}: {
  notice: (sentence: string) => void;
  configFile?: string;
}): Promise<ListedHost[]> {
  const reached = reachedTimes();
  const named = Object.entries(readHosts()).map(([name, entry]): Omit<ListedHost, 'reachedAt'> => {
    if ('command' in entry) return { name, by: 'command', how: entry.command.join(' ') };
    if ('ssh' in entry) return { name, by: 'ssh', how: entry.ssh };
    const { socket, ssh } = entry.share;
    return { name, by: 'share', how: ssh === undefined ? socket : `${socket} on ${ssh}` };
  });
  const taken = new Set([LOCAL_HOST, ...named.map(({ name }) => name)]);
  const ofSsh = sshConfigHosts({ notice, ...(configFile === undefined ? {} : { configFile }) })
    .filter(({ name }) => !taken.has(name))
    .map(({ name, how }) => ({ name, by: 'ssh' as const, how }));
  const all = [{ name: LOCAL_HOST, by: 'local' as const, how: 'this machine' }, ...named, ...ofSsh];
  return all.map((host) => ({ ...host, reachedAt: reached[host.name] ?? null }));
}
