/** Sharing by ssh where the disk refuses: the host goes on, and whoever is invited gets in as before. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localPaths } from '#local/paths.ts';
import { unmountDisk } from '../small-disk.ts';
import { type Engine, openEngine, type Person } from './engine.ts';

let engine: Engine;
let ann: Person;
let port: number;
beforeEach(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'demo', command: ['/bin/cat'], cwd: '/' });
  ({ port } = await ann.client.request('share.ssh', { session: 'demo' }));
});
afterEach(() => engine.dispose());

const isLinux = process.platform === 'linux';

/** What is said at the port first; empty where nobody listens. */
const greeting = () =>
  new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => resolve(''));
    socket.on('close', () => resolve(''));
    socket.once('data', (bytes) => {
      resolve(bytes.toString());
      socket.destroy();
    });
  });

/** The process for guests, as the host started it. */
function guestsProcess(): number {
  const host = engine.host?.pid ?? 0;
  const children = readFileSync(`/proc/${host}/task/${host}/children`, 'utf8').trim().split(' ').map(Number);
  return children.find((pid) => /guests/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) ?? 0;
}

test.runIf(isLinux)('the process for guests comes back although its log cannot be opened', async () => {
  const { logFile } = localPaths({ ...engine.env });
  rmSync(logFile);
  mkdirSync(logFile);
  const first = guestsProcess();
  process.kill(first, 'SIGKILL');
  await expect.poll(greeting, { timeout: 30_000 }).toMatch(/^SSH-2\.0-cmdop/);
  expect(guestsProcess()).not.toBe(first);
  expect(engine.host?.exitCode).toBe(null);
});

test.runIf(isLinux)('a shared session ends although what names it on the disk cannot be removed', async (context) => {
  const { guestsFile } = localPaths({ ...engine.env });
  try {
    execFileSync('mount', ['--bind', guestsFile, guestsFile], { stdio: 'ignore' });
  } catch {
    return context.skip('this user may not mount');
  }
  try {
    const host = ann.client.host?.pid;
    await ann.client.request('session.kill', { session: 'demo', signal: 'SIGKILL' });
    await expect.poll(greeting, { timeout: 30_000 }).toBe('');
    expect((await ann.client.request('host.status', {})).pid).toBe(host);
    expect(engine.host?.exitCode).toBe(null);
  } finally {
    unmountDisk(guestsFile);
  }
});
