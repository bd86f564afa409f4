/** The same interface in a browser: let in once by a link, refused to everybody else, and then the same as the app. */
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { socketTo } from '../process/link-browser.ts';
import { remember, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen, whenConnected } from './launch.ts';
import { historyOf } from './people.ts';

let world: World;
beforeAll(() => {
  world = startWorld();
});
afterAll(() => world?.dispose());

describe('the link that `cmdop web` prints', () => {
  let link: URL;
  let cookie: string;
  let key: string;
  beforeAll(async () => {
    link = new URL((await world.cmdop('web')).trim());
  });

  test('is on this machine only', () => {
    expect(link.hostname).toBe('127.0.0.1');
  });

  test('lets a browser in, and takes the token out of its address', async () => {
    const answer = await ask(link);
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toMatch(/^\/#key=[\w-]{43}$/); // what follows # is sent to nobody
    const [given = '', name = ''] = answer.headers['set-cookie'] ?? [];
    expect(given).toMatch(/HttpOnly; SameSite=Strict/);
    expect(name).toMatch(/_name=ann; SameSite=Strict/);
    cookie = given.split(';')[0] ?? '';
    key = answer.headers.location?.replace('/#key=', '') ?? '';
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

  test('a WebSocket needs the cookie, its key, this origin and this host', async () => {
    const { port } = link;
    expect(await socketTo(link, { cookie, key })).toBe('open');
    expect(await socketTo(link, { key })).toBe(403);
    expect(await socketTo(link, { cookie })).toBe(403);
    expect(await socketTo(link, { cookie, key, origin: 'https://evil.example' })).toBe(403);
    expect(await socketTo(link, { cookie, key, origin: `http://localhost:${port}` })).toBe(403);
    expect(await socketTo(link, { cookie, key, origin: '' })).toBe(403);
    expect(await socketTo(link, { cookie, key, host: `evil.example:${port}` })).toBe(403);
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
    expect(first.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
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

  test('after a crash of the host it is there again by itself', async () => {
    const before = await world.hostPid();
    const isOffline = first.locator('[data-testid="status-bar"]:not([data-link="connected"])').waitFor();
    process.kill(before ?? 0, 'SIGKILL');
    await isOffline;
    await world.cmdop('ls');
    for (const page of [first, second]) await whenConnected(page);
    expect(await world.hostPid()).not.toBe(before);
    await typeIntoTerminal(first, "echo 'after the 'crash\n");
    await waitForScreen(second, /^after the crash$/m);
  });

  test('breaks nothing in its page on the way', () => {
    expect(failures).toEqual([]);
  });
});

describe('a browser whose page has lost its key', () => {
  let page: Page;
  beforeAll(async () => {
    page = await world.browser();
  });

  test.each([
    ['is gone, as when its site’s storage was cleared', null],
    ['is of another time', 'A'.repeat(43)],
  ])('which %s: it says what to do, and waits for that', async (_, key) => {
    await page.evaluate((kept) => {
      localStorage.clear();
      if (kept) localStorage.setItem('cmdop.sign-in-key', kept);
    }, key);
    await page.reload();
    await page.locator('[data-testid="status-bar"][data-link="held"]').waitFor();
    expect(await bannerOf(page)).toMatch(/This page needs a one-time link: run `cmdop web` in a terminal and open the URL it prints\.$/);
    await takePicture(page, `browser-${key ? 'wrong' : 'no'}-key`);
  });

  test('a new link opened in another tab lets this one in too', async () => {
    const other = await page.context().newPage();
    await other.goto((await world.cmdop('web')).trim());
    await whenConnected(other);
    await page.getByRole('button', { name: 'Try again' }).first().click();
    await whenConnected(page);
  });
});

describe('another server of this machine that the same browser opens', () => {
  const heard: IncomingHttpHeaders[] = [];
  let server: Server;
  let page: Page;
  beforeAll(async () => {
    server = createServer(({ headers }, response) => {
      heard.push(headers);
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>what runs here</title>');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    page = await world.browser();
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  /** The cookies that it gets, and every key that it could make of them. */
  async function attempts(opened: Page): Promise<{ cookie: string; key?: string }[]> {
    const from = heard.length;
    await opened.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const cookie = heard[from]?.cookie ?? '';
    const values = cookie.split('; ').map((each) => each.split('=')[1] ?? '');
    return [{ cookie }, ...values.map((key) => ({ cookie, key }))];
  }

  test('gets the owner’s cookie, and can do nothing with it', async () => {
    const own = new URL(page.url());
    const opened = await page.context().newPage();
    const all = await attempts(opened);
    expect(all[0]?.cookie).toContain(`cmdop_${own.port}=`);
    for (const attempt of all) {
      for (const origin of [own.origin, new URL(opened.url()).origin, '']) expect(await socketTo(own, { ...attempt, origin })).toBe(403);
    }
    expect(await opened.evaluate(() => localStorage.length)).toBe(0);
    await page.reload();
    await whenConnected(page);
  });

  test('gets a guest’s cookie, and can do nothing with it', async () => {
    await world.cmdop('new', 'shared', '--detach');
    const link = new URL(/http:\S+/.exec(await world.cmdop('share', 'shared', '--with', 'eve', '--link'))?.[0] ?? '');
    const guest = await page.context().newPage();
    remember(guest);
    await guest.goto(link.href);
    await guest.getByRole('button', { name: 'Come in' }).click();
    await whenConnected(guest);
    expect(guest.url()).toBe(`${link.origin}/`);
    const all = await attempts(await page.context().newPage());
    expect(all[0]?.cookie).toContain(`cmdop_guest_${link.port}=`);
    for (const attempt of all) {
      for (const origin of [link.origin, '']) expect(await socketTo(link, { ...attempt, origin })).toBe(403);
    }
    await guest.goto(link.href); // the one browser that accepted it comes back by it
    await whenConnected(guest);
    await guest.evaluate(() => localStorage.clear());
    await guest.reload();
    expect(await bannerOf(guest)).toMatch(/If it worked before, ask for another\.$/);
    await takePicture(guest, 'guest-no-key');
  });
});

/** What the page says of its connection, which must be readable whole. */
async function bannerOf(page: Page): Promise<string> {
  const text = page.getByTestId('offline-banner').locator('.banner-text');
  const shown = await text.innerText();
  expect(await text.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
  return shown;
}

type Answer = { status: number; headers: IncomingHttpHeaders; body: string };

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
