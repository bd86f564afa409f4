/** Browser links of guests over HTTP and the WebSocket, as a browser and as somebody who would like to be one. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ParamsInput } from '#protocol/messages.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { accept, ask, browser, socketTo } from './link-browser.ts';

let engine: Engine;
let ann: Person;
beforeEach(async () => {
  // The page itself is not asked for here: any file will do where the interface was not built.
  const page = resolve('dist/renderer/index.html');
  mkdirSync(dirname(page), { recursive: true });
  if (!existsSync(page)) writeFileSync(page, '<!doctype html>');
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'build', command: ['cat'], cwd: '/' });
});
afterEach(() => engine.dispose());

async function link(wanted: Partial<ParamsInput<'share.link'>> = {}): Promise<{ url: URL; id: string }> {
  const { url, invite } = await ann.client.request('share.link', { session: 'build', name: 'eve', ...wanted });
  return { url: new URL(url), id: invite.id };
}

test('looking at a link does not use it up; accepting it does, once and only from its own page', async () => {
  const { url } = await link({ name: '<b>eve</b>' });
  for (const method of ['GET', 'HEAD', 'GET']) expect((await ask(url, { method })).status).toBe(200);
  expect((await ask(url)).body).toContain('&lt;b&gt;eve&lt;/b&gt;');
  expect((await ask(url, { method: 'POST' })).status).toBe(405);
  expect((await ask(url, { method: 'POST', origin: 'https://evil.example' })).status).toBe(405);
  expect((await ask(url, { method: 'POST', origin: 'null' })).status).toBe(405);
  const accepted = await ask(url, { method: 'POST', origin: url.origin });
  expect(accepted).toMatchObject({ status: 303, cookie: expect.stringMatching(/^cmdop_guest_\d+=.{40,}$/) });
  expect(await ask(url, { method: 'POST', origin: url.origin })).toMatchObject({
    status: 401,
    body: expect.stringContaining('used already'),
  });
  expect((await ask(url, { cookie: accepted.cookie })).status).toBe(303); // its own browser comes back by it
});

test('without the cookie, from another origin or under another name nothing is served', async () => {
  const { url } = await link();
  const { cookie, key } = await accept(url);
  const root = new URL('/', url);
  expect((await ask(root, { cookie })).status).toBe(200);
  expect((await ask(root)).status).toBe(401);
  expect((await ask(root, { cookie: `${cookie}x` })).status).toBe(401);
  expect((await ask(root, { cookie, host: 'evil.example' })).status).toBe(403);
  expect((await ask(new URL('/../host.mjs', url), { cookie })).status).toBe(404);
  expect((await ask(new URL('/join/guessed-and-wrong', url))).status).toBe(401);
  expect(await socketTo(url, { cookie, key })).toBe('open');
  expect(await socketTo(url, { key })).toBe(403);
  expect(await socketTo(url, { cookie, key, origin: 'https://evil.example' })).toBe(403);
  const { events } = await ann.client.request('journal.list', { kinds: ['share'] });
  expect(events.map(({ payload }) => payload.is)).toEqual(['invited', 'joined', 'refused']);
});

test('the cookie, which reaches every port of the address, opens nothing alone', async () => {
  const { url } = await link();
  const { cookie, key } = await accept(url);
  const max = await accept((await link({ name: 'max' })).url);
  for (const wrong of [undefined, max.key, cookie.split('=')[1], `${key}x`]) {
    expect(await socketTo(url, { cookie, ...(wrong ? { key: wrong } : {}) })).toBe(403);
    const why = await ask(new URL('/ws', url), { cookie, ...(wrong ? { key: wrong } : {}) });
    expect(why).toMatchObject({ status: 401, body: expect.stringContaining('ask for another') });
  }
  expect((await ask(new URL('/ws', url), { cookie, key })).status).toBe(204);
});

test('an accepted link lasts through a crash of the host, and not through its end', async () => {
  const { url, id } = await link();
  const signIn = await accept(url);
  await engine.killHost();
  await engine.startHost();
  expect(await socketTo(url, signIn)).toBe('open');
  await ann.client.whenConnected();
  await ann.client.request('share.revoke', { id });
  expect(await socketTo(url, signIn)).toBe(403);
  // With its last link the address is served no more.
  await expect.poll(() => ask(url).catch((error: NodeJS.ErrnoException) => error.code), { timeout: 5_000 }).toBe('ECONNREFUSED');
});

test('a link that is expired or revoked before it is used opens nothing', async () => {
  const { url, id } = await link();
  const kept = await link({ name: 'max' });
  await ann.client.request('share.revoke', { id });
  expect(await ask(url)).toMatchObject({ status: 401, body: expect.stringContaining('was revoked') });
  const short = await link({ name: 'zoe', expiresInMs: 1_000 });
  await expect.poll(async () => (await ask(short.url)).body, { timeout: 5_000 }).toContain('has expired');
  expect((await ask(kept.url)).status).toBe(200);
});

test('an address that is not this machine’s alone is told of, and one that is none is refused', async () => {
  const wide = { session: 'build', name: 'eve', listen: { address: '0.0.0.0', port: 0 } };
  expect((await ann.client.request('share.link', wide)).note).toContain('has no TLS');
  const none = { session: 'build', name: 'max', listen: { address: '203.0.113.9', port: 0 } };
  await expect(ann.client.request('share.link', none)).rejects.toThrow('it is no address of this machine');
  const { invites } = await ann.client.request('share.list', {});
  expect(invites.map(({ name }) => name)).toEqual(['eve']);
});

test.each([
  ['say nothing', []],
  ['talk garbage, or begin a request and never end it', ['\x16\x03\x01\xff no request at all \r\n\r\n', 'GET / HTTP/1.1\r\nHost: ']],
])(
  'a thousand connections that %s keep no guest out, nor the owner waiting, and are a few lines of the journal',
  async (_, words: string[]) => {
    const { url } = await link({ role: 'operator' });
    const view = ann.attach('build');
    await view.until(() => view.stream.isAttached);
    const echoes: number[] = [];
    const echo = async (n: number) => {
      const begun = performance.now();
      await view.type(`echo${n}-\n`);
      await view.until(`echo${n}-`);
      echoes.push(performance.now() - begun);
    };
    const crowd: Socket[] = [];
    const come = (many: number) => {
      for (let n = 0; n < many; n++) {
        const stranger = connect(Number(url.port), url.hostname).on('error', () => {});
        crowd.push(stranger.resume());
        const word = words[n % words.length];
        if (word) stranger.write(word);
      }
    };
    const open = () => crowd.filter(({ closed, connecting }) => !closed && !connecting).length;
    for (let n = 0; n < 5; n++) {
      come(100);
      await echo(n);
    }
    // In the midst of many that come at the same moment.
    come(100);
    const opened = ask(url);
    come(100);
    expect((await opened).status).toBe(200);
    const accepting = accept(url);
    come(100);
    const eve = engine.person('eve', browser(url, await accepting));
    come(200);
    await eve.client.whenConnected();
    for (let n = 5; n < 10; n++) await echo(n);
    expect(crowd).toHaveLength(1_000);
    expect(echoes.toSorted((a, b) => a - b)[5]).toBeLessThan(250);
    await expect.poll(open).toBeLessThanOrEqual(512);
    const { events } = await ann.client.request('journal.list', { kinds: ['share'] });
    const refused = events.filter(({ payload }) => payload.is === 'refused');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(3);
    // Who says nothing has three seconds, and a guest that is quiet all the time it likes.
    if (words.length === 0) await expect.poll(open, { timeout: 5_000 }).toBe(0);
    for (const socket of crowd) socket.destroy();
    expect(eve.client.state.is).toBe('connected');
  },
);
