/** `share --ssh` and `share --stop`: a session for people with nothing but ssh, by their public keys. */
import { hostname } from 'node:os';
import type { CmdopClient } from '#client/cmdop-client.ts';
import { isLoopback } from '#local/networks.ts';
import { parsePublicKey } from '#local/ssh-keys.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Result } from '#protocol/messages.ts';
import type { GuestRole, Invite } from '#protocol/sharing.ts';
import { commandFor, type Globals, sessionRef, withClient } from '../connect.ts';
import { UsageError } from '../exit-codes.ts';
import { note, print, printJson } from '../output.ts';
import { showDuration } from '../times.ts';
import { type AuthorizedKey, authorizedKeys, nameInComment } from './authorized-keys.ts';

export type SshOptions = Globals & { json?: boolean };
export type SshWanted = {
  role: GuestRole;
  expiresInMs: number | undefined;
  /** Without an address where it is served already, or on loopback. */
  listen: { address: string | null; port: number } | null;
  /** What is in the file of --key, and what they are to be called if not as it says. */
  key: string | null;
  name: string | null;
  /** What is in the file of --authorized-keys. */
  authorizedKeys: string | null;
};

export async function shareBySsh(options: SshOptions, session: string, wanted: SshWanted): Promise<void> {
  const keys = keysIn(wanted);
  const ref = sessionRef(session);
  const { place, invites } = await withClient(options, async (client) => {
    const invited: Invite[] = [];
    for (const key of keys) invited.push(await invite(client, ref, { ...wanted, ...key }));
    const served = await client.request('share.ssh', { session: ref, ...where(wanted.listen) });
    const { invites: all } = await client.request('share.list', { session: ref });
    return { place: served, invites: invited.length > 0 ? invited : all.filter(isOpen) };
  });
  if (options.json) return printJson({ ...place, invites });
  const { sessionName: name } = place;
  if (invites.length === 0) note(`nobody is invited to ${name} by a key yet: add --key FILE or --authorized-keys FILE`);
  for (const { name: who, role, id, expiresAt } of invites) {
    const end = expiresAt === null ? '' : ` for ${showDuration(expiresAt - Date.now())}`;
    note(`${who} may come as ${role}${end}; \`${commandFor(options, `revoke ${id}`)}\` ends it`);
  }
  note(`${name} is shared until \`${commandFor(options, `share ${name} --stop`)}\`; send them this line:`);
  print(`${sshLine(place)}\n`);
  note(`at first their ssh shows the key ${place.hostKey}: they should compare it`);
  if (isLoopback(place.address)) note('only this machine reaches it there: --listen ADDRESS:PORT names another place');
}

export async function stop(options: SshOptions, session: string): Promise<void> {
  await withClient(options, (client) => client.request('share.ssh.stop', { session: sessionRef(session) }));
  note(`nobody comes in with ssh any more; the invites stay, for when it is shared again (\`${commandFor(options, 'invites')}\`)`);
}

/** The same key in the same role needs no second invite, and keeps the end of the one that it has. */
async function invite(
  client: CmdopClient,
  session: string,
  { key, name, role, expiresInMs }: { key: AuthorizedKey['key']; name: string; role: GuestRole; expiresInMs: number | undefined },
): Promise<Invite> {
  const { invites } = await client.request('share.list', { session });
  const known = invites.find((each) => isOpen(each) && each.key === key.fingerprint);
  if (known && (known.role !== role || (expiresInMs !== undefined && !lasts(known, expiresInMs))))
    throw new CmdopError(
      'bad-request',
      `${known.name} has this key and is invited as ${known.role} ${termOf(known)} already: \`cmdop revoke ${known.id}\` first`,
    );
  if (known) return known;
  const expiry = expiresInMs === undefined ? {} : { expiresInMs };
  return (await client.request('share.create', { session, name, role, key: key.text, ssh: true, ...expiry })).invite;
}

function keysIn({ key, name, authorizedKeys: file }: SshWanted): { key: AuthorizedKey['key']; name: string }[] {
  if (key !== null && file !== null) throw new UsageError('--key gives one key and --authorized-keys several: choose one');
  if (file !== null) {
    if (name !== null) throw new UsageError('the people of --authorized-keys are called as its comments say: leave out --with');
    return authorizedKeys(file);
  }
  if (key === null) return [];
  const parsed = parsePublicKey(key);
  const called = name ?? nameInComment(key.trim().split(/\s+/).slice(2).join(' '));
  if (called === null) throw new UsageError('the key does not say whose it is: name them with --with NAME');
  return [{ key: parsed, name: called }];
}

/** As a guest types it. */
function sshLine({ address, port, session, sessionName }: Result<'share.ssh'>): string {
  const isEverywhere = address === '0.0.0.0' || address === '::';
  return `ssh -p ${port} ${/^[\w.-]+$/.test(sessionName) ? sessionName : session}@${isEverywhere ? hostname() : address}`;
}

const where = (listen: SshWanted['listen']) =>
  listen === null
    ? {}
    : { ...(listen.address === null ? {} : { address: listen.address }), ...(listen.port === 0 ? {} : { port: listen.port }) };
/** Whether it was invited for this long. The host read its clock twice for it: for the beginning and for the end. */
const lasts = ({ createdAt, expiresAt }: Invite, ms: number) => expiresAt !== null && Math.abs(expiresAt - createdAt - ms) < 1_000;
const termOf = ({ createdAt, expiresAt }: Invite) => (expiresAt === null ? 'without an end' : `for ${showDuration(expiresAt - createdAt)}`);
const isOpen = ({ state, key }: Invite) => key !== null && (state === 'open' || state === 'used');
