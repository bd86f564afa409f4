/** Who may come in where, as the process for SSH guests is told. */
import type { Doors } from '../../guests/wire.ts';
import type { Registry } from '../registry.ts';
import type { Invites } from '../sharing/invites.ts';
import type { SshShare } from './share-file.ts';

export function doorsOf(shares: readonly SshShare[], { invites, registry }: { invites: Invites; registry: Registry }): Doors {
  return {
    is: 'doors',
    listeners: [...new Map(shares.map(({ listener: id, address, port }) => [id, { id, address, port }])).values()],
    guests: shares.flatMap((share) => guestsOf(share, { invites, registry })),
  };
}

/** Every invited key, however its invite was meant to be used: a key is a key. */
function guestsOf({ session: id, listener }: SshShare, { invites, registry }: { invites: Invites; registry: Registry }): Doors['guests'] {
  const session = registry.known(id);
  if (!session) return [];
  const live = invites.all().filter((invite) => invite.session === id && invites.isLive(invite));
  return live.flatMap(({ id: invite, role, name, publicKey }) => {
    if (publicKey === null) return [];
    const users = [session.name, session.id];
    return [{ invite, listener, session: id, users, key: publicKey, role: session.roles.guestRole(invite) ?? role, name }];
  });
}
