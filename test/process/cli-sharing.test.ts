/** Sharing a session from a command line: who may come, where, and until when; real ssh comes in by what it prints. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatJoinCode, parseJoinCode } from '#local/join-code.ts';
import type { Result } from '#protocol/messages.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import type { Invite } from '#protocol/sharing.ts';
import { type GuestKey, newGuestKey, openGuest } from './ssh-guest.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';
import type { TestTerminal } from './test-terminal.ts';

type Served = Result<'share.ssh'> & { invites: Invite[] };

let cmdop: TestCmdop;
const others: TestCmdop[] = [];
const guests: TestTerminal[] = [];
beforeAll(async () => {
  cmdop = await startCmdop({ actor: 'ann' });
});
afterAll(async () => {
  for (const guest of guests) guest.dispose();
  for (const each of [cmdop, ...others]) await each.dispose();
});

const file = (name: string, text: string): string => {
  const path = join(cmdop.home, name);
  writeFileSync(path, text);
  return path;
};
const ssh = async (key: GuestKey, place: Served, greeting: string): Promise<TestTerminal> => {
  const guest = openGuest(cmdop.home, { place, user: place.sessionName, key });
  guests.push(guest);
  await guest.until(greeting);
  return guest;
};
const sharedNow = async (name: string) => (await cmdop.json<SessionSummary[]>('ls')).find((each) => each.name === name)?.shared;

test('what is shared by ssh stays where it is, for whom it was and as long, until it is stopped', { timeout: 60_000 }, async () => {
  await cmdop.ok('new', 'demo', '--detach');
  const [ben, cleo, dan] = [newGuestKey(cmdop.home, 'ben'), newGuestKey(cmdop.home, 'cleo'), newGuestKey(cmdop.home, 'dan', 'ecdsa')];
  const byKey = ['share', 'demo', '--ssh', '--key', file('ben.pub', ben.publicLine), '--role', 'operator'];
  const first = await cmdop.json<Served>(...byKey, '--expires', '2h', '--listen', 'localhost');
  expect(first.address).toBe('localhost');
  const inside = await ssh(ben, first, 'ben, operator of demo');

  // Said again, with the end or without it, nothing changes; another end is refused, and says how to have it.
  const [{ id, expiresAt } = { id: '', expiresAt: null }] = first.invites;
  for (const again of [[...byKey, '--expires', '2h'], byKey])
    expect(await cmdop.json<Served>(...again)).toMatchObject({ address: 'localhost', port: first.port, invites: [{ id, expiresAt }] });
  expect(expiresAt).not.toBeNull();
  expect(await cmdop.run(...byKey, '--expires', '10m')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`ben has this key and is invited as operator for 2h00m already: \`cmdop revoke ${id}\` first`),
  });

  const listed = file('them', `# who may look on\n${cleo.publicLine}@laptop\n\nrestrict,pty ${dan.publicLine}\n`);
  const more = await cmdop.json<Served>('share', 'demo', '--ssh', '--authorized-keys', listed);
  expect(more).toMatchObject({ address: 'localhost', port: first.port });
  expect(more.invites.map(({ name, role, key }) => [name, role, key])).toEqual([
    ['cleo', 'observer', cleo.fingerprint],
    ['dan', 'observer', dan.fingerprint],
  ]);
  const looking = await ssh(dan, more, 'you are looking on');
  inside.type('echo still-$((40+2))\r');
  await looking.until('still-42');
  expect(await sharedNow('demo')).toMatchObject({ invites: 3, ssh: { address: 'localhost', port: first.port } });
  expect(await cmdop.ok('ls')).toMatch(/^demo .*, shared/m);

  await cmdop.ok('share', 'demo', '--stop');
  for (const guest of [inside, looking]) expect((await guest.exited).code).not.toBe(0);
  expect(await sharedNow('demo')).toBeUndefined();
  expect(await cmdop.ok('ls')).not.toContain('shared');
  expect((await cmdop.json<Invite[]>('invites', 'demo')).map(({ name }) => name)).toEqual(['ben', 'cleo', 'dan']);
  expect(await cmdop.run('share', 'demo', '--stop')).toMatchObject({ stderr: expect.stringContaining('demo is not shared by ssh') });

  // Shared again, on loopback, the same people may come.
  const again = await cmdop.json<Served>('share', 'demo', '--ssh');
  expect(again).toMatchObject({ address: '127.0.0.1', invites: [{ id }, { name: 'cleo' }, { name: 'dan' }] });
  const back = await ssh(cleo, again, 'you are looking on');
  back.type('\x1c');
  await back.exited;
});

test('a key that is invited joins without a code that others could use, and its mark is not that of ssh', { timeout: 60_000 }, async () => {
  const [eve, mallory] = [await startCmdop({ actor: 'eve' }), await startCmdop({ actor: 'mallory' })];
  others.push(eve, mallory);
  await cmdop.ok('new', 'build', '--detach');
  await cmdop.ok('host', 'share-socket', '--group', String(process.getgid?.()));
  const key = file('eve.pub', await eve.ok('key'));
  const { stdout, stderr } = await cmdop.run('share', 'build', '--with', 'eve', '--key', key, '--role', 'operator');
  expect(stderr).toMatch(/it works with the key SHA256:\S{43} alone/);
  const [, code = ''] = /^cmdop join (\S+)\n$/.exec(stdout) ?? [];
  expect(await mallory.run('join', code, '--name', 'box')).toMatchObject({ stderr: expect.stringContaining('is not invited to anything') });
  expect(await eve.ok('join', code, '--name', 'box')).toBe('cmdop attach -H box build\n');
  await eve.ok('-H', 'box', 'send', 'build', 'echo by-eve', '--enter');
  const log = await cmdop.untilSession('build', ({ running }) => running === null);
  expect(log.shared).toEqual({ ssh: null, invites: 1, link: false });

  await cmdop.ok('share', 'build', '--ssh');
  await cmdop.ok('share', 'build', '--stop');
  expect(await sharedNow('build')).toEqual({ ssh: null, invites: 1, link: false });
});

test('joining never takes the name of a machine that ssh knows, whatever the inviter calls theirs', { timeout: 60_000 }, async () => {
  const gus = await startCmdop({ actor: 'gus' });
  others.push(gus);
  mkdirSync(join(gus.home, '.ssh', 'more'), { recursive: true });
  writeFileSync(join(gus.home, '.ssh', 'config'), 'Include more/*.conf\nHost prod\n  ProxyCommand echo this is my own prod >&2\n');
  writeFileSync(join(gus.home, '.ssh', 'more', 'work.conf'), 'Host Prod-2 staging\n');
  await cmdop.ok('new', 'tempting', '--detach');
  await cmdop.ok('host', 'share-socket', '--group', String(process.getgid?.()));
  const key = file('gus.pub', await gus.ok('key'));
  const line = await cmdop.ok('share', 'tempting', '--with', 'gus', '--key', key);
  const named = (machine: string) => formatJoinCode({ ...parseJoinCode(line), machine });

  expect(await gus.ok('join', named('prod'))).toBe('cmdop attach -H prod-3 tempting\n');
  expect(await gus.ok('-H', 'prod-3', 'ls')).toContain('tempting');
  expect(await gus.run('-H', 'prod', 'ls')).toMatchObject({ code: 69, stderr: expect.stringContaining('this is my own prod') });
  expect(await gus.ok('join', named('PROD'))).toBe('cmdop attach -H PROD-3 tempting\n'); // ssh's names have no case
  expect(await gus.ok('join', named('local'))).toBe('cmdop attach -H local-2 tempting\n');

  expect(await gus.run('join', named('box'), '--name', 'staging')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'cmdop: staging is a Host of your SSH configuration, and `cmdop -H staging` would not reach it any more: choose another name\n',
  });
  expect(await gus.ok('join', named('staging'), '--name', 'box')).toBe('cmdop attach -H box tempting\n');

  // A command for the same machine may well be meant.
  expect(await gus.run('hosts', 'add', 'staging', '--', 'ssh', 'staging', 'cmdop', 'bridge')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('staging is a Host of your SSH configuration too: this command goes before it'),
  });
});
