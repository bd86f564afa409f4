/** What a guest with plain ssh, or a stranger, tries beyond its session: refused, counted, and nothing slows down. */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { type Engine, openEngine, type Person, type Watched } from '../process/engine.ts';
import { type GuestKey, newGuestKey, openGuest, type Place, runGuest } from '../process/ssh-guest.ts';

/** Strangers of the flood, and what one guest asks in vain. */
const STRANGERS = 1_000;
const REPEATED = 200;
/** Of strangers at a time; who comes on top takes the place of the oldest. */
const PLACES = 512;
const CLI = resolve('dist/cli.mjs');

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

/** What guests who are in asked for and did not get, oldest first. */
const asked = async () => {
  const { events } = await ann.client.request('journal.list', { session: 'demo', kinds: ['share'], limit: 500 });
  return events
    .filter(({ payload }) => payload.is === 'guest-refused')
    .map(({ actorName, interface: via, payload }) => ({ by: `${actorName} (${via})`, asked: payload.asked, count: Number(payload.count) }));
};
/** The journal says that ben asked for it. */
const isTold = (what: string) => expect.poll(asked, { timeout: 5_000 }).toContainEqual({ by: 'ben (ssh)', asked: what, count: 1 });

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
    await isTold('a command: id');
  });
  test('files over SFTP', async () => {
    expect((await guest(['-s'], ['sftp'])).output).toMatch(/subsystem request failed/);
    await isTold('a subsystem: sftp');
  });
  test('another subsystem', async () => expect((await guest(['-s'], ['netconf'])).output).toMatch(/subsystem request failed/));
  test('a shell without a terminal', async () => expect((await guest(['-T'])).output).toMatch(/needs a terminal: use ssh -t/));
  test('a port here for one there (-R)', async () => {
    const { code, output } = await guest(['-N', '-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:1']);
    expect({ code, output }).toMatchObject({ code: 255, output: expect.stringContaining('remote port forwarding failed') });
    await isTold('a port here, forwarded to them: localhost 0');
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
    if (way === '-L') await isTold(`a forwarded port: 127.0.0.1 ${secret}`);
    open.dispose();
    target.close();
  });

  test('its agent and its display in the session', async () => {
    const socket = join(engine.home, 'agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => agent.stdout.once('data', resolve)); // it listens
    const log = join(engine.home, 'ssh.log');
    const open = openGuest(engine.home, {
      place,
      user: 'demo',
      key: ben,
      more: ['-A', '-Y', '-v', '-E', log],
      env: { SSH_AUTH_SOCK: socket, DISPLAY: '127.0.0.1:99' },
    });
    await open.until('ben, operator');
    await isTold('its ssh agent in the session');
    await isTold('its X11 display in the session');
    const said = readFileSync(log, 'utf8');
    expect(said).toContain('Requesting authentication agent forwarding');
    expect(said).toContain('X11 forwarding request failed');
    open.dispose();
    agent.kill();
  });

  test('a second session over its connection', async () => {
    const control = ['-o', `ControlPath=${join(engine.home, 'mux')}`];
    const first = openGuest(engine.home, { place, user: 'demo', key: ben, more: ['-o', 'ControlMaster=yes', ...control] });
    await first.until('ben, operator');
    const second = await runGuest(engine.home, { place, user: 'demo', key: ben, more: ['-tt', ...control] });
    expect(second.output).toMatch(/Session open refused|open failed/);
    await isTold('a second session over its connection');
    first.type('echo still-$((1+1))-here\r');
    await first.until('still-2-here');
    first.dispose();
  });
});

test('who asks for the same two hundred times is a few records, which `cmdop log` shows', async () => {
  const before = (await asked()).length;
  const client = new ssh2.Client();
  client.connect({
    host: place.address,
    port: place.port,
    username: 'demo',
    privateKey: readFileSync(ben.path),
    strictVendor: false, // it asks whatever the server is
  });
  await new Promise((resolve) => client.once('ready', () => resolve(null)));
  const ways = Array.from({ length: REPEATED }, (_, n) => () => opened(client, `/run/${n}\x1b[2J\u202e${'x'.repeat(500)}`));
  expect(new Set(await Promise.all(ways.map((way) => way())))).toEqual(new Set(['refused']));
  client.end();
  await expect.poll(asked).toContainEqual({
    by: 'ben (ssh)',
    asked: expect.stringMatching(/^a forwarded socket: \/run\/0‹Esc›\[2J‹U\+202E›x{100,200}…$/),
    count: 1,
  });
  expect((await asked()).length - before).toBeLessThan(10);
  const log = execFileSync(nodePath(), [CLI, 'log', 'demo', '--events'], { env: engine.env, encoding: 'utf8' });
  expect(log).toMatch(/share .*ben \(ssh\).*"guest-refused".*"asked":"a forwarded socket: \/run\/0/);
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

test('a thousand strangers at once are turned away, told in a line, the owner types as before, and a guest comes in', async () => {
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
  const invited = openGuest(engine.home, { place, user: 'demo', key: ben });
  await invited.until('ben, operator');
  invited.dispose();
  await expect.poll(() => left).toBeGreaterThanOrEqual(STRANGERS - PLACES);
  // Beside other work of this machine: what matters is that nobody waits for them.
  expect(flooded).toBeLessThan(quiet * 5 + 20);
  for (const socket of sockets) socket.destroy();
  const counted = async () => (await refused()).reduce((sum, { unheard, unproved }) => sum + Number(unheard) + Number(unproved), 0);
  await expect.poll(counted, { timeout: 20_000 }).toBeGreaterThanOrEqual(STRANGERS);
  await ann.client.request('share.ssh.stop', { session: 'demo' });
  await ann.client.request('share.ssh.stop', { session: 'private' });
  const told = await refused();
  expect(told.length).toBeLessThan(10);
  // Those that were only counted are told with the end of the process that refused them.
  const inVain = async () =>
    (await asked()).reduce((sum, { asked: what, count }) => sum + (String(what).includes('forwarded socket') ? count : 0), 0);
  await expect.poll(inVain).toBe(REPEATED);
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

const opened = (client: InstanceType<typeof ssh2.Client>, path: string) =>
  new Promise<string>((resolve) => client.openssh_forwardOutStreamLocal(path, (error) => resolve(error ? 'refused' : 'open')));

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
