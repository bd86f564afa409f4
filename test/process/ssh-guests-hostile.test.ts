/** What a guest with plain ssh, or a stranger, tries beyond its session: refused, counted, and nothing slows down. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';
import { type GuestKey, newGuestKey, openGuest, type Place, runGuest } from './ssh-guest.ts';

/** Strangers of the flood. */
const STRANGERS = 1_000;

let engine: Engine;
let ann: Person;
let view: Watched;
let place: Place;
let ben: GuestKey;
let mallory: GuestKey;

beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'demo', cwd: engine.home });
  await ann.client.request('session.create', { name: 'private', cwd: engine.home });
  view = ann.attach('demo', { size: { cols: 80, rows: 24 } });
  await view.until(/[#$] $/m);
  ben = newGuestKey(engine.home, 'ben');
  mallory = newGuestKey(engine.home, 'mallory');
  await ann.client.request('share.create', { session: 'demo', name: 'ben', role: 'operator', key: ben.publicLine, ssh: true });
  await ann.client.request('share.ssh', { session: 'private' });
  place = await ann.client.request('share.ssh', { session: 'demo' });
});
afterAll(() => engine.dispose());

const refused = async () => {
  const { events } = await ann.client.request('journal.list', { session: 'demo', kinds: ['share'], limit: 500 });
  const { events: shared } = await ann.client.request('journal.list', { kinds: ['share'], limit: 500 });
  return [...events, ...shared].filter(({ payload }) => payload.is === 'ssh-refused').map(({ payload }) => payload);
};

describe('who may not come in', () => {
  test.each<[string, () => Parameters<typeof runGuest>[1]]>([
    ['a key that nobody invited', () => ({ place, user: 'demo', key: mallory })],
    ['the name of another session', () => ({ place, user: 'private', key: ben })],
    ['the name of no session', () => ({ place, user: 'root', key: ben })],
    [
      'a password',
      () => ({
        place,
        user: 'demo',
        key: null,
        more: ['-o', 'BatchMode=no', '-o', 'PreferredAuthentications=password,keyboard-interactive'],
      }),
    ],
  ])('%s', async (_, options) => {
    expect(await runGuest(engine.home, options())).toMatchObject({
      code: 255,
      output: expect.stringContaining('Permission denied (publickey)'),
    });
  });

  test('two sessions at one port are told apart by the name before the @', async () => {
    const { invite } = await ann.client.request('share.create', {
      session: 'private',
      name: 'mal',
      role: 'observer',
      key: mallory.publicLine,
      ssh: true,
    });
    const guest = openGuest(engine.home, { place, user: 'private', key: mallory });
    await guest.until('mal, observer of private');
    guest.dispose();
    await ann.client.request('share.revoke', { id: invite.id });
  });
});

describe('what a guest does not get', () => {
  const guest = (more: string[], behind: string[] = []) => runGuest(engine.home, { place, user: 'demo', key: ben, more, behind });

  test('a command', async () => {
    const { code, output } = await guest([], ['id']);
    expect(code).not.toBe(0);
    expect(output).toMatch(/exec request failed/);
  });
  test('files over SFTP', async () => expect((await guest(['-s'], ['sftp'])).output).toMatch(/subsystem request failed/));
  test('another subsystem', async () => expect((await guest(['-s'], ['netconf'])).output).toMatch(/subsystem request failed/));
  test('a shell without a terminal', async () => expect((await guest(['-T'])).output).toMatch(/needs a terminal: use ssh -t/));
  test('a port here for one there (-R)', async () => {
    const { code, output } = await guest(['-N', '-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:1']);
    expect({ code, output }).toMatchObject({ code: 255, output: expect.stringContaining('remote port forwarding failed') });
  });

  test.each(['-L', '-D'])('a port there from here (%s)', async (way) => {
    const target = createServer((socket) => socket.end('secret')).listen(0, '127.0.0.1');
    await new Promise((resolve) => target.once('listening', resolve));
    const { port: secret } = target.address() as { port: number };
    const local = join(engine.home, `forward${way}.sock`);
    const more = way === '-L' ? ['-L', `${local}:127.0.0.1:${secret}`] : ['-D', String(await freePort())];
    const open = openGuest(engine.home, { place, user: 'demo', key: ben, more: [...more, '-o', 'LogLevel=INFO'] });
    await open.until('ben, operator');
    const heard = await (way === '-L' ? said(connect(local)) : said(connect(Number(more[1]), '127.0.0.1'), socks(secret)));
    expect(heard).not.toContain('secret');
    open.dispose();
    target.close();
  });

  test('its agent, its display and its variables in the session', async () => {
    const agent = spawn('ssh-agent', ['-D', '-a', join(engine.home, 'agent.sock')], { stdio: 'ignore' });
    const open = openGuest(engine.home, {
      place,
      user: 'demo',
      key: ben,
      more: ['-A', '-X', '-o', 'SetEnv=LC_EVIL=1', '-o', `IdentityAgent=${join(engine.home, 'agent.sock')}`],
    });
    await open.until('ben, operator');
    open.type('echo "[$SSH_AUTH_SOCK][$DISPLAY][$LC_EVIL]"\r');
    await view.until('[][][]');
    open.dispose();
    agent.kill();
  });

  test('a second session over its connection', async () => {
    const control = ['-o', `ControlPath=${join(engine.home, 'mux')}`];
    const first = openGuest(engine.home, { place, user: 'demo', key: ben, more: ['-o', 'ControlMaster=yes', ...control] });
    await first.until('ben, operator');
    const second = await runGuest(engine.home, { place, user: 'demo', key: ben, more: ['-tt', ...control] });
    expect(second.output).toMatch(/Session open refused|open failed/);
    first.type('echo still-$((1+1))-here\r');
    await first.until('still-2-here');
    first.dispose();
  });
});

