/** The same interface in a browser: let in once by a link, refused to everybody else, and then the same as the app. */
import { request } from 'node:http';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { historyOf } from './people.ts';

let world: World;
beforeAll(() => {
  world = startWorld();
});
afterAll(() => world?.dispose());

describe('the link that `cmdop web` prints', () => {
  let link: URL;
  let cookie: string;
  beforeAll(async () => {
    link = new URL((await world.cmdop('web')).trim());
  });

  test('is on this machine only', () => {
    expect(link.hostname).toBe('127.0.0.1');
  });

  test('lets a browser in, and takes the token out of its address', async () => {
    const answer = await ask(link);
    expect(answer.status).toBe(303);
    expect(answer.headers.location).not.toContain('token');
    const [given = '', name = ''] = answer.headers['set-cookie'] ?? [];
    expect(given).toMatch(/HttpOnly; SameSite=Strict/);
    expect(name).toMatch(/_name=ann; SameSite=Strict/);
    cookie = given.split(';')[0] ?? '';
    expect((await ask(new URL('/', link), { cookie })).status).toBe(200);
  });

  test('works once', async () => {
    const again = await ask(link);
    expect(again.status).toBe(401);
    expect(again.body).toMatch(/used already.*cmdop web/);
  });

  test.each(['/', '/index.html', '/ws', '/assets/x.js'])('without it %s is refused, with what to do', async (path) => {
    const answer = await ask(new URL(path, link));
    expect(answer.status).toBe(401);
    expect(answer.body).toMatch(/cmdop web/);
    expect((await ask(new URL(path, link), { cookie: 'cmdop=guessed' })).status).toBe(401);
  });

  test('another name for this machine is not served: a foreign site could point to it', async () => {
    const { port } = link;
    for (const host of [`evil.example:${port}`, `localhost.evil.example:${port}`, `127.0.0.1.nip.io:${port}`]) {
      expect((await ask(new URL('/', link), { cookie, host })).status, host).toBe(403);
    }
  });

  test('a WebSocket needs the cookie, this origin and this host', async () => {
    const { origin, port } = link;
    expect(await connect(link, { origin, cookie })).toBe('open');
    expect(await connect(link, { origin })).toBe(403);
    expect(await connect(link, { origin: 'https://evil.example', cookie })).toBe(403);
    expect(await connect(link, { origin: `http://localhost:${port}`, cookie })).toBe(403);
    expect(await connect(link, { cookie })).toBe(403);
    expect(await connect(link, { origin, cookie, host: `evil.example:${port}` })).toBe(403);
  });

  test('files outside of the interface are not served', async () => {
    for (const path of ['/../package.json', '/..%2fhost.mjs', '/%2e%2e/host.mjs', '/assets/..%2f..%2f..%2fpackage.json', '//etc/passwd']) {
      const { status } = await ask(link, { cookie, path });
      expect(status, path).toBe(404);
    }
  });
});

describe('a browser', () => {
  let first: Page;
  let second: Page;
  const failures: string[] = [];

  beforeAll(async () => {
    first = await world.browser();
    first.on('pageerror', ({ message }) => failures.push(message));
  });

  test('shows the same interface, and its address says nothing secret', async () => {
    await first.getByText('outlives every window').waitFor();
    expect(first.url()).not.toContain('token');
    expect(await first.evaluate(() => document.cookie)).toMatch(/^cmdop_\d+_name=ann$/);
  });

  test('makes a session, types into it, and the history names the interface', async () => {
    await first.getByTestId('new-session').click();
    await waitForScreen(first, /^\$ /m);
    await typeIntoTerminal(first, "echo 'from a 'browser\n");
    await waitForScreen(first, /^from a browser$/m);
    await first.getByRole('button', { name: 'History' }).click();
    await first.getByTestId('history-row').filter({ hasText: "echo 'from a 'browser" }).waitFor();
    const [session] = JSON.parse(await world.cmdop('ls', '--json'));
    const [command] = await historyOf(world, session.id);
    expect(command).toMatchObject({ exitCode: 0, submitter: { interface: 'browser' } });
  });

  test('is called as who asked for its link', async () => {
    const [session] = JSON.parse(await world.cmdop('ls', '--json'));
    expect((await historyOf(world, session.id))[0]?.submitter?.name).toBe('ann');
  });

  test('joins another one: both are there, and see what either types', async () => {
    second = await world.browser();
    second.on('pageerror', ({ message }) => failures.push(message));
    await second.getByTestId('session-row').getByRole('button').first().click();
    await waitForScreen(second, /^from a browser$/m);
    await expect.poll(() => second.getByTestId('actor-row').count()).toBe(2);
    await typeIntoTerminal(second, "echo 'from the 'second\n");
    await waitForScreen(second, /^from the second$/m);
    await waitForScreen(first, /^from the second$/m);
    await takePicture(second, 'browser');
  });

  test('reloaded, it is there again without a new link', async () => {
    await second.reload();
    await waitForScreen(second, /^from the second$/m);
  });

  test('breaks nothing in its page on the way', () => {
    expect(failures).toEqual([]);
  });
});

type Answer = { status: number; headers: import('node:http').IncomingHttpHeaders; body: string };

/** Asks by hand: a browser would not send a wrong Host. `path` is sent as it is. */
function ask(url: URL, { cookie, host, path }: { cookie?: string; host?: string; path?: string } = {}): Promise<Answer> {
  const headers = { ...(cookie ? { cookie } : {}), ...(host ? { host } : {}) };
  return new Promise((resolve, reject) => {
    const asked = request({ hostname: url.hostname, port: url.port, path: path ?? url.pathname + url.search, headers }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
    });
    asked.on('error', reject).end();
  });
}

/** `open`, or the status with which the WebSocket is refused. */
function connect(url: URL, { origin, cookie, host }: { origin?: string; cookie?: string; host?: string }): Promise<'open' | number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${url.host}/ws`, {
      ...(origin ? { origin } : {}),
      headers: { ...(cookie ? { cookie } : {}), ...(host ? { host } : {}) },
    });
    socket.on('open', () => {
      socket.close();
      resolve('open');
    });
    socket.on('unexpected-response', (_request, { statusCode }) => {
      socket.terminate();
      resolve(statusCode ?? 0);
    });
    socket.on('error', reject);
  });
}
