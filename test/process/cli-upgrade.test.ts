/** `host upgrade` with another build of cmdop, as a person has one after an update, and `restart`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import type { HostStatus, SessionSummary } from '#protocol/shapes.ts';
import { type Outcome, startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
let other: string;
beforeAll(async () => {
  cmdop = await startCmdop();
  other = join(cmdop.home, 'other');
  mkdirSync(other);
  cpSync(resolve('dist'), join(other, 'dist'), { recursive: true });
  symlinkSync(resolve('node_modules'), join(other, 'node_modules'));
  appendFileSync(join(other, 'dist', 'host.mjs'), '\n// another build\n');
  for (const name of ['one', 'two']) await cmdop.ok('new', name, '--detach');
});
afterAll(() => cmdop.dispose());

/** Runs the command line of the other build. */
async function ofOther(...args: string[]): Promise<Outcome> {
  const child = spawn(nodePath(), [join(other, 'dist', 'cli.mjs'), ...args], { env: cmdop.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const outcome: Outcome = { code: 0, stdout: '', stderr: '' };
  child.stdout.on('data', (bytes: Buffer) => {
    outcome.stdout += bytes;
  });
  child.stderr.on('data', (bytes: Buffer) => {
    outcome.stderr += bytes;
  });
  const [code] = await once(child, 'close');
  return { ...outcome, code };
}

test('a host of the same build is left alone', async () => {
  const before = await cmdop.json<HostStatus>('host', 'status');
  expect(before).toMatchObject({ isOtherBuild: false });
  expect((await cmdop.run('host', 'upgrade')).stderr).toContain('of this build already');
  expect(await cmdop.json<HostStatus>('host', 'status')).toMatchObject({ pid: before.pid });
});

test('another build says so, takes the place, and every session goes on; attached terminals stay', async () => {
  const terminal = cmdop.terminal(['attach', 'one']);
  await terminal.until(/[#$]$/m);
  const before = await cmdop.json<HostStatus>('host', 'status');
  expect((await ofOther('host', 'status')).stdout).toMatch(/another build than this cmdop: `cmdop host upgrade`/);
  const upgraded = await ofOther('host', 'upgrade', '--json');
  expect(upgraded.stderr).toBe('');
  expect(JSON.parse(upgraded.stdout)).toMatchObject({ replaced: true, from: { pid: before.pid, build: before.build }, sessions: 2 });
  const after = await cmdop.json<HostStatus>('host', 'status');
  expect(after.pid).not.toBe(before.pid);
  expect(after).toMatchObject({ isOtherBuild: true, failedHandoff: null, sessions: { running: 2 } });
  terminal.type('echo still $((1+1))\r');
  await terminal.until(/still 2/);
  expect(terminal.text()).not.toContain('the host is gone');
  terminal.type('\x1c');
  await terminal.exited;
});

test('a build that cannot take over: one line says why, and the old host goes on', async () => {
  const before = await cmdop.json<HostStatus>('host', 'status');
  const good = join(other, 'dist', 'host.mjs');
  writeFileSync(good, 'console.log("waiting"); process.stdin.once("data", () => process.exit(5));');
  const outcome = await ofOther('host', 'upgrade');
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toMatch(
    /^cmdop: the host was not replaced: the new build did not take over: it ended with exit code 5; the old one goes on\n$/,
  );
  expect(await cmdop.json<HostStatus>('host', 'status')).toMatchObject({ pid: before.pid, sessions: { running: 2 } });
  expect(await cmdop.ok('host', 'status')).toContain('did not take over');
});

test('restart opens a new shell in an ended session', async () => {
  expect((await cmdop.run('restart', 'two')).stderr).toMatch(/^cmdop: two runs: `cmdop attach two` joins it\n$/);
  await cmdop.ok('new', 'short', '--detach', '--', 'sh', '-c', 'echo once; exit 4');
  await expect.poll(async () => (await cmdop.json<SessionSummary[]>('ls')).find(({ name }) => name === 'short')?.state).toBe('ended');
  expect(await cmdop.ok('restart', 'short')).toBe('short\n');
  const terminal = cmdop.terminal(['attach', 'short'], { cols: 160 });
  await terminal.until(/once\n── new shell .* the old one ended with exit code 4 · it ran: sh -c echo once; exit 4 ──/);
  terminal.type('\x1c');
  await terminal.exited;
});
