/** What tests of files need: a link that can be cut, files of random bytes, and the cost of a large one measured. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import { localPaths } from '#local/paths.ts';
import { socketTransport } from '#local/socket-transport.ts';
import { newClientId } from '#protocol/ids.ts';
import type { Engine, Person } from './engine.ts';

/** A client whose way to the host can be cut. */
export async function cuttingLink(
  engine: Engine,
): Promise<{ client: CmdopClient; readonly connections: number; cut(): void; dispose(): void }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const { hostSocket } = localPaths({ ...engine.env });
  const proxy: Server = createServer((near) => {
    connections++;
    const far = connect(hostSocket);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}); // it was cut
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  const path = join(engine.home, 'proxy.sock');
  await new Promise<void>((resolve) => proxy.listen(path, resolve));
  const client = new CmdopClient({
    identity: { id: newClientId((n) => randomBytes(n)), interface: 'cli', name: 'ann', build: 'test' },
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = connect(path, () => resolve(socketTransport(socket)));
        socket.once('error', reject);
      }),
    clock: systemClock,
    random: Math.random,
  });
  return {
    client,
    get connections() {
      return connections;
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    dispose: () => {
      client.close();
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

export function writeRandom(path: string, megabytes: number): string {
  const hash = createHash('sha256');
  const file = openSync(path, 'w');
  for (let at = 0; at < megabytes * 1024 * 1024; at += 1024 * 1024) {
    const piece = randomBytes(1024 * 1024);
    hash.update(piece);
    writeSync(file, piece);
  }
  closeSync(file);
  return hash.digest('hex');
}

export function hashOfFile(path: string): string {
  const hash = createHash('sha256');
  const file = openSync(path, 'r');
  for (const piece = Buffer.alloc(1024 * 1024); ; ) {
    const length = readSync(file, piece);
    if (length === 0) break;
    hash.update(piece.subarray(0, length));
  }
  closeSync(file);
  return hash.digest('hex');
}

/** Echo of the session, and the largest memory of host and client, while a large file goes by. */
export function measure(engine: Engine, ann: Person, megabytes: number): { said(times: { up: number; down: number }): void; stop(): void } {
  const echo = ann.attach('api');
  const echoes: number[] = [];
  let host = 0;
  let own = 0;
  let isOver = false;
  const looking = setInterval(() => {
    host = Math.max(host, rssOf(engine.host?.pid ?? 0));
    own = Math.max(own, process.memoryUsage.rss());
  }, 100);
  const typing = async () => {
    for (let n = 0; !isOver; n++) {
      const at = performance.now();
      void echo.type(`e${n}.\n`);
      await echo.until(`e${n}.`);
      echoes.push(performance.now() - at);
      await new Promise((resolve) => setTimeout(resolve, 20)); // between keys, as a fast typist
    }
  };
  void typing();
  const before = rssOf(engine.host?.pid ?? 0);
  return {
    said: ({ up, down }) => {
      const sorted = echoes.toSorted((a, b) => a - b);
      const at = (share: number) => `${(sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1)} ms`;
      const mib = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;
      console.log(
        `${megabytes} MB up ${(up / 1000).toFixed(1)} s, down ${(down / 1000).toFixed(1)} s; echo p50 ${at(0.5)}, p99 ${at(0.99)} of ${sorted.length}`,
      );
      console.log(`memory: host ${mib(before)} before, at most ${mib(host)}; client at most ${mib(own)}`);
    },
    stop: () => {
      isOver = true;
      clearInterval(looking);
    },
  };
}

function rssOf(pid: number): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}
