/** Small files of a real host, damaged before the next one reads them: it starts, says so once, lets nobody in by them, and loses nothing. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localPaths } from '#local/paths.ts';
import { nodePath } from '#local/runtime.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';
import { accept, ask, socketTo } from './link-browser.ts';
import { hostPids } from './load/host-processes.ts';
import { type GuestKey, newGuestKey, openGuest, type Place } from './ssh-guest.ts';

const FILES = ['guests.json', 'host-settings.json', 'invites.json', 'uploads.json', 'web.json'];

let engine: Engine;
let ann: Person;
let view: Watched;
beforeEach(async () => {
  const page = resolve('dist/renderer/index.html'); // any file will do where the interface was not built
  mkdirSync(join(page, '..'), { recursive: true });
  if (!existsSync(page)) writeFileSync(page, '<!doctype html>');
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'demo', command: ['/bin/cat'], cwd: engine.home });
  view = ann.attach('demo');
  await view.type('the plan\r');
  await view.until('the plan\nthe plan');
});
afterEach(() => engine.dispose());

const path = (name: string) => join(engine.home, 'state', name);
const status = () => ann.client.request('host.status', {});
const verify = () => {
  const program = existsSync(resolve('dist/cli.mjs')) ? 'dist/cli.mjs' : 'main/cli/main.ts';
  return spawnSync(nodePath(), [program, 'verify'], { env: engine.env, encoding: 'utf8' });
};

const isServed = (socket: string) =>
  new Promise<boolean>((resolve) => {
    const asked = connect(socket, () => {
      asked.destroy();
      resolve(true);
    });
    asked.on('error', () => resolve(false));
  });

/** Somebody is invited by a link and by ssh, a browser of ann's is signed in, a file is on its way. */
async function everything(name: string): Promise<{
  link: URL;
  web: URL;
  signedIn: Record<'link' | 'web', { cookie: string; key: string }>;
  place: Place;
  key: GuestKey;
}> {
  const link = new URL((await ann.client.request('share.link', { session: 'demo', name: 'eve' })).url);
  const web = new URL((await ann.client.request('web.open', {})).url);
  const key = newGuestKey(engine.home, name);
  await ann.client.request('share.create', { session: 'demo', name, role: 'observer', key: key.publicLine, ssh: true });
  const place = await ann.client.request('share.ssh', { session: 'demo' });
  const to = { session: 'demo', path: 'large', size: 1_000, key: 'k'.repeat(32), overwrite: false, restart: false };
  await ann.client.request('files.write', to as never);
  await ann.client.request('agents.resume', {});
  return { link, web, signedIn: { link: await accept(link), web: await ask(web) }, place, key };
}

/** kill -9, and the next one: ours, or the one that the process for guests starts. */
async function nextHost(): Promise<void> {
  const before = ann.client.host?.pid ?? 0;
  process.kill(before, 'SIGKILL');
  await expect.poll(() => hostPids(engine.home)).not.toContain(before);
  expect(await engine.startHost()).toBe('ready');
  await ann.until(() => ann.client.state.is === 'connected' && ann.client.host?.pid !== before);
}

test.each([
  ['with a flipped bit', (bytes: Buffer) => bytes.fill((bytes[bytes.length >> 1] ?? 0) ^ 1, bytes.length >> 1, (bytes.length >> 1) + 1)],
  ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
])('all of them, %s: the session goes on, each is told of and named, and kept when it is written anew', async (_how, damage) => {
  const { link, web, signedIn, place, key } = await everything('ben');
  expect(await socketTo(link, signedIn.link)).toBe('open');
  expect(await socketTo(web, signedIn.web)).toBe('open');
  const ben = openGuest(engine.home, { place, user: 'demo', key });
  await ben.until('the plan');
  ben.dispose();
  expect(await isServed(localPaths({ ...engine.env }).guestsSocket)).toBe(true);
  expect(readdirSync(path('')).filter((name) => name.endsWith('.json'))).toEqual(FILES);
  const damaged = new Map(FILES.map((name) => [name, damage(readFileSync(path(name)))]));
  for (const [name, bytes] of damaged) writeFileSync(path(name), bytes);

  await nextHost();
  await view.until(() => view.stream.isAttached);
  expect((await view.type('after\r')).verdict).toBe('applied');
  await view.until('after\nafter');
  const { warnings, agentsPaused } = await status();
  expect(warnings.sort()).toEqual(FILES.map((name) => expect.stringContaining(`${name} is damaged`)));
  expect(agentsPaused).toBe(true);
  const { status: code, stderr } = verify();
  expect(code).toBe(1);
  expect(stderr.trim().split('\n').sort()).toEqual(FILES.map((name) => expect.stringContaining(`cmdop: ${name}: it is damaged (`)));

  // Nobody gets in by what cannot be relied on.
  await expect(socketTo(link, signedIn.link)).rejects.toThrow();
  await expect(socketTo(web, signedIn.web)).rejects.toThrow();
  expect(await isServed(localPaths({ ...engine.env }).guestsSocket)).toBe(false); // by which all come that use ssh
  expect((await ann.client.request('share.list', {})).invites).toEqual([]);

  // As people go on, each is written anew, and what was there lies beside it.
  await everything('cleo');
  expect((await status()).warnings.sort()).toEqual(
    FILES.map((name) => expect.stringMatching(`${name} was damaged: it is kept as .*${name}\\.damaged-`)),
  );
  const aside = readdirSync(path(''))
    .filter((name) => name.includes('.json.damaged-'))
    .sort();
  expect(aside.map((name) => readFileSync(path(name)))).toEqual(FILES.map((name) => damaged.get(name)));
  await nextHost();
  expect((await status()).warnings).toEqual([]);
  expect(verify().stderr.trim().split('\n').sort()).toEqual(
    aside.map((name) => expect.stringContaining(`${name}: it was damaged and set aside`)),
  );
});

test('an invite whose file says more than was given, in a bit, gives nothing', async () => {
  const { url } = await ann.client.request('share.link', { session: 'demo', name: 'eve', expiresInMs: 60_000 });
  const link = new URL(url);
  const signedIn = await accept(link);
  expect(await socketTo(link, signedIn)).toBe('open');
  const text = readFileSync(path('invites.json'), 'utf8');
  // 1 becomes 9: from a minute to some centuries, and whole JSON as before.
  const longer = text.replace(/("expiresAt": )1/, '$19');
  expect(longer).not.toBe(text);
  writeFileSync(path('invites.json'), longer);
  await nextHost();
  expect((await status()).warnings).toEqual([
    expect.stringMatching(/invites\.json is damaged \(its checksum does not fit\): no guest is let in/),
  ]);
  await expect(socketTo(link, signedIn)).rejects.toThrow();
});

test('a session that was not shared is not, though a bit of the file says so', async () => {
  const { session } = await ann.client.request('session.create', { name: 'mine', command: ['/bin/cat'], cwd: '/' });
  await ann.client.request('share.ssh', { session: 'demo' });
  const [demo] = ann.sessions.filter(({ name }) => name === 'demo');
  writeFileSync(path('guests.json'), readFileSync(path('guests.json'), 'utf8').replace(demo?.id ?? '', session.id));
  await nextHost();
  const { sessions } = await ann.client.request('session.list', {});
  expect(sessions.map(({ name, shared }) => [name, shared?.ssh ?? null]).sort()).toEqual([
    ['demo', null],
    ['mine', null],
  ]);
  expect((await status()).warnings).toEqual([expect.stringContaining('guests.json is damaged')]);
});
