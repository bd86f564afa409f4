/** cmdop's host, tmux and the floor as seen from another machine: through `reach`, `ssh -t` and ssh2, by one sshd on loopback. */
import './without-native-ssh.ts';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import { newClientId } from '#protocol/ids.ts';
import type { Asker } from '../../main/remote/asker.ts';
import { reach } from '../../main/remote/reach.ts';
import { openSshLink } from '../../main/remote/ssh-link.ts';
import { giveCmdop } from '../remote/far.ts';
import { type Network, startNetwork } from '../remote/network.ts';
import { clientFolder, descendantsOf, startSshd } from '../remote/sshd.ts';
import { attach, type CmdopPeer } from './cmdop-peer.ts';
import type { Peer } from './peer.ts';
import type { RelayPeer } from './relay-peer.ts';
import { openView, type TmuxPeer } from './terminal-peers.ts';

/** Names of the machine: straight, and through a network that can be cut. */
const STRAIGHT = 'devbox';
const CUTTABLE = 'cuttable';

/** Who gets in must not have to be asked. */
const ask: Asker = { hostKey: async () => false, secret: async () => null, notice: () => {} };

export type SshMachine = {
  readonly cmdop: Peer;
  readonly tmux: Peer;
  /** Nothing but bytes, through the same link: what ssh2 and two hops of Node take at best. */
  readonly floor: Peer;
  readonly network: Network;
  /** As `cmdop`, through `network`, by a client that comes back by itself. */
  readonly throughNetwork: Peer;
  /** For `reachingClient`. */
  readonly configFile: string;
  /** sshd's processes of the open connections, and what runs in them. */
  connectionPids(): number[];
  dispose(): Promise<void>;
};

type Local = { cmdop: CmdopPeer; tmux: TmuxPeer; relay: RelayPeer };

/** The account over there has the home of `cmdop`, where its host runs already. */
export async function startSshMachine({ cmdop, tmux, relay }: Local): Promise<SshMachine> {
  const sshd = await startSshd({ config: [`SetEnv HOME=${cmdop.home} CMDOP_HOME=${cmdop.home}`] });
  giveCmdop(cmdop.home);
  const network = await startNetwork(sshd.port);
  const straight = clientFolder(sshd);
  const knownHostsLines = sshd.knownHostsLines.map((line) => line.replace(`:${sshd.port} `, `:${network.port} `));
  const cuttable = clientFolder({ ...sshd, port: network.port, knownHostsLines }, { name: CUTTABLE });
  return {
    cmdop: reached(cmdop, { host: STRAIGHT, configFile: straight.configFile }),
    tmux: overSsh(tmux, straight.configFile),
    floor: overLink(relay, straight.configFile),
    network,
    throughNetwork: reached(cmdop, { host: CUTTABLE, configFile: cuttable.configFile, isComingBack: true }),
    configFile: straight.configFile,
    connectionPids: () => sshd.connections().flatMap((pid) => [pid, ...descendantsOf(pid)]),
    dispose: async () => {
      network.dispose();
      await sshd.dispose();
      for (const { folder } of [straight, cuttable]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A client of the machine's host. */
export function reachingClient({ configFile, host = STRAIGHT, isComingBack = false }: Way): CmdopClient {
  return new CmdopClient({
    identity: { id: newClientId((n) => randomBytes(n)), interface: 'cli', name: 'bench', build: 'bench' },
    connect: () => reach(host, { ask, start: false, configFile }),
    clock: systemClock,
    random: Math.random,
    reconnect: isComingBack,
  });
}

type Way = { configFile: string; host?: string; isComingBack?: boolean };

function reached(cmdop: CmdopPeer, way: Way): Peer {
  return {
    name: 'cmdop',
    start: async (script) => {
      const session = await cmdop.start(script);
      const clients: CmdopClient[] = [];
      return {
        attach: async (listener) => {
          const client = reachingClient(way);
          clients.push(client);
          await client.whenConnected();
          return attach({ client, session: session.id, listener });
        },
        relayPids: session.relayPids,
        end: async () => {
          for (const client of clients) client.close();
          await session.end();
        },
      };
    },
    dispose: async () => {},
  };
}

function overLink(relay: RelayPeer, configFile: string): Peer {
  return {
    name: 'Node relay',
    start: async (script) => {
      const session = await relay.start(script);
      const link = await openSshLink({ host: STRAIGHT, configFile, ask });
      return {
        ...session,
        attach: async (listener) => {
          const stream = await link.streamLocal(session.front);
          stream.on('data', listener);
          stream.on('error', () => {}); // the relay was ended
          return {
            type: (text) => void stream.write(text),
            skippedBytes: () => 0,
            detach: async () => void stream.destroy(),
          };
        },
        end: async () => {
          link.close();
          await session.end();
        },
      };
    },
    dispose: async () => {},
  };
}

function overSsh(tmux: TmuxPeer, configFile: string): Peer {
  return {
    name: 'tmux',
    start: async (script) => {
      const session = await tmux.start(script);
      const command = session.attachCommand.map((word) => `'${word}'`).join(' ');
      let pid: number | null = null;
      let leave = async () => {};
      return {
        attach: async (listener) => {
          const view = openView(['/usr/bin/ssh', '-F', configFile, '-t', STRAIGHT, command], listener);
          pid = view.pid;
          leave = view.detach;
          return view;
        },
        relayPids: async () => [...(await session.relayPids()), ...(pid === null ? [] : [pid])],
        end: async () => {
          await leave();
          await session.end();
        },
      };
    },
    dispose: async () => {},
  };
}