test('packets of strangers that are no SSH, or too much of it, cost nobody else anything', async () => {
  const hello = 'SSH-2.0-stranger\r\n';
  const attempts: (string | Uint8Array)[] = [
    randomBytes(64 * 1024),
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    `${'x'.repeat(100_000)}`,
    Buffer.concat([Buffer.from(hello), Buffer.from([0xff, 0xff, 0xff, 0xff]), randomBytes(4096)]),
    Buffer.concat([Buffer.from(hello), Buffer.from([0, 0, 0, 12, 4, 20]), randomBytes(1024)]),
    Buffer.concat([Buffer.from(hello), Buffer.alloc(256 * 1024)]),
    `SSH-1.5-old\r\n`,
    '\r\n'.repeat(50_000),
  ];
  for (const attempt of attempts) await said(connect(place.port, '127.0.0.1'), attempt, 300);
  const open = openGuest(engine.home, { place, user: 'demo', key: ben });
  await open.until('ben, operator');
  open.dispose();
});

test('a thousand strangers at once are turned away, told in a line, and the owner types as before', async () => {
  const quiet = await echoes(30);
  const sockets: Socket[] = [];
  let left = 0;
  for (let n = 0; n < STRANGERS; n++) {
    const socket = connect(place.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => left++);
    socket.on('connect', () => socket.write('SSH-2.0-stranger\r\n'));
    sockets.push(socket);
  }
  const flooded = await echoes(30);
  await Promise.all(
    sockets.slice(0, STRANGERS - 64).map((socket) => (socket.destroyed ? null : Promise.race([closed(socket), ready(socket)]))),
  );
  expect(left).toBeGreaterThan(STRANGERS - 70);
  // Beside other work of this machine: what matters is that nobody waits for them.
  expect(flooded).toBeLessThan(quiet * 5 + 20);
  for (const socket of sockets) socket.destroy();
  await ann.client.request('share.ssh.stop', { session: 'demo' });
  await ann.client.request('share.ssh.stop', { session: 'private' });
  let told: Awaited<ReturnType<typeof refused>> = [];
  while (!told.some(({ unheard }) => Number(unheard) > 900)) told = await refused();
  expect(told.length).toBeLessThan(10);
  expect(told.some(({ keys }) => Array.isArray(keys) && keys.includes(mallory.fingerprint))).toBe(true);
});

/** Median time from a key of the owner to its echo, milliseconds. */
async function echoes(count: number): Promise<number> {
  await view.stream.takeControl();
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const from = view.received.from + view.received.length;
    const at = performance.now();
    await view.type('x');
    await view.until(() => view.received.from + view.received.length > from);
    times.push(performance.now() - at);
  }
  await view.type('\x15');
  return times.sort((a, b) => a - b)[count >> 1] ?? 0;
}

const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));
const ready = (socket: Socket) => new Promise<void>((resolve) => socket.once('data', () => resolve()));

/** What a socket says until it closes, or nothing more comes. */
function said(socket: Socket, first: string | Uint8Array = '', patienceMs = 1_000): Promise<string> {
  let heard = '';
  socket.on('error', () => {});
  socket.on('data', (bytes) => (heard += bytes));
  socket.on('connect', () => first.length > 0 && socket.write(first));
  socket.setTimeout(patienceMs, () => socket.destroy());
  return new Promise((resolve) => socket.on('close', () => resolve(heard)));
}

/** SOCKS 5, without authentication, to a port of this machine. */
const socks = (port: number) => Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]);

function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  return new Promise((resolve) =>
    server.once('listening', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    }),
  );
}
