/** Guests with plain ssh: real OpenSSH in a real terminal, in one session, as what their invite says and no more. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Invite } from '#protocol/sharing.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';
import { type GuestKey, newGuestKey, openGuest, type Place, runGuest } from './ssh-guest.ts';
import type { TestTerminal } from './test-terminal.ts';

let engine: Engine;
let ann: Person;
let view: Watched;
const said: string[] = [];
let place: Place & { hostKey: string };
let key: { operator: GuestKey; observer: GuestKey; other: GuestKey };
const invites: Record<string, Invite> = {};
const guests: TestTerminal[] = [];

beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  ann.hearers.push((event) => event.event === 'share.said' && said.push(`${event.params.by.name}: ${event.params.text}`));
  await ann.client.request('session.create', { name: 'demo', cwd: engine.home });
  view = ann.attach('demo', { size: { cols: 80, rows: 24 } });
  await view.until(/[#$] $/m);
  key = {
    operator: newGuestKey(engine.home, 'ben'),
    observer: newGuestKey(engine.home, 'cleo'),
    other: newGuestKey(engine.home, 'dan', 'ecdsa'),
  };
  for (const [name, role, { publicLine }] of [
    ['ben', 'operator', key.operator],
    ['cleo', 'observer', key.observer],
    ['dan', 'operator', key.other],
  ] as const) {
    const { invite } = await ann.client.request('share.create', { session: 'demo', name, role, key: publicLine, ssh: true });
    invites[name] = invite;
  }
  place = await ann.client.request('share.ssh', { session: 'demo' });
});
afterAll(async () => {
  for (const guest of guests) guest.dispose();
  await engine.dispose();
});

function join(name: 'operator' | 'observer' | 'other', size = {}): TestTerminal {
  const guest = openGuest(engine.home, { place, user: 'demo', key: key[name], ...size });
  guests.push(guest);
  return guest;
}
const attached = (name: string) =>
  ann.sessions.find((session) => session.name === 'demo')?.attached.find(({ actor }) => actor.name === name) ?? null;

test('a guest types, and everybody knows who it was and by which key', async () => {
  const ben = join('operator');
  await ben.until('ben, operator of demo');
  ben.type('echo made-by-$((40+2))\r');
  await view.until('made-by-42');
  await ben.until('made-by-42');
  await ann.until(() => attached('ben') !== null);
  expect(attached('ben')).toMatchObject({
    actor: { interface: 'ssh', kind: 'human' },
    role: 'operator',
    authentication: { by: 'ssh-key', key: key.operator.fingerprint, invite: invites.ben?.id },
    origin: { kind: 'ssh', from: '127.0.0.1' },
  });
  await ann.until(() => ann.commands.some(({ text, endedAt }) => text.includes('made-by') && endedAt !== null));
  const { authentication } = await ann.client.request('history.at', { session: 'demo', at: { text: 'made-by-42' } });
  expect(authentication).toContain(key.operator.fingerprint);
  ben.type('\x1c');
  expect((await ben.exited).code).toBe(0);
  expect(ben.raw()).toContain('[left demo]');
});

test('a guest whose ssh changes its keys again and again sees and types as before', async () => {
  const ben = openGuest(engine.home, { place, user: 'demo', key: key.operator, more: ['-o', 'RekeyLimit=64K'] });
  guests.push(ben);
  await ben.until('ben, operator of demo');
  ben.type('seq 100000 160000; echo all-$((40+4))\r');
  await ben.until(/160000\s+all-44/);
  ben.type('echo still-$((40+5))\r');
  await ben.until('still-45');
  await view.until('still-45');
  ben.type('\x1c');
  expect((await ben.exited).code).toBe(0);
});

test('a guest’s window decides the size while it types, as any other', async () => {
  const ben = join('operator', { cols: 70, rows: 20 });
  await ben.until('ben, operator');
  ben.type('\x1e');
  await ben.until('you have control');
  ben.type('stty size\r');
  await ben.until('20 70');
  ben.resize(60, 15);
  await ann.until(() => ann.sessions.some(({ name, size }) => name === 'demo' && size.cols === 60 && size.rows === 15));
  ben.type('\x1c');
  await ben.exited;
});

test('who only looks on can neither type, nor take control, nor change the size', async () => {
  const cleo = join('observer', { cols: 50, rows: 10 });
  await cleo.until('you are looking on');
  cleo.type('echo by-cleo\r');
  await cleo.until('nothing you type');
  cleo.type('\x1e');
  await cleo.until(/observ/);
  await view.type('echo by-$((1+1))-ann\r');
  await view.until('by-2-ann');
  await cleo.until('by-2-ann');
  expect(view.text()).not.toContain('by-cleo');
  expect(ann.sessions.find(({ name }) => name === 'demo')?.size.cols).not.toBe(50);
  cleo.type('\x1c');
  await cleo.exited;
});

test('control goes to and fro between owner and guest, by one key', async () => {
  const ben = join('operator');
  await ben.until('ben, operator');
  await view.stream.takeControl();
  ben.type('x');
  await ben.until('ann has control');
  ben.type('\x1e');
  await ben.until('you have control');
  await ann.until(() => !view.stream.hasControl);
  ben.type('echo ben-$((2*4))\r');
  await view.until('ben-8');
  await view.stream.takeControl();
  ben.type('\x1c');
  await ben.exited;
});

test('what people say to each other shows in terminals and in the journal, not in the program', async () => {
  const ben = join('operator');
  await ben.until('ben, operator');
  ben.type('\x1d');
  await ben.until('say:');
  ben.type('look at \x1b[1mthis\r');
  await ann.until(() => said.includes('ben: look at this'));
  await ann.client.request('share.say', { session: 'demo', text: 'yes \u202eindeed' });
  await ben.until('ann: yes indeed');
  const { events } = await ann.client.request('journal.list', { session: 'demo', kinds: ['talk'] });
  expect(events.map(({ actorName, payload }) => [actorName, payload.text])).toEqual([
    ['ben', 'look at this'],
    ['ann', 'yes indeed'],
  ]);
  expect(view.text()).not.toContain('look at this');
  ben.type('\x1d\x1d'); // twice: for the program
  ben.type('\x1c');
  await ben.exited;
});

test('lines that somebody points at are the same text for everybody', async () => {
  const ben = join('operator');
  await ben.until('ben, operator');
  await view.type('clear; for n in 1 2 3 4 5; do echo row-$n; done\r');
  await view.until('row-5');
  await ben.until('row-5');
  const { pointing } = await ann.client.request('share.point', { session: 'demo', at: { last: { from: 4, to: 3 } }, text: 'these two' });
  expect(pointing?.lines).toEqual(['row-3', 'row-4']);
  await ben.until('points at the marked lines: these two');
  const row = ben.lines().findIndex((line) => line.startsWith('row-3'));
  const cell = (at: number) => ben.terminal.buffer.active.getLine(ben.terminal.buffer.active.viewportY + at)?.getCell(0);
  expect([cell(row - 1), cell(row), cell(row + 1), cell(row + 2)].map((each) => each?.isBgDefault())).toEqual([true, false, false, true]);
  await ann.client.request('share.point', { session: 'demo', at: null });
  await ben.until(() => cell(row)?.isBgDefault() === true);
  ben.type('\x1c');
  await ben.exited;
});

describe('an end that acts at once', () => {
  test('who is kicked is out, with what they had typed and was not taken yet', async () => {
    const dan = join('other');
    await dan.until('dan, operator');
    // A program that reads nothing for a moment: most of what is pasted waits.
    await view.type('stty raw -echo; sleep 1; stty sane\r');
    dan.type('\x1e');
    await dan.until('you have control');
    dan.type(`${'x'.repeat(200_000)}\recho too-late-$((1+1))\r`);
    await ann.client.request('session.kick', { session: 'demo', actor: 'dan' });
    expect((await dan.exited).code).toBe(1);
    expect(dan.raw()).toMatch(/removed from demo/);
    await view.stream.takeControl();
    await view.type('\x03\x15echo back-$((1+1))\r');
    await view.until('back-2');
    expect(view.text()).not.toContain('too-late');
    const again = join('other');
    expect((await again.exited).code).not.toBe(0);
    expect(again.raw()).toMatch(/removed from demo/);
  });

  test('an invite that is revoked puts its guest out, and lets nobody in', async () => {
    const cleo = join('observer');
    await cleo.until('you are looking on');
    await ann.client.request('share.revoke', { id: invites.cleo?.id ?? '' });
    expect((await cleo.exited).code).not.toBe(0);
    expect(cleo.raw()).toMatch(/revoked|holds no more/);
    const again = await runGuest(engine.home, { place, user: 'demo', key: key.observer });
    expect(again).toMatchObject({ code: 255, output: expect.stringContaining('Permission denied (publickey)') });
  });
});

test('an invite that expires opens nothing before its use, and puts its guest out in the middle of typing', async () => {
  const invite = async (name: string, expiresInMs: number) => {
    const guest = newGuestKey(engine.home, name);
    await ann.client.request('share.create', { session: 'demo', name, role: 'operator', key: guest.publicLine, ssh: true, expiresInMs });
    return guest;
  };
  const [unused, used] = [await invite('fay', 1_000), await invite('gus', 3_000)];
  const gus = openGuest(engine.home, { place, user: 'demo', key: used });
  guests.push(gus);
  await gus.until('gus, operator');
  gus.type('\x1e');
  await gus.until('you have control');
  gus.type('echo in-$((1+1))-time\r');
  await view.until('in-2-time');
  const stateOf = async (name: string) => (await ann.client.request('share.list', {})).invites.find((each) => each.name === name)?.state;
  await expect.poll(() => stateOf('fay'), { timeout: 5_000 }).toBe('expired');
  const never = await runGuest(engine.home, { place, user: 'demo', key: unused });
  expect(never).toMatchObject({ code: 255, output: expect.stringContaining('Permission denied (publickey)') });
  // Half a line is typed when time is up: its other half comes too late.
  gus.type('echo too-');
  await view.until('echo too-');
  expect((await gus.exited).code).not.toBe(0);
  expect(gus.raw()).toMatch(/the invite of gus has expired|your invite holds no more/);
  const again = await runGuest(engine.home, { place, user: 'demo', key: used });
  expect(again).toMatchObject({ code: 255, output: expect.stringContaining('Permission denied (publickey)') });
  await view.stream.takeControl();
  await view.type('\x15echo after-$((1+1))-time\r');
  await view.until('after-2-time');
  const { events } = await ann.client.request('journal.list', { session: 'demo', kinds: ['share'] });
  expect(events.filter(({ payload }) => payload.is === 'expired' && payload.name === 'gus')).toHaveLength(1);
});

test('a crash of the host leaves guests where they are, at the same port with the same key', async () => {
  const ben = join('operator');
  await ben.until('ben, operator');
  await engine.killHost();
  await engine.startHost();
  await ann.client.whenConnected();
  await view.until(() => view.stream.isAttached);
  await view.stream.takeControl();
  await view.stream.releaseControl();
  ben.type('echo after-$((6*7))\r');
  await view.until('after-42');
  expect(await ann.client.request('share.ssh', { session: 'demo' })).toMatchObject({ port: place.port, hostKey: place.hostKey });
  const second = join('operator');
  await second.until('ben, operator');
  second.type('\x1c');
  await second.exited;
});

test('an upgrade of the host is nothing that a guest sees', async () => {
  const ben = join('operator');
  await ben.until('ben, operator');
  const before = ann.client.host?.pid;
  await ann.until(() => attached('ben') !== null);
  const since = attached('ben')?.since;
  const { pid } = await ann.client.request('host.handoff', {});
  await ann.until(() => ann.client.host?.pid === pid && (attached('ben')?.since ?? since) !== since);
  expect(pid).not.toBe(before);
  ben.type('\x1e');
  await ann.until(() => {
    const holder = ann.sessions.find(({ name }) => name === 'demo')?.control.holder;
    return holder != null && holder.client === attached('ben')?.client;
  });
  ben.type('echo upgraded-$((6*7))\r');
  await ben.until('upgraded-42');
  expect(ben.raw()).not.toContain('left demo');
  ben.type('\x1c');
  await ben.exited;
});

test('sharing that is stopped ends for everybody at once', async () => {
  const ben = join('operator');
  await ben.until('ben, operator');
  await ann.until(() => ann.sessions.some(({ shared }) => shared?.ssh?.port === place.port));
  await ann.client.request('share.ssh.stop', { session: 'demo' });
  await ann.until(() => ann.sessions.every(({ shared }) => !shared?.ssh));
  await ben.exited;
  expect(ben.raw()).toContain('not shared any more');
  const again = await runGuest(engine.home, { place, user: 'demo', key: key.operator });
  expect(again.output).toMatch(/refused|closed|reset/);
});
