/**
 * `node build/run.mjs test/bench/ssh.ts [--rounds N] [--keys N] [--bytes N]`: a session seen over SSH, cmdop through ssh2
 * beside `ssh -t HOST tmux attach`, turn by turn through the same sshd on loopback.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import { pipeTransport } from '#local/socket-transport.ts';
import { newClientId } from '#protocol/ids.ts';
import { openSshLink, type SshLink } from '../../main/remote/ssh-link.ts';
import { clientFolder, startSshd } from '../remote/sshd.ts';
import { BuildLog } from './build-log.ts';
import { attach, CmdopPeer } from './cmdop-peer.ts';
import { measureEcho } from './echo.ts';
import { measureFlood } from './flood.ts';
import { type BenchSession, type Peer, pause } from './peer.ts';
import { spread } from './statistics.ts';
import { openView, TmuxPeer } from './terminal-peers.ts';

const { values: given } = parseArgs({ options: { rounds: { type: 'string' }, keys: { type: 'string' }, bytes: { type: 'string' } } });
const rounds = Number(given.rounds ?? 5);
const keys = Number(given.keys ?? 500);
const log = new BuildLog(Number(given.bytes ?? 100e6));

/** How a person's `ssh -t` would look, without asking anything. */
const sshd = await startSshd();
const client = clientFolder(sshd);
const cmdop = await CmdopPeer.start();
const tmux = new TmuxPeer();
const link = await openSshLink({
  host: 'devbox',
  configFile: client.configFile,
  ask: { hostKey: async () => false, secret: async () => null, notice: (text) => console.error(text) },
});

/** A window of the app: the client engine over a channel to the host's socket. */
const overSsh2: Peer = {
  name: 'cmdop',
  start: async (script) => {
    const session = await cmdop.start(script);
    const clients: CmdopClient[] = [];
    return {
      attach: async (listener) => {
        const own = clientOver(link);
        clients.push(own);
        await own.whenConnected();
        return attach({ client: own, session: session.id, listener });
      },
      relayPids: session.relayPids,
      end: async () => {
        for (const each of clients) each.close();
        await session.end();
      },
    };
  },
  dispose: async () => {},
};

const sshAndTmux: Peer = {
  name: 'tmux',
  start: async (script): Promise<BenchSession> => {
    const session = await tmux.start(script);
    const command = session.attachCommand.map((word) => `'${word}'`).join(' ');
    let leave = async () => {};
    return {
      attach: async (listener) => {
        const view = openView(['/usr/bin/ssh', '-F', client.configFile, '-t', 'devbox', command], listener);
        leave = view.detach;
        return view;
      },
      relayPids: session.relayPids,
      end: async () => {
        await leave();
        await session.end();
      },
    };
  },
  dispose: async () => {},
};

const figures = { echo50: twoLists(), echo99: twoLists(), flood: twoLists() };
try {
  for (let round = 0; round < rounds; round++) {
    for (const peer of round % 2 === 0 ? [overSsh2, sshAndTmux] : [sshAndTmux, overSsh2]) {
      const index = peer === overSsh2 ? 0 : 1;
      const echo = await measureEcho(peer, { keys });
      figures.echo50[index].push(echo.p50);
      figures.echo99[index].push(echo.p99);
      const flood = await measureFlood(peer, { log, isExact: peer === overSsh2 });
      figures.flood[index].push(flood.megabytesPerSecond);
      await pause(200);
    }
  }
} finally {
  link.close();
  await cmdop.dispose();
  await tmux.dispose();
  await sshd.dispose();
}
show('keystroke echo p50, µs', figures.echo50);
show('keystroke echo p99, µs', figures.echo99);
show('flood, MB/s', figures.flood);
process.exit(0);

function clientOver(through: SshLink): CmdopClient {
  return new CmdopClient({
    identity: { id: newClientId((n) => randomBytes(n)), interface: 'cli', name: 'bench', build: 'bench' },
    connect: async () => {
      const stream = await through.streamLocal(cmdop.socket);
      return pipeTransport(stream, stream, 'ssh');
    },
    clock: systemClock,
    random: Math.random,
    reconnect: false,
  });
}

function twoLists(): [number[], number[]] {
  return [[], []];
}

function show(figure: string, [own, other]: [number[], number[]]): void {
  const [ours, theirs] = [spread(own), spread(other)];
  const cell = ({ median, min, max }: typeof ours) => `${median.toFixed(0)} (${min.toFixed(0)}–${max.toFixed(0)})`;
  console.log(
    `${figure.padEnd(24)} cmdop over ssh2 ${cell(ours)}, ssh -t tmux attach ${cell(theirs)}: ${(ours.median / theirs.median).toFixed(2)} ×`,
  );
}
