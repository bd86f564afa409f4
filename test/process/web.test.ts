/** The browser's server: nothing without a one-time link, nothing for other sites, and pages survive a crash of the host. */
import { request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Engine, openEngine, type Person } from './engine.ts';

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

async function signIn(): Promise<{ origin: string; cookie: string; url: string }> {
  const { url } = await ann.client.request('web.open', {});
  const answer = await get(url);
  expect(answer.status).toBe(303);
  return { url, origin: new URL(url).origin, cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '' };
}

/** 101 or the status of the refusal. */
function upgrade(origin: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws`, { headers });
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => {}); // after the refusal
  });
}

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

test('a socket is opened for the own page with its cookie, and for nobody else', async () => {
  const { origin, cookie } = await signIn();
  expect(await upgrade(origin, { origin, cookie })).toBe(101);
  expect(await upgrade(origin, { origin })).toBe(403);
  expect(await upgrade(origin, { origin: 'https://evil.example', cookie })).toBe(403);
  expect(await upgrade(origin, { cookie })).toBe(403);
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
  const { origin, cookie } = await signIn();
  await engine.killHost();
  await engine.startHost();
  expect((await get(origin, { cookie })).status).toBe(200);
  await ann.client.whenConnected();
  const stopped = new Promise<void>((resolve) => engine.host?.once('exit', () => resolve()));
  await ann.client.request('host.stop', {});
  await stopped;
  await engine.startHost();
  await expect(get(origin, { cookie })).rejects.toThrow(/ECONNREFUSED/);
});

test('when the host is replaced by another build a page is served again at the same address', async () => {
  const { origin, cookie } = await signIn();
  const { pid } = await ann.client.request('host.handoff', {});
  await ann.until(() => ann.client.state.is === 'connected' && ann.client.host?.pid === pid);
  expect((await get(origin, { cookie })).status).toBe(200);
});
