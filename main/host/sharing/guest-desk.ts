/** Puts together what a host has for guests: invites, the door where keys are proven, the socket they come by. */
import { fileIdentity, type Identity } from '#local/identity.ts';
import type { LocalPaths } from '#local/paths.ts';
import { Strangers } from '#local/strangers.ts';
import { Turns } from '#local/turns.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Params } from '#protocol/messages.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import type { Grant, SHARE_METHODS } from '#protocol/sharing.ts';
import type { Transport } from '#protocol/transport.ts';
import type { Attachments } from '../attachments.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { Entry } from '../client-entry.ts';
import { SshShares } from '../guests/ssh-shares.ts';
import type { HostNews } from '../host-news.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records } from '../journal/records.ts';
import type { Registry } from '../registry.ts';
import type { Service } from '../service.ts';
import type { StateFiles } from '../state-files.ts';
import { Door } from './door.ts';
import { GuestRefusals } from './guest-refusals.ts';
import { Invites } from './invites.ts';
import { Links } from './links.ts';
import { Refusals } from './refusals.ts';
import { shareHandlers } from './share-methods.ts';
import { SharedSocket } from './shared-socket.ts';
import { Sharing } from './sharing.ts';

/** What strangers ask: a signature and what belongs to it take 0.2 ms, so that all of them together have a tenth of the time. */
const PACE = { atOnce: 16, everyMs: 2 };

export type GuestDeskOptions = {
  paths: LocalPaths;
  stateFiles: StateFiles;
  rendererDir: string;
  journal: Journal;
  records: Records;
  registry: Registry;
  news: HostNews;
  attachments: Attachments;
  wallNow: () => number;
  connect(transport: Transport, entry: Entry): ClientConnection;
};

export type GuestDesk = {
  readonly sharing: Sharing;
  readonly invites: Invites;
  /** What plain ssh is served for. */
  readonly shares: SshShares;
  readonly service: Service<keyof typeof SHARE_METHODS>;
  /** What is wrong, each a sentence. */
  readonly problems: (string | null)[];
  /** Who may come to a session besides those who reach the host themselves; undefined where nobody may. */
  shared(session: SessionId): SessionSummary['shared'];
  /** What a client that says hello may do as a guest; null for owners. Throws `unauthorized`. */
  grantFor(connection: ClientConnection, hello: Params<'hello'>): Grant | null;
  /** Opens again what the last host had open. */
  resume(): Promise<void>;
};

export function newGuestDesk(options: GuestDeskOptions): GuestDesk {
  const { paths, journal, registry, records, connect, wallNow } = options;
  const invites = new Invites({ files: options.stateFiles, file: paths.invitesFile, wallNow });
  const refusals = new Refusals(journal);
  const guestRefusals = new GuestRefusals({ ...options, invites });
  const sharing: Sharing = new Sharing({
    ...options,
    invites,
    guestRefusals,
    invitesChanged() {
      shares.reconcileSoon();
      links.prune();
    },
  });
  const shares = new SshShares({ ...options, invites, sharing, guestRefusals });
  const strangers = new Strangers({ refused: (message) => refusals.note({ message }) });
  const turns = new Turns({ now: () => performance.now(), ...PACE });
  /** Connections whose refusal is on record already. */
  const refused = new WeakSet<ClientConnection>();
  const links = new Links({
    rendererDir: options.rendererDir,
    invites,
    sessionName: ({ session }) => registry.known(session)?.name ?? null,
    accepted: (invite) => sharing.noted(invite, 'joined', null),
    refused: (message) => refusals.note({ message }),
    admit: (transport, grant) => void sharing.admit(transport, grant),
  });
  let own: Identity | null = null;
  const identity = () => {
    own ??= fileIdentity(paths.hostKeyFile);
    return own;
  };
  const door = new Door({
    invites,
    identity,
    refused(connection, why) {
      refused.add(connection);
      refusals.note(why);
    },
    proved: (connection) => strangers.left(connection),
    sessionOf({ session, id, role }) {
      const there = registry.known(session);
      return there && { id: there.id, name: there.name, isRunning: there.isRunning, role: there.roles.guestRole(id) ?? role };
    },
    joined: (invite) => sharing.noted(invite, 'joined', null),
  });
  let problem: string | null = null;
  const socket = new SharedSocket({
    path: paths.sharedSocket,
    connected: (transport) => strangers.came(connect(transport, { is: 'shared', turns })),
  });
  const hostKey = () => identity().publicKey.fingerprint;
  return {
    sharing,
    invites,
    shares,
    get problems() {
      return [problem, shares.problem];
    },
    shared: (session) => sharing.sharedIn(session, shares.placeOf(session)),
    grantFor(connection, { client, auth }) {
      const { entry } = connection;
      if (entry.is === 'owner') return null;
      const grant = entry.is === 'granted' ? entry.grant : door.prove(connection, client.id, auth);
      sharing.enter(connection, grant);
      return grant;
    },
    async resume() {
      sharing.expire();
      const failed = (error: unknown) => {
        problem = error instanceof Error ? error.message : String(error);
      };
      problem = await links.resume();
      await shares.resume().catch(failed);
      if (invites.group === null) return;
      await socket.open(invites.group).catch((error: unknown) => {
        problem = `guests cannot come: ${error instanceof Error ? error.message : String(error)}`;
      });
    },
    service: {
      handlers: shareHandlers({ registry, records, invites, sharing, door, socket, links, hostKey, wallNow }),
      closed(connection) {
        const isUnproved = strangers.left(connection) && !refused.has(connection);
        if (isUnproved) refusals.note({ message: connection.refusedFor ?? 'who connected left without proving a key' });
        sharing.closed(connection);
      },
      dispose() {
        sharing.dispose();
        refusals.dispose();
        guestRefusals.dispose();
        links.dispose();
        void socket.close();
      },
    },
  };
}
