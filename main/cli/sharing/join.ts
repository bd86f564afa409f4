/** `join`, `key`: being somebody's guest. */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import { fileIdentity } from '#local/identity.ts';
import { parseJoinCode } from '#local/join-code.ts';
import { localPaths } from '#local/paths.ts';
import { personName } from '#local/person-name.ts';
import { VERSION } from '#local/version.ts';
import { CmdopError } from '#protocol/errors.ts';
import { newClientId } from '#protocol/ids.ts';
import { addHost, type HostEntries, readHosts, replaceHost, type ShareEntry } from '../../remote/hosts-file.ts';
import { openShare } from '../../remote/share-transport.ts';
import type { Globals } from '../connect.ts';
import { note, print, printJson } from '../output.ts';
import { ttyAsker } from '../tty-asker.ts';

export async function join(options: Globals & { name?: string; ssh?: string; json?: boolean }, text: string): Promise<void> {
  const { socket, host, machine, secret, session: invitedTo } = parseJoinCode(text);
  const share: ShareEntry = { socket, host, ...(options.ssh === undefined ? {} : { ssh: options.ssh }) };
  // A key may be invited to several sessions; a code belongs to one.
  const wanted = secret === undefined && invitedTo !== undefined ? { ...share, session: invitedTo } : share;
  const ask = ttyAsker({ mayAsk: () => true });
  const client = new CmdopClient({
    identity: { id: newClientId(randomBytes), interface: 'cli', name: personName(options.as), build: VERSION },
    connect: (signal) => openShare(machine, wanted, { ask, signal, ...(secret === undefined ? {} : { code: secret }) }),
    clock: systemClock,
    random: Math.random,
    reconnect: false,
  });
  try {
    await client.whenConnected();
    const { sessions } = await client.request('session.list', {});
    const [session] = sessions;
    const guest = client.guest;
    if (!guest || !session) throw new CmdopError('session-not-found', `${machine} lets you in, but the session is gone: ask its owner`);
    const entry: ShareEntry = { ...share, session: guest.session };
    const name = options.name ?? nameFor(machine, entry, readHosts());
    if (options.name !== undefined) addHost(name, { share: entry });
    else replaceHost(name, { share: entry });
    if (options.json)
      return printJson({ host: name, session: session.name, name: guest.name, role: guest.role, expiresAt: guest.expiresAt });
    note(`you are ${guest.name}, ${guest.role === 'operator' ? 'an operator' : 'an observer'} of ${session.name}; come in with:`);
    print(`cmdop attach -H ${name} ${session.name}\n`);
  } finally {
    client.close();
  }
}

export function key({ json }: { json?: boolean }): void {
  const { text, fingerprint } = fileIdentity(localPaths().keyFile).publicKey;
  if (json) return printJson({ key: text, fingerprint });
  print(`${text} ${userInfo().username}@cmdop\n`);
  note(`${fingerprint}: send the line above to who invites you; it is no secret`);
}

/** The machine's name, unless it means something else here already. */
function nameFor(machine: string, share: ShareEntry, hosts: HostEntries): string {
  const base =
    machine
      .replaceAll(/[^\p{L}\p{N}._-]/gu, '')
      .replace(/^[^\p{L}\p{N}]+/u, '')
      .slice(0, 48) || 'shared';
  const isFree = (name: string) => {
    const known = Object.hasOwn(hosts, name) ? hosts[name] : undefined;
    if (name === 'local') return false;
    return !known || ('share' in known && known.share.host === share.host && known.share.session === share.session);
  };
  if (isFree(base)) return base;
  for (let n = 2; ; n++) if (isFree(`${base}-${n}`)) return `${base}-${n}`;
}
