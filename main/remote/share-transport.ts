/** The host of somebody else, where we are guests: over its shared socket on this machine, or on one that SSH reaches. */
import { connect } from 'node:net';
import type { GuestTarget } from '#local/guest-proof.ts';
import { GuestTransport } from '#local/guest-transport.ts';
import { fileIdentity, type Identity } from '#local/identity.ts';
import { localPaths } from '#local/paths.ts';
import { socketTransport } from '#local/socket-transport.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Transport } from '#protocol/transport.ts';
import type { ShareEntry } from './hosts-file.ts';
import { openSocketOverSsh, type SshOptions } from './ssh-host.ts';

/** Our key for a host; throws a sentence where we do not have the one that is invited there. */
export type IdentityFor = (share: ShareEntry) => Identity | Promise<Identity>;

export type ShareOptions = SshOptions & {
  /** The one in our file by default. */
  identity?: IdentityFor;
  /** A one-time code that brings our key in. */
  code?: string;
};

/** `name`: what the host is called here. Throws `host-unreachable`, `storage`; what the host says comes with the hello. */
export async function openShare(
  name: string,
  share: ShareEntry,
  { identity = keyInFile, code, ...options }: ShareOptions,
): Promise<Transport> {
  const target = guestTarget(name, share, { identity: await identity(share), ...(code === undefined ? {} : { code }) });
  return new GuestTransport(await openDoor(name, share, options), target);
}

export const guestTarget = (name: string, { host, session }: ShareEntry, who: { identity: Identity; code?: string }): GuestTarget => ({
  ...who,
  host,
  name,
  ...(session === undefined ? {} : { session }),
});

/** The bytes to a host's door, at which nobody has said anything yet. Throws as `openShare`. */
export function openDoor(name: string, share: ShareEntry, options: SshOptions): Promise<Transport> {
  return share.ssh === undefined ? openSocket(name, share.socket) : openSocketOverSsh(share.ssh, share.socket, options);
}

/** The key of the command line. Throws `unauthorized` where another one is invited: that of the app, say. */
export function keyInFile({ key }: Pick<ShareEntry, 'key'>): Identity {
  const identity = fileIdentity(localPaths().keyFile);
  const { fingerprint } = identity.publicKey;
  if (key === undefined || key === fingerprint) return identity;
  throw new CmdopError(
    'unauthorized',
    `the key ${key} was invited there, and this command line has ${fingerprint}: if you joined in the app, come in there, or ask the owner for a code for this one`,
    { needs: 'person' },
  );
}

function openSocket(name: string, path: string): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', ({ code }: NodeJS.ErrnoException) => reject(new CmdopError('host-unreachable', `${name}: ${why(code, path)}`)));
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socketTransport(socket, 'shared socket'));
    });
  });
}

function why(code: string | undefined, path: string): string {
  if (code === 'EACCES')
    return `${path} is for a group that this account is not in: ask the owner which, and log in anew once you were added`;
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return `nobody shares at ${path} now: ask the owner to run \`cmdop host share-socket --group GROUP\`; if it is on another machine, join with --ssh`;
  return `${path} cannot be opened (${code})`;
}
