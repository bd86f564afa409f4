/** Checkpoints as people and agents meet them: on the command line, in the journal, and before an agent's first input. */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { localPaths } from '#local/paths.ts';
import type { Checkpoint } from '#protocol/checkpoints.ts';
import { newClientId } from '#protocol/ids.ts';
import type { JournalEvent } from '#protocol/shapes.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
let folder: string;
const clients: CmdopClient[] = [];
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  cmdop = await startCmdop({ actor: 'ann' });
  mkdirSync(join(cmdop.home, 'config'), { recursive: true });
  writeFileSync(
    join(cmdop.home, 'config', 'policy.json'),
    '{ "default": { "agents": "allow" }, "rules": [{ "do": "deny", "kind": ["action"], "command": "restore *" }] }',
  );
  folder = join(cmdop.home, 'work', 'app');
  mkdirSync(folder);
  writeFileSync(file('main.c'), 'one\ntwo\n');
  writeFileSync(file('.gitignore'), 'secret.env\n');
  writeFileSync(file('secret.env'), 'KEY=1\n');
  await cmdop.ok('new', 'app', '--cwd', folder, '--detach');
});
afterAll(async () => {
  for (const client of clients) client.close();
  await cmdop.dispose();
});

test('a checkpoint is made, listed, compared and restored; what was there is kept as well', async () => {
  const made = await cmdop.json<Checkpoint>('checkpoint', 'app', '-m', 'before the upgrade', '--json');
  expect(made).toMatchObject({ folder, files: 2, message: 'before the upgrade', reason: 'asked', actor: { name: 'ann' }, isLate: false });
  writeFileSync(file('main.c'), 'one\nthree\n');
  writeFileSync(file('new.c'), 'new\n');
  expect(await cmdop.ok('diff', 'app')).toContain('-two\n+three\n');
  const stat = await cmdop.ok('diff', 'app', String(made.id), '--stat');
  expect(stat).toMatch(/M +\+1 -1 +main\.c\nA +\+1 -0 +new\.c\n2 files, \+2 -1 lines/);
  expect(await cmdop.ok('diff', 'app', '--', 'new.c')).not.toContain('main.c');
  expect(await cmdop.ok('restore', 'app', String(made.id), '--dry-run')).toContain(
    '< main.c\n1 would be brought back, 0 would be deleted; 1 made since',
  );
  expect(readFileSync(file('main.c'), 'utf8')).toBe('one\nthree\n');
  expect(await cmdop.ok('restore', 'app', String(made.id), '--delete')).toBe('1 brought back, 1 deleted\n');
  expect(readFileSync(file('main.c'), 'utf8')).toBe('one\ntwo\n');
  expect(existsSync(file('new.c'))).toBe(false);
  const all = await cmdop.json<Checkpoint[]>('checkpoints', 'app', '--json');
  expect(all.map(({ reason }) => reason)).toEqual(['asked', 'restore']);
  await cmdop.ok('restore', 'app', String(all[1]?.id)); // undone
  expect(readFileSync(file('main.c'), 'utf8')).toBe('one\nthree\n');
  const log = await cmdop.json<JournalEvent[]>('log', 'app', '--events', '--json');
  const told = log.filter(({ kind }) => kind === 'checkpoint');
  expect(told.map(({ payload, actorName }) => `${actorName} ${payload.is}`)).toContain('ann restored');
  expect(told[0]?.outputOffset).toBeTypeOf('number');
  expect(await cmdop.ok('verify')).toContain('the journal is whole');
});

test('nothing is restored over what is in no checkpoint, or open in an editor', async () => {
  writeFileSync(file('.gitignore'), '');
  const { id } = await cmdop.json<Checkpoint>('checkpoint', 'app', '--json'); // has secret.env
  rmSync(file('secret.env'));
  writeFileSync(file('.gitignore'), 'local.env\n');
  await cmdop.ok('checkpoint', 'app');
  writeFileSync(file('.gitignore'), 'secret.env\n');
  writeFileSync(file('secret.env'), 'KEY=2, typed just now\n');
  const refused = await cmdop.run('restore', 'app', String(id), 'secret.env');
  expect(refused).toMatchObject({ code: 3, stdout: '' });
  expect(refused.stderr).toContain('nothing was restored: secret.env is in no checkpoint');
  expect(readFileSync(file('secret.env'), 'utf8')).toBe('KEY=2, typed just now\n');

  writeFileSync(file('main.c'), 'being edited\n');
  writeFileSync(file('.main.c.swp'), 'unsaved');
  expect((await cmdop.run('restore', 'app', String(id), 'main.c')).stderr).toContain('main.c is open in Vim');
  rmSync(file('.main.c.swp'));
  const fd = openSync(file('main.c'), 'a');
  expect((await cmdop.run('restore', 'app', String(id), 'main.c')).stderr).toContain(
    `main.c is open for writing in process ${process.pid}`,
  );
  closeSync(fd);
  expect(readFileSync(file('main.c'), 'utf8')).toBe('being edited\n');
});

