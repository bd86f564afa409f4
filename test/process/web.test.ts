/** The browser's server: nothing without a one-time link, nothing for other sites, and pages survive a crash of the host. */
import { request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Engine, openEngine, type Person } from './engine.ts';
import { socketTo } from './link-browser.ts';

let engine: Engine;
let ann: Person;

beforeEach(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
});
afterEach(() => engine.dispose());

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: string };

function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, { headers, method }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    })
      .on('error', reject)
      .end();
  });
}

type SignedIn = { url: string; origin: string; cookie: string; key: string };

async function signIn(): Promise<SignedIn> {
  const { url } = await ann.client.request('web.open', {});
  const { status, headers } = await get(url);
  expect(status).toBe(303);
  const key = String(headers.location).replace('/#key=', '');
  return { url, origin: new URL(url).origin, cookie: String(headers['set-cookie']).split(';')[0] ?? '', key };
}

const upgrade = ({ url, cookie, key }: SignedIn) => socketTo(new URL(url), { cookie, key });

test('a link works once, then only the cookie does', async () => {
  const { url, origin, cookie } = await signIn();
  expect((await get(url)).status).toBe(401);
  expect(await get(origin)).toMatchObject({ status: 401, body: expect.stringContaining('cmdop web') });
  const page = await get(origin, { cookie });
  expect(page.status).toBe(200);
  expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  expect(cookie).toMatch(/^cmdop_\d+=/);
  expect((await get(origin, { cookie: `${cookie}x` })).status).toBe(401);
});

test('the cookie is for this site and no script', async () => {
  const { url } = await ann.client.request('web.open', {});
  expect(String((await get(url)).headers['set-cookie'])).toContain('; HttpOnly; SameSite=Strict; Path=/');
});

test('another host name, as DNS rebinding brings, is refused', async () => {
  const { origin, cookie } = await signIn();
  expect((await get(origin, { cookie, host: 'evil.example' })).status).toBe(403);
  expect((await get(origin, { cookie, host: `localhost:${new URL(origin).port}` })).status).toBe(403);
});

test('a socket is opened for the own page with its cookie and its key, and for nobody else', async () => {
  const { url, cookie, key } = await signIn();
  const to = (by: Parameters<typeof socketTo>[1]) => socketTo(new URL(url), by);
  expect(await to({ cookie, key })).toBe('open');
  expect(await to({ key })).toBe(403);
  expect(await to({ cookie, key, origin: 'https://evil.example' })).toBe(403);
  expect(await to({ cookie, key, origin: '' })).toBe(403);
});

test('the cookie, which reaches every port of this machine, opens nothing alone, and a page without its key is told why', async () => {
  const { url, origin, cookie, key } = await signIn();
  const other = await signIn();
  for (const wrong of [undefined, other.key, cookie.split('=')[1], `${key}x`]) {
    expect(await socketTo(new URL(url), { cookie, ...(wrong ? { key: wrong } : {}) })).toBe(403);
    const why = await get(`${origin}/ws`, { cookie, ...(wrong ? { authorization: `Bearer ${wrong}` } : {}) });
    expect(why).toMatchObject({ status: 401, body: expect.stringContaining('run `cmdop web`') });
  }
  expect((await get(`${origin}/ws`, { cookie, authorization: `Bearer ${key}` })).status).toBe(204);
});

test.each(['/../../package.json', '/%2e%2e/%2e%2e/package.json', '/assets/../../../package.json', '/%zz', '/nothing.js'])(
  '%s leads nowhere',
  async (path) => {
    const { origin, cookie } = await signIn();
    const { hostname, port } = new URL(origin);
    const status = await new Promise<number>((resolve) => {
      request({ hostname, port, path, headers: { cookie, host: `${hostname}:${port}` } }, (response) =>
        resolve(response.statusCode ?? 0),
      ).end();
    });
    expect(status).toBe(404);
  },
);

test('only reading is possible', async () => {
  const { origin, cookie } = await signIn();
  expect((await get(origin, { cookie }, 'POST')).status).toBe(405);
});

test('after a crash of the host a page is served again at the same address; after a stop nobody is', async () => {
  const signedIn = await signIn();
  const { origin, cookie } = signedIn;
  await engine.killHost();
  await engine.startHost();
  expect((await get(origin, { cookie })).status).toBe(200);
  expect(await upgrade(signedIn)).toBe('open');
  await ann.client.whenConnected();
  const stopped = new Promise<void>((resolve) => engine.host?.once('exit', () => resolve()));
  await ann.client.request('host.stop', {});
  await stopped;
  await engine.startHost();
  await expect(get(origin, { cookie })).rejects.toThrow(/ECONNREFUSED/);
});

test('when the host is replaced by another build a page is served again at the same address', async () => {
  const signedIn = await signIn();
  const { pid } = await ann.client.request('host.handoff', {});
  await ann.until(() => ann.client.state.is === 'connected' && ann.client.host?.pid === pid);
  expect((await get(signedIn.origin, { cookie: signedIn.cookie })).status).toBe(200);
  expect(await upgrade(signedIn)).toBe('open');
});
