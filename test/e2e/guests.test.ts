/** A guest by link: invited in the desktop, in with a browser, an observer that cannot type, made an operator, and put out. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chromiumPath, type Desktop, PATIENCE_MS, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';

const SERVER = `const server = require('http').createServer((request, response) => response.end('page ' + request.url));
server.listen(0, '127.0.0.1', () => console.log('  Local: http://localhost:' + server.address().port + '/app'));`;

let world: World;
let desktop: Desktop;
let chrome: Browser;
let guest: Page;
const failures: string[] = [];

beforeAll(async () => {
  world = startWorld();
  await world.cmdop('new', 'build', '--detach');
  await world.cmdop('new', 'payroll', '--detach');
  desktop = await world.desktop();
  chrome = await chromium.launch({
    executablePath: chromiumPath(),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    timeout: PATIENCE_MS,
  });
}, 60_000);
afterAll(async () => {
  await chrome?.close();
  await world?.dispose();
});

test('the owner invites in the window, and gets a link to send', async () => {
  const { page } = desktop;
  await page.getByTestId('session-row').filter({ hasText: 'build' }).getByRole('button').first().click();
  await page.getByTestId('session-row').filter({ hasText: 'build' }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Share…' }).click();
  const dialog = page.getByTestId('share-dialog');
  await dialog.getByLabel('Name').fill('eve');
  await dialog.getByLabel('Way').selectOption('link');
  await takePicture(page, 'share-dialog');
  await dialog.getByRole('button', { name: 'Invite' }).click();
  const link = await dialog.getByTestId('share-line').innerText();
  expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/join\/[\w-]{20,}$/);
  await takePicture(page, 'share-line');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByTestId('session-row').filter({ hasText: 'build' }).getByTestId('shared-mark').waitFor();

  guest = await (await chrome.newContext({ viewport: { width: 1180, height: 760 } })).newPage();
  guest.setDefaultTimeout(PATIENCE_MS);
  guest.on('pageerror', ({ message }) => failures.push(message));
  await guest.goto(link);
  await guest.getByRole('heading', { name: /invites you to build/ }).waitFor();
  await takePicture(guest, 'guest-accept');
  await guest.getByRole('button', { name: 'Come in' }).click();
});

test('the guest’s page has this session alone, and none of the owner’s actions', async () => {
  await guest.getByTestId('session-row').waitFor();
  expect(await guest.getByTestId('session-row').allInnerTexts()).toEqual([expect.stringContaining('build')]);
  expect(await guest.getByTestId('new-session').count()).toBe(0);
  await guest.getByTestId('session-row').getByRole('button').first().click();
  await waitForScreen(guest, '$');
  await guest.keyboard.press('Control+Shift+P');
  const palette = guest.getByRole('dialog');
  await palette.getByText('Search in terminal').waitFor();
  for (const title of ['New session', 'Kill session', 'Rename session', 'Share this session', 'Policy'])
    expect(await palette.getByText(title).count(), title).toBe(0);
  await guest.keyboard.press('Escape');
});

test('an observer’s keys reach nothing, and as operator they do', async () => {
  await typeIntoTerminal(guest, 'echo from-eve\n');
  await takePicture(guest, 'guest-observer');
  await world.cmdop('role', 'build', 'eve', 'operator');
  await guest.getByTestId('status-bar').getByText('guest, operator').waitFor();
  await typeIntoTerminal(guest, 'echo as-operator\n');
  const rows = await waitForScreen(desktop.page, /^as-operator$/m);
  expect(rows.join('\n')).not.toContain('from-eve');
  const row = desktop.page.getByTestId('actor-row').filter({ hasText: 'eve' });
  await row.getByText('guest', { exact: true }).waitFor();
  expect(await row.innerText()).toContain('came by a link');
  await takePicture(desktop.page, 'guest-in-desktop');
});

test('a port is opened in the browser of the owner’s machine, and offered to no guest: theirs is another', async () => {
  writeFileSync(join(world.home, 'server.cjs'), SERVER);
  await typeIntoTerminal(guest, `${process.execPath} ~/server.cjs\n`);
  const rows = await waitForScreen(guest, /localhost:(\d+)\/app/);
  const port = Number(/localhost:(\d+)\/app/.exec(rows.join('\n'))?.[1]);
  const shown = async (page: Page) => {
    await page.getByRole('button', { name: /^Ports, / }).click();
    const row = page.locator(`[data-testid="port-row"][data-port="${port}"]`);
    await row.waitFor();
    return row;
  };

  const theirs = await shown(guest);
  expect(await theirs.getByRole('button').count()).toBe(0);
  await guest.getByText('A browser cannot open ports of another machine').waitFor();
  await takePicture(guest, 'guest-ports');
  await world.cmdop('role', 'build', 'eve', 'observer');
  await guest.getByText('Observers forward nothing: ask an owner').waitFor();
  expect(await theirs.getByRole('button').count()).toBe(0);

  const own = await world.browser();
  await own.getByTestId('session-row').filter({ hasText: 'build' }).getByRole('button').first().click();
  const ours = await shown(own);
  const opened = own.context().waitForEvent('page');
  await ours.getByRole('button', { name: `Open port ${port} in the browser` }).click();
  const page = await opened;
  await page.getByText('page /app').waitFor();
  expect(page.url()).toBe(`http://localhost:${port}/app`);
});

test('revoked in the window, the guest is out at once and told why', async () => {
  await desktop.page.getByRole('button', { name: 'Revoke the invite of eve' }).click();
  await guest.getByTestId('offline-banner').getByText('has revoked the invite').waitFor();
  await takePicture(guest, 'guest-revoked');
  await desktop.page.getByTestId('actor-row').filter({ hasText: 'eve' }).waitFor({ state: 'detached' });
  await expect.poll(() => desktop.page.getByTestId('shared-mark').count()).toBe(0);
  // Nothing else is shared, so that soon nobody listens there at all.
  const reloaded = await guest.reload().catch((error: Error) => error.message);
  if (typeof reloaded === 'string') expect(reloaded).toContain('ERR_CONNECTION_REFUSED');
  else expect(reloaded?.status()).toBe(401);
  expect(failures).toEqual([]);
});
