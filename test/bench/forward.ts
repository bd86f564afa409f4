/** A file of many bytes through a forwarded port, beside `ssh -L` through the same sshd, turn by turn. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { CmdopPeer } from './cmdop-peer.ts';
import type { Figures } from './figures.ts';
import { pause, within } from './peer.ts';
import { cpuSeconds, isAlive, kill, residentBytes, sum } from './processes.ts';
import type { SshMachine } from './ssh-peers.ts';

/** `CMDOP_BENCH_PROFILE=FOLDER`: where the client leaves a profile of each run. */
const PROFILE_FOLDER = process.env.CMDOP_BENCH_PROFILE;
const PROFILING = PROFILE_FOLDER ? ['--cpu-prof', `--cpu-prof-dir=${PROFILE_FOLDER}`] : [];

/** A server that writes as many bytes as the client asks for in its first line, as fast as they are taken. */
const SOURCE = `
const piece = Buffer.alloc(256 * 1024, 'cmdop forwards bytes. ');
require('net').createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (asked) => {
    let left = Number(asked);
    const go = () => {
      while (left > 0) {
        const bytes = left < piece.length ? piece.subarray(0, left) : piece;
        left -= bytes.length;
        if (!socket.write(bytes)) return;
      }
      socket.end();
    };
    socket.on('drain', go);
    go();
  });
}).listen(0, '127.0.0.1', function () { console.log('port=' + this.address().port + ';'); });
`;

type ForwardRound = { machine: SshMachine; cmdop: CmdopPeer; bytes: number; figures: Figures; turn: number };

export async function measureForward({ machine, cmdop, bytes, figures, turn }: ForwardRound): Promise<void> {
  const session = await cmdop.start(`exec '${process.execPath}' -e "$SOURCE"`, { SOURCE });
  const port = await cmdop.listeningPort(session.id);
  const ways = [
    async () => {
      const way = [machine.configFile, session.id, String(port)];
      const { ms, hostGrowth, clientGrowth, cpu } = await throughCmdop({ cmdop, args: way, bytes, connectionPids: machine.connectionPids });
      figures.add('over SSH: forward, MB/s', 'cmdop', bytes / 1e3 / ms);
      figures.add('over SSH: forward, CPU s for a GB: client', 'cmdop', (cpu.client * 1e9) / bytes);
      figures.add('over SSH: forward, CPU s for a GB: host', 'cmdop', (cpu.host * 1e9) / bytes);
      figures.add('over SSH: forward, CPU s for a GB: sshd', 'cmdop', (cpu.sshd * 1e9) / bytes);
      figures.add('over SSH: forward, MB that the host grows by', 'cmdop', hostGrowth / 1e6);
      figures.add('over SSH: forward, MB that the client grows by', 'cmdop', clientGrowth / 1e6);
    },
    async () => {
      const { ms, cpu } = await throughSsh(machine, port, bytes);
      figures.add('over SSH: forward, MB/s', 'ssh -L', bytes / 1e3 / ms);
      figures.add('over SSH: forward, CPU s for a GB: client', 'ssh -L', (cpu.client * 1e9) / bytes);
      figures.add('over SSH: forward, CPU s for a GB: sshd', 'ssh -L', (cpu.sshd * 1e9) / bytes);
    },
    async () => {
      const { ms } = await throughCmdop({ cmdop, args: ['-', session.id, String(port)], bytes, connectionPids: () => [] });
      figures.add('forward on this machine, MB/s', 'cmdop', bytes / 1e3 / ms);
    },
    async () => figures.add('forward on this machine, MB/s', 'Node relay', bytes / 1e3 / (await fetchBytes(port, bytes))),
  ];
  for (let at = 0; at < ways.length; at++) await ways[(at + turn) % ways.length]?.();
  await session.end();
}

type Cpu = { client: number; host: number; sshd: number };
type Through = { ms: number; hostGrowth: number; clientGrowth: number; cpu: Cpu };
type CmdopWay = { cmdop: CmdopPeer; args: string[]; bytes: number; connectionPids: () => number[] };

async function throughCmdop({ cmdop, args, bytes, connectionPids }: CmdopWay): Promise<Through> {
  const program = join(import.meta.dirname, 'forward-client.ts');
  const others = new Set(connectionPids());
  const client = spawn(process.execPath, [...PROFILING, program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [said] = (await within('a forward', once(client.stdout, 'data'))) as [Buffer];
  const port = Number(said.toString());
  // What a first run costs is paid by then: compiled code, buffers.
  await fetchBytes(port, bytes / 10);
  const pids = { client: client.pid ?? 0, host: cmdop.hostPid };
  const sshds = connectionPids().filter((pid) => !others.has(pid));
  const before = [residentBytes(pids.host), residentBytes(pids.client)];
  const from = cpuOf(pids, sshds);
  const ms = await fetchBytes(port, bytes);
  const cpu = since(from, cpuOf(pids, sshds));
  const [hostGrowth = 0, clientGrowth = 0] = [pids.host, pids.client].map((pid, at) => residentBytes(pid) - (before[at] ?? 0));
  client.stdin.end();
  await once(client, 'exit');
  return { ms, hostGrowth, clientGrowth, cpu };
}

async function throughSsh({ configFile, connectionPids }: SshMachine, port: number, bytes: number): Promise<{ ms: number; cpu: Cpu }> {
  const local = await freePort();
  const others = new Set(connectionPids());
  const ssh: ChildProcess = spawn(
    'ssh',
    ['-F', configFile, '-N', '-o', 'ExitOnForwardFailure=yes', '-L', `127.0.0.1:${local}:127.0.0.1:${port}`, 'devbox'],
    {
      stdio: 'inherit',
    },
  );
  try {
    await within('ssh -L', untilOpen(local));
    await fetchBytes(local, bytes / 10);
    const sshds = connectionPids().filter((pid) => !others.has(pid));
    const from = cpuOf({ client: ssh.pid ?? 0 }, sshds);
    const ms = await fetchBytes(local, bytes);
    return { ms, cpu: since(from, cpuOf({ client: ssh.pid ?? 0 }, sshds)) };
  } finally {
    kill(ssh.pid ?? 0, 'SIGTERM');
    await once(ssh, 'exit');
  }
}

/** Seconds of processor time so far: under load they say more than the time that passed. */
function cpuOf({ client, host }: { client: number; host?: number }, sshds: readonly number[]): Cpu {
  return { client: cpuSeconds(client), host: host ? cpuSeconds(host) : 0, sshd: sum(sshds, (pid) => (isAlive(pid) ? cpuSeconds(pid) : 0)) };
}

function since(from: Cpu, to: Cpu): Cpu {
  return { client: to.client - from.client, host: to.host - from.host, sshd: to.sshd - from.sshd };
}

/** Milliseconds until all of them are here. */
function fetchBytes(port: number, bytes: number): Promise<number> {
  const from = performance.now();
  const buffer = Buffer.allocUnsafe(256 * 1024);
  let got = 0;
  return new Promise((resolve, reject) => {
    const onread = {
      buffer,
      callback: (length: number) => {
        got += length;
        return true;
      },
    };
    const socket = connect({ port, host: '127.0.0.1', onread }, () => socket.write(`${Math.floor(bytes)}`));
    socket.on('error', reject);
    socket.on('end', () => {
      if (got === Math.floor(bytes)) resolve(performance.now() - from);
      else reject(new Error(`${got} of ${Math.floor(bytes)} bytes came through`));
    });
  });
}

async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await pause(50);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return address && typeof address !== 'string' ? address.port : 0;
}
