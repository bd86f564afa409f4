/** A host that has no descriptor left for what it is asked: it says so, goes on, and does it once there is room. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localPaths } from '#local/paths.ts';
import { type Engine, openEngine } from './engine.ts';

let engine: Engine;
beforeEach(() => {
  engine = openEngine();
});
afterEach(() => engine.dispose());

const isLinux = process.platform === 'linux';
const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).map(Number);

/** The host gets no descriptor beyond those it has and `more`. */
function limit(pid: number, more: number): void {
  const has = new Set(descriptors(pid));
  let [free, at] = [0, 0];
  while (free < more || at <= 2) if (!has.has(at++)) free++;
  execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${at}:`]);
}

test.runIf(isLinux)('a session asked for without descriptors is refused in words, and starts when there are some', async () => {
  await engine.startHost();
  const pid = engine.host?.pid ?? 0;
  const ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'before', command: ['/bin/cat'], cwd: '/' });
  await ann.client.request('output.read', { session: 'before', from: 0 as never });
  limit(pid, 2);
  // The keeper that waits may serve one; then there is none, and none can be made.
  const create = (name: string) => ann.client.request('session.create', { name, command: ['/bin/cat'], cwd: '/' });
  const refused: string[] = [];
  for (let n = 0; n < 6; n++) await create(`lacking-${n}`).catch((error: Error) => refused.push(error.message));
  expect(refused.join('\n')).toMatch(/could not be started: the host has too many files and connections open.*ulimit -n/);
  // Background work comes to its time meanwhile; a search is told too.
  const ended = new Promise<string | null>((resolve) => {
    ann.hearers.push((told) => {
      if (told.event === 'search.ended') resolve(told.params.message);
    });
  });
  await ann.client.request('search.output', { text: 'x', limit: 10 });
  expect(await ended).toMatch(/the search broke: the host has too many files/);
  await expect(ann.client.request('host.handoff', {})).rejects.toThrow(/the old one goes on|not replaced/);
  const sockets: Socket[] = [];
  for (let n = 0; n < 20; n++) sockets.push(connect(localPaths({ ...engine.env }).hostSocket).on('error', () => {}));
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // the next keeper is tried 500 ms after a session was asked for
  for (const socket of sockets) socket.destroy();
  expect(engine.host?.exitCode).toBe(null);
  execFileSync('prlimit', [`--pid=${pid}`, '--nofile=1024:']);
  await create('after');
  expect((await ann.client.request('host.status', {})).pid).toBe(pid);
});
