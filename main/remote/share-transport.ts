/** The host of somebody else, where we are guests: over its shared socket on this machine, or on one that SSH reaches. */
import { connect } from 'node:net';
import { type GuestTarget, GuestTransport } from '#local/guest-transport.ts';
import { fileIdentity, type Identity } from '#local/identity.ts';
import { localPaths } from '#local/paths.ts';
import { socketTransport } from '#local/socket-transport.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Transport } from '#protocol/transport.ts';
import type { ShareEntry } from './hosts-file.ts';
import { openSocketOverSsh, type SshOptions } from './ssh-host.ts';

export type ShareOptions = SshOptions & {
  /** Ours; the file's by default. */
  identity?: Identity;
  /** A one-time code that brings our key in. */
  code?: string;
};

/** `name`: what the host is called here. Throws `host-unreachable`, `storage`; what the host says comes with the hello. */
export async function openShare(name: string, share: ShareEntry, { identity, code, ...options }: ShareOptions): Promise<Transport> {
  const target: GuestTarget = {
    identity: identity ?? fileIdentity(localPaths().keyFile),
    host: share.host,
    name,
    ...(share.session === undefined ? {} : { session: share.session }),
    ...(code === undefined ? {} : { code }),
  };
  const transport =
    share.ssh === undefined ? await openSocket(name, share.socket) : await openSocketOverSsh(share.ssh, share.socket, options);
  return new GuestTransport(transport, target);
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