test('a long difference comes whole, and who only looks on sees the terminal and not the files', async () => {
  const lines = Array.from({ length: 20_000 }, (_, at) => `line ${at} of a long file\n`);
  await cmdop.ok('checkpoint', 'app');
  writeFileSync(file('long.txt'), lines.join(''));
  const shown = await cmdop.ok('diff', 'app', '--', 'long.txt');
  expect(shown.split('\n').filter((line) => line.startsWith('+line '))).toEqual(lines.map((line) => `+${line.trimEnd()}`));
  rmSync(file('long.txt'));
  await cmdop.ok('who', 'app', '--as', 'eve'); // somebody of this name has been here
  await cmdop.ok('role', 'app', 'eve', 'observer');
  for (const words of [
    ['diff', 'app'],
    ['checkpoint', 'app'],
    ['restore', 'app', '1', '--dry-run'],
  ])
    expect(await cmdop.run(...words, '--as', 'eve')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('eve is an observer of app'),
    });
});

test('home is refused with what to do; a wrong number, a path elsewhere and a folder without any are told', async () => {
  await cmdop.ok('new', 'home', '--cwd', cmdop.home, '--detach');
  expect(await cmdop.run('checkpoint', 'home')).toMatchObject({ code: 1, stderr: expect.stringContaining('it is your home folder') });
  expect((await cmdop.run('checkpoints', 'home')).stderr).toContain('no checkpoint of');
  expect((await cmdop.run('diff', 'app', '999')).stderr).toContain('no checkpoint 999 of app');
  expect((await cmdop.run('restore', 'app', '1', '/etc/passwd')).stderr).toContain('/etc/passwd is not a path below');
  expect((await cmdop.run('restore', 'app', '1', '../x')).stderr).toContain('is not a path below');
});

test('an agent’s first input in a folder waits until its files are kept, and no agent restores against the policy', async () => {
  writeFileSync(file('main.c'), 'the work of people\n');
  const agent = new CmdopClient({
    identity: { id: newClientId((n) => randomBytes(n)), interface: 'mcp', kind: 'agent', name: 'claude', build: 'test' },
    connect: () => connectToHost({ start: false, paths: localPaths({ ...cmdop.env }) }),
    clock: systemClock,
    random: Math.random,
  });
  clients.push(agent);
  await agent.whenConnected();
  const nothing = () => {};
  const stream = agent.attach('app', {
    ...{
      snapshot: (_text: unknown, _size: unknown, parsed: () => void) => parsed(),
      output: (_bytes: unknown, parsed: () => void) => parsed(),
    },
    ...{ resized: nothing, gap: nothing, refused: nothing, changed: nothing, ended: nothing, failed: nothing },
  });
  await stream.type(new TextEncoder().encode('echo an agent > main.c; rm -f new.c\r'));
  await cmdop.ok('run', 'app', '--', 'true'); // after the agent's line
  expect(readFileSync(file('main.c'), 'utf8')).toBe('an agent\n');
  const newest = (await cmdop.json<Checkpoint[]>('checkpoints', 'app', '--json')).at(-1);
  expect(newest).toMatchObject({ reason: 'agent', actor: { name: 'claude', kind: 'agent' }, isLate: false });
  await expect(agent.request('checkpoint.restore', { session: 'app', id: newest?.id ?? 0 })).rejects.toMatchObject({ code: 'policy' });
  await cmdop.ok('restore', 'app', String(newest?.id), 'main.c');
  expect(readFileSync(file('main.c'), 'utf8')).toBe('the work of people\n');
});

test('a report of the session names who worked and which files changed, as Markdown, HTML and JSON', async () => {
  const markdown = await cmdop.ok('report', 'app');
  expect(markdown).toContain('# Session app');
  expect(markdown).toMatch(/\| claude \| agent \| MCP, on this account \|/);
  expect(markdown).toMatch(/\| claude.* \| .*main\.c.* \|/);
  const page = join(cmdop.home, 'report.html');
  await cmdop.ok('report', '--all', '-o', page);
  expect(readFileSync(page, 'utf8')).toContain('<h1>All sessions</h1>');
  const report = await cmdop.json<{ who: { name: string }[]; notable: { what: string }[] }>('report', 'app', '--json');
  expect(report.who.map(({ name }) => name)).toContain('claude');
  expect(report.notable.map(({ what }) => what)).toContainEqual(expect.stringMatching(/^ann restored checkpoint \d+: 1 files/));
});
