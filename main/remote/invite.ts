/** An invite to somebody else's session: looked at before it is accepted, and accepted, so that the session's host has a name here. */
import { randomBytes } from 'node:crypto';
import { CmdopClient } from '#client/cmdop-client.ts';
import { Connection } from '#client/connection.ts';
import { systemClock } from '#local/clock.ts';
import { proofFor } from '#local/guest-proof.ts';
import type { Identity } from '#local/identity.ts';
import type { JoinCode } from '#local/join-code.ts';
import { VERSION } from '#local/version.ts';
import { CmdopError } from '#protocol/errors.ts';
import { newClientId } from '#protocol/ids.ts';
import type { Result } from '#protocol/messages.ts';
import type { InterfaceKind } from '#protocol/shapes.ts';
import type { Grant } from '#protocol/sharing.ts';
import type { Asker } from './asker.ts';
import { addHost, type HostEntries, mustBeNewHost, readHosts, replaceHost, type ShareEntry } from './hosts-file.ts';
import { guestTarget, openDoor, openShare } from './share-transport.ts';
import { isSshConfigHost } from './ssh-config-hosts.ts';

/** How an invite is come by. */
export type InviteWay = {
  readonly code: JoinCode;
  /** An account of ours on its machine, where that is another one. */
  readonly ssh?: string;
  /** The key that is to come in. */
  readonly identity: Identity;
  readonly ask: Asker;
  readonly signal?: AbortSignal;
};

export type Accepted = {
  /** What the host is called here. */
  readonly host: string;
  readonly session: { readonly id: string; readonly name: string };
  readonly grant: Grant;
};

/**
 * What it is an invite to, as its host says, which has proven to be the one in the code; nothing is used by it. Null where
 * the host is too old to say. Throws what the host says against it, and as `openShare`.
 */
export async function lookAtInvite(way: InviteWay): Promise<Result<'auth.invite'> | null> {
  const { code, identity, ask, signal } = way;
  const target = guestTarget(code.machine, wantedShare(way), { identity, ...(code.secret === undefined ? {} : { code: code.secret }) });
  const transport = await openDoor(code.machine, wantedShare(way), { ask, signal });
  const listener = { event: () => {}, output: () => {}, responsive: () => {}, closed: () => {} }; // requests in flight are told themselves
  const connection = new Connection({ transport, clock: systemClock, listener });
  const abort = () => connection.close();
  signal?.addEventListener('abort', abort);
  try {
    const [client, nonce] = [newClientId(randomBytes), randomBytes(32).toString('base64')];
    const answer = await connection.request('auth.challenge', { client, nonce });
    return await connection.request('auth.invite', { client, proof: proofFor(target, { answer, client, nonce }) });
  } catch (error) {
    if (error instanceof CmdopError && error.code === 'unknown-method') return null;
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    connection.close();
  }
}

/**
 * Brings the key in, and writes the host into the hosts file: as `name`, which must be free, or as its machine. Neither hides
 * a machine of the SSH configuration. Throws as `lookAtInvite`, and `name-taken`.
 */
export async function acceptInvite(
  way: InviteWay & { readonly name?: string | undefined; readonly person: string; readonly interface: InterfaceKind },
): Promise<Accepted> {
  const { code, identity, ask, signal, name, person } = way;
  const { machine, secret } = code;
  if (name !== undefined) mustBeFree(name); // before the code is used
  const client = new CmdopClient({
    identity: { id: newClientId(randomBytes), interface: way.interface, name: person, build: VERSION },
    connect: (ended) =>
      openShare(machine, wantedShare(way), {
        ask,
        signal: signal ?? ended,
        identity: () => identity,
        ...(secret === undefined ? {} : { code: secret }),
      }),
    clock: systemClock,
    random: Math.random,
    reconnect: false,
  });
  try {
    await client.whenConnected();
    const { sessions } = await client.request('session.list', {});
    const [session] = sessions;
    const grant = client.guest;
    if (!grant || !session) throw new CmdopError('session-not-found', `${machine} lets you in, but the session is gone: ask its owner`);
    const { socket, host } = code;
    const ssh = way.ssh === undefined ? {} : { ssh: way.ssh };
    const share: ShareEntry = { socket, host, session: grant.session, key: identity.publicKey.fingerprint, ...ssh };
    const called = name ?? nameFor(machine, { share, isFiles: way.interface === 'cli' }, readHosts());
    if (name !== undefined) addHost(called, { share });
    else replaceHost(called, { share });
    return { host: called, session: { id: session.id, name: session.name }, grant };
  } finally {
    client.close();
  }
}

/** A key may be invited to several sessions; a code belongs to one. */
function wantedShare({ code: { socket, host, secret, session }, ssh }: InviteWay): ShareEntry {
  const of = secret === undefined && session !== undefined ? { session } : {};
  return { socket, host, ...of, ...(ssh === undefined ? {} : { ssh }) };
}

function mustBeFree(name: string): void {
  mustBeNewHost(name);
  if (!isSshConfigHost(name)) return;
  const why = `${name} is a Host of your SSH configuration, and \`cmdop -H ${name}\` would not reach it any more`;
  throw new CmdopError('name-taken', `${why}: choose another name`);
}

/**
 * The machine's name, which is for its owner to choose, unless it means something else here already: an invite of another key
 * is another host. `isFiles`: ours is the key in the file.
 */
function nameFor(machine: string, { share, isFiles }: { share: ShareEntry; isFiles: boolean }, hosts: HostEntries): string {
  const base =
    machine
      .replaceAll(/[^\p{L}\p{N}._-]/gu, '')
      .replace(/^[^\p{L}\p{N}]+/u, '')
      .slice(0, 48) || 'shared';
  const isFree = (name: string) => {
    const known = Object.hasOwn(hosts, name) ? hosts[name] : undefined;
    if (name === 'local') return false;
    if (!known) return !isSshConfigHost(name);
    if (!('share' in known)) return false;
    const { host, session, key } = known.share;
    return host === share.host && session === share.session && (key === undefined ? isFiles : key === share.key);
  };
  if (isFree(base)) return base;
  for (let n = 2; ; n++) if (isFree(`${base}-${n}`)) return `${base}-${n}`;
}
