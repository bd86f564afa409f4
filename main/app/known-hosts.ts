/** Hosts that can be added to the window, by what the user's files name. */
import type { KnownHost } from '../../preload/api.ts';
import { listHosts } from '../remote/list-hosts.ts';
import { tellPage } from './page-events.ts';

/** More than anyone looks through; the rest is still reached by its name. */
const MAX_LISTED = 1_000;

/** Rejects for a mistake in the hosts file, which the sentence names. */
export async function knownHosts(): Promise<KnownHost[]> {
  const hosts = await listHosts({ notice: (text) => tellPage({ is: 'notice', host: 'local', text }) });
  return hosts
    .filter(({ by }) => by !== 'local')
    .toSorted((a, b) => (b.reachedAt ?? 0) - (a.reachedAt ?? 0))
    .slice(0, MAX_LISTED)
    .map(({ name, by, how }) => ({ name, by: by === 'ssh' ? 'SSH' : 'command', detail: how.slice(0, 200) }));
}
