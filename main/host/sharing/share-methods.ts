/** What the requests about guests do: invites, who has them, and their end. */
import { hostname } from 'node:os';
import { formatJoinCode } from '#local/join-code.ts';
import { parsePublicKey } from '#local/ssh-keys.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Params } from '#protocol/messages.ts';
import type { SHARE_METHODS } from '#protocol/sharing.ts';
import type { ClientConnection, Handlers } from '../client-connection.ts';
import type { Records } from '../journal/records.ts';
import type { Registry } from '../registry.ts';
import { sessionLookups } from '../sessions/session-lookups.ts';
import { mustBeHuman } from '../sessions/session-roles.ts';
import type { Door } from './door.ts';
import { nameCheck } from './guest-names.ts';
import type { Invites, NewInvite, StoredInvite } from './invites.ts';
import type { Links } from './links.ts';
import type { SharedSocket } from './shared-socket.ts';
import type { Sharing } from './sharing.ts';

export type ShareContext = {
  registry: Registry;
  records: Pick<Records, 'actors'>;
  invites: Invites;
  sharing: Sharing;
  door: Door;
  socket: SharedSocket;
  links: Links;
  /** The host's own fingerprint. */
  hostKey(): string;
  wallNow: () => number;
};

type Wanted = Pick<Params<'share.create'>, 'session' | 'name' | 'role' | 'expiresInMs'>;

export function shareHandlers(context: ShareContext): Pick<Handlers, keyof typeof SHARE_METHODS> {
  const { registry, invites, sharing, door, socket, links, hostKey, wallNow } = context;

  const { owned } = sessionLookups(registry);
  const checkName = nameCheck(context);
  const add = (
    connection: ClientConnection,
    wanted: Wanted,
    more: Pick<NewInvite, 'way' | 'key' | 'place'>,
  ): { invite: StoredInvite; secret: string | null } => {
    const by = connection.who.actor;
    const session = owned(connection, wanted.session);
    checkName(wanted.name, session, more.key);
    const { name, role, expiresInMs } = wanted;
    const expiresAt = expiresInMs === undefined ? null : wallNow() + expiresInMs;
    const added = invites.add({ ...more, session: session.id, name, role, createdBy: by.name, expiresAt });
    session.roles.invited(added.invite);
    sharing.noted(added.invite, 'invited', by);
    return added;
  };

  return {
    'auth.challenge'(connection, params, answer) {
      if (connection.entry.is !== 'shared') throw new CmdopError('bad-request', 'nothing needs to be proven here: say hello');
      answer(door.challenge(connection, params));
    },
    'auth.invite': (connection, params, answer) => answer(door.look(connection, params)),
    'share.create'(connection, { key: text, ssh, ...wanted }, answer) {
      const key = text === undefined ? null : parsePublicKey(text);
      if (ssh && !key) throw new CmdopError('bad-request', 'plain ssh needs the guest’s public key: give its file with --key');
      if (!ssh && key && key.type !== 'ssh-ed25519')
        throw new CmdopError(
          'bad-request',
          `cmdop proves Ed25519 keys, and this one is ${key.type}: \`cmdop key\` prints the guest’s; others are for --ssh`,
        );
      const { invite, secret } = add(connection, wanted, { way: ssh ? 'ssh' : 'key', key });
      const place = { socket: socket.path, host: hostKey(), machine: hostname(), session: invite.session };
      const code = ssh ? {} : { code: formatJoinCode({ ...place, ...(secret === null ? {} : { secret }) }) };
      const note =
        ssh || socket.isOpen
          ? {}
          : { note: 'nobody reaches this host yet: open its socket for them with `cmdop host share-socket --group GROUP`' };
      answer({ invite: sharing.shown(invite), ...code, ...note });
    },
    async 'share.link'(connection, { listen = { address: '127.0.0.1', port: 0 }, tls = null, ...wanted }, answer) {
      checkName(wanted.name, owned(connection, wanted.session), null);
      const { server, place } = await links.open({ ...listen, tls });
      const { invite, secret } = add(connection, wanted, { way: 'link', key: null, place });
      const note = server.warning === null ? {} : { note: server.warning };
      answer({ invite: sharing.shown(invite), url: `${server.origin}/join/${secret}`, ...note });
    },
    'share.list'(connection, { session }, answer) {
      mustBeHuman(connection.who.actor);
      const id = session === undefined ? null : registry.named(session).id;
      const shown = invites.all().filter((invite) => id === null || invite.session === id);
      answer({ invites: shown.map((invite) => sharing.shown(invite)) });
    },
    'share.revoke'(connection, { id }, answer) {
      const { actor } = connection.who;
      mustBeHuman(actor);
      const invite = invites.get(id);
      if (!invite) throw new CmdopError('bad-request', `there is no invite ${id}: \`cmdop invites\` shows them`);
      registry.known(invite.session)?.roles.mustOwn(actor);
      answer({ invite: sharing.shown(sharing.revoke(invite, actor)) });
    },
    async 'share.socket'(connection, { group }, answer) {
      mustBeHuman(connection.who.actor);
      if (group === null) await socket.close();
      else await socket.open(group);
      invites.setGroup(group);
      answer(status(socket, group));
    },
    'share.socket.status'(_connection, _params, answer) {
      answer(status(socket, invites.group));
    },
  };
}

const status = (socket: SharedSocket, group: string | null) => ({ socket: socket.isOpen ? socket.path : null, group });
