/** A session of another machine: echo, flood, coming back after a cut, and what it costs while nothing happens. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { BuildLog } from './build-log.ts';
import type { CmdopPeer } from './cmdop-peer.ts';
import { measureEcho } from './echo.ts';
import type { Figures } from './figures.ts';
import { measureFlood } from './flood.ts';
import { awaken, type Peer, pause, Watch, within } from './peer.ts';
import { cpuSeconds, sum, wakeups } from './processes.ts';
import type { SshMachine } from './ssh-peers.ts';

/** Cuts of one round. */
const CUTS = 5;
/** Between them, and before the first, milliseconds: what a new link still does behind the first bytes is over. */
const BEFORE_CUT_MS = 300;
/** Before watching nothing happen, milliseconds: links that linger are gone, compilers and collectors at rest. */
const SETTLE_MS = 7_000;

type SshRound = {
  machine: SshMachine;
  cmdop: CmdopPeer;
  /** Of the machine, in the order of this round. */
  peers: readonly Peer[];
  log: BuildLog;
  keys: number;
  figures: Figures;
};

export async function measureSsh({ machine, peers, log, keys, figures }: SshRound): Promise<void> {
  for (const peer of [...peers, machine.floor]) {
    const { p50, p99 } = await measureEcho(peer, { keys });
    figures.add('over SSH: keystroke echo p50, µs', peer.name, p50);
    figures.add('over SSH: keystroke echo p99, µs', peer.name, p99);
  }
  for (const peer of peers) {
    const flood = await measureFlood(peer, { log, isExact: peer.name === 'cmdop' });
    figures.add('over SSH: flood, MB/s', peer.name, flood.megabytesPerSecond);
    figures.add('over SSH: flood, MB seen by the client', peer.name, flood.seenBytes / 1e6);
    if (peer.name === 'cmdop') figures.add('over SSH: flood, MB left out with a gap', peer.name, flood.skippedBytes / 1e6);
  }
  for (const ms of await measureReturns(machine)) figures.add('over SSH: from a cut to the next echo, ms', 'cmdop', ms);
}

/** A client in a process of its own, as a window is, and all that its session and its connection have over there. */
export async function measureSshIdle({ machine, cmdop, peers, figures }: SshRound, watchMs: number): Promise<void> {
  for (const { name } of peers) {
    const { client, there } = name === 'cmdop' ? await idleCmdop(machine, cmdop, watchMs) : await idleTmux(machine, watchMs);
    figures.add('over SSH: idle, wake-ups/s of the client', name, client.wakeupsPerSecond);
    figures.add('over SSH: idle, wake-ups/s over there', name, there.wakeupsPerSecond);
    figures.add('over SSH: idle, CPU ms/s of both', name, client.cpuMsPerSecond + there.cpuMsPerSecond);
  }
}

/** From a cut of the network, with a key pressed in the same moment, until its echo is here: applied once, and seen. */
async function measureReturns({ throughNetwork, network }: SshMachine): Promise<number[]> {
  const session = await throughNetwork.start('stty -echo; read x; stty raw; printf READY; exec cat');
  const watch = new Watch();
  const view = await session.attach(watch.received);
  await awaken(view, watch);
  const returns: number[] = [];
  for (let n = 0; n < CUTS; n++) {
    await pause(BEFORE_CUT_MS);
    const echoed = watch.until(`<${n}>`);
    const cutAt = performance.now();
    network.cut();
    view.type(`<${n}>`);
    await echoed;
    returns.push(performance.now() - cutAt);
  }
  await session.end();
  return returns;
}

type Side = 'client' | 'there';
type SshIdle = Record<Side, { wakeupsPerSecond: number; cpuMsPerSecond: number }>;

async function idleCmdop(machine: SshMachine, cmdop: CmdopPeer, watchMs: number): Promise<SshIdle> {
  const session = await cmdop.start('exec cat');
  const program = join(import.meta.dirname, 'ssh-idle-client.ts');
  const client = spawn(process.execPath, [program, machine.configFile, session.id], { stdio: ['pipe', 'pipe', 'inherit'] });
  await within('an idle client', once(client.stdout, 'data'));
  await pause(SETTLE_MS);
  const idle = await watched({ client: [client.pid ?? 0], there: [...(await session.relayPids()), ...machine.connectionPids()] }, watchMs);
  client.stdin.end();
  await once(client, 'exit');
  await session.end();
  return idle;
}

async function idleTmux({ tmux, connectionPids }: SshMachine, watchMs: number): Promise<SshIdle> {
  const session = await tmux.start('stty -echo; read x; printf READY; exec cat');
  const [server = 0] = await session.relayPids();
  const watch = new Watch();
  await awaken(await session.attach(watch.received), watch);
  await pause(SETTLE_MS);
  const [, client = 0] = await session.relayPids();
  const idle = await watched({ client: [client], there: [server, ...connectionPids()] }, watchMs);
  await session.end();
  return idle;
}

async function watched(pids: Record<Side, number[]>, watchMs: number): Promise<SshIdle> {
  const now = () => ({
    client: { wakeups: sum(pids.client, wakeups), cpu: sum(pids.client, cpuSeconds) },
    there: { wakeups: sum(pids.there, wakeups), cpu: sum(pids.there, cpuSeconds) },
  });
  const before = now();
  await pause(watchMs);
  const after = now();
  const cost = (who: Side) => ({
    wakeupsPerSecond: ((after[who].wakeups - before[who].wakeups) * 1000) / watchMs,
    cpuMsPerSecond: ((after[who].cpu - before[who].cpu) * 1e6) / watchMs,
  });
  return { client: cost('client'), there: cost('there') };
}
