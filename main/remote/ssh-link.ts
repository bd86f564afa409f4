/** A connection to a host over SSH: programs, sockets and files of the other side, for as long as it holds. */
import { openRoute, type SshTarget } from './ssh/hops.ts';
import type { SshLink } from './ssh/link.ts';
import { OpenLink } from './ssh/open-link.ts';

/**
 * Throws CmdopError: `host-unreachable` (worth another try), `unauthorized`, `host-key`, `bad-configuration` or `bad-request`
 * (not before something is changed); each says what to do.
 */
export async function openSshLink(target: SshTarget): Promise<SshLink> {
  return new OpenLink(await openRoute(target));
}
