/** One host for one user, however many start it, and folders that are only theirs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { type Engine, openEngine } from './engine.ts';

let engine: Engine;
beforeEach(() => {
  engine = openEngine();
});
afterEach(() => engine.dispose());

async function hostProcess(): Promise<{ said: string; code: number | null }> {
  const child = spawn(nodePath(), [resolve('dist/host.mjs')], { env: engine.env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes;
  });
  await Promise.race([once(child, 'exit'), once(child.stdout, 'data')]);
  return { said: said.trim(), code: child.exitCode };
}

test('ten starts at once make one host, and all ten are told that it is ready', async () => {
  const started = await Promise.all(Array.from({ length: 10 }, () => hostProcess()));
  expect(started.map(({ said }) => said)).toEqual(Array(10).fill('ready'));
  const ann = engine.person('ann');
  const first = await ann.client.request('host.status', {});
  const pids = await Promise.all(Array.from({ length: 5 }, async () => (await engine.person('ben').client.request('host.status', {})).pid));
  expect(new Set([first.pid, ...pids]).size).toBe(1);
});

test('state and sockets are for this user only', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  await ann.client.request('session.create', { command: ['/bin/cat'], cwd: '/' });
  const { socket, stateDir } = await ann.client.request('host.status', {});
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  expect([mode(stateDir), mode(join(stateDir, '..', 'run')), mode(socket), mode(join(stateDir, 'journal.db'))]).toEqual([
    '700',
    '700',
    '600',
    '600',
  ]);
});

test('a folder that others could enter is closed, a planted one refused', async () => {
  mkdirSync(join(engine.home, 'run'));
  chmodSync(join(engine.home, 'run'), 0o777);
  writeFileSync(join(engine.home, 'elsewhere'), '');
  symlinkSync(join(engine.home, 'elsewhere'), join(engine.home, 'state'));
  const { said, code } = await hostProcess();
  expect(said).toMatch(/^error: .*state.*/);
  expect(said).toContain('CMDOP_HOME');
  expect(code === null || code === 1).toBe(true);
});

test('after kill -9 the next host takes the socket and the sessions over', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'kept', command: ['/bin/cat'], cwd: '/' });
  await engine.killHost();
  expect(await engine.startHost()).toBe('ready');
  const { sessions } = await ann.client.request('session.list', {});
  expect(sessions).toMatchObject([{ name: 'kept', state: 'running' }]);
});
