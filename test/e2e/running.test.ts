/** What runs in a session, in the window: ports that open, forwards of another machine's, processes and signals to them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchBody } from '../process/port-world.ts';
import { type Desktop, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';
import { type RemoteMachine, startRemoteMachine } from './remote-machine.ts';

const SERVER = `const server = require('http').createServer((request, response) => response.end('page ' + request.url + ' ' + 'x'.repeat(2e6)));
server.listen(0, '127.0.0.1', () => console.log('  Local: http://localhost:' + server.address().port + '/app'));`;

let world: World;
let far: RemoteMachine;
let desktop: Desktop;
/** What the app would have opened in the person's browser. */
const opened = (): Promise<string[]> => desktop.app.evaluate(() => Reflect.get(globalThis, 'opened') as string[]);

beforeAll(async () => {
  world = startWorld();
  far = await startRemoteMachine();
  Object.assign(world.env, far.env);
  for (const { home } of [world, far]) writeFileSync(join(home, 'server.cjs'), SERVER);
  desktop = await world.desktop();
  await desktop.app.evaluate(({ shell }) => {
    const urls: string[] = [];
    Reflect.set(globalThis, 'opened', urls);
    shell.openExternal = async (url: string) => void urls.push(url);
  });
});
afterAll(async () => {
  await world?.dispose();
  await far?.dispose();
});

/** Starts the server in the terminal in front; its port. */
async function serve(page: Page): Promise<number> {
  await typeIntoTerminal(page, `${process.execPath} ~/server.cjs\n`);
  const rows = await waitForScreen(page, /localhost:(\d+)\/app/);
  return Number(/localhost:(\d+)\/app/.exec(rows.join('\n'))?.[1]);
}

const panel = (page: Page, name: string) => page.getByRole('complementary', { name });

test('a port that opens is said quietly, and is in the panel with what it takes to open it', async () => {
  const { page } = desktop;
  await page.keyboard.press('Control+Shift+T');
  await waitForScreen(page, '$ ');
  const port = await serve(page);
  await page
    .getByTestId('toast')
    .filter({ hasText: `listens on port ${port}.` })
    .waitFor();
  await page.getByRole('button', { name: 'Ports, 1 open' }).click();
  const row = page.locator(`[data-testid="port-row"][data-port="${port}"]`);
  await expect.poll(() => row.textContent()).toContain('server.cjs');
  await takePicture(page, 'ports-here');
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(await contrastFaults(page)).toEqual([]);
  await row.getByRole('button', { name: `Open port ${port} in the browser` }).click();
  await expect.poll(opened).toEqual([`http://localhost:${port}/app`]);
  expect(await row.getByRole('button', { name: /Forward/ }).count()).toBe(0); // it is on this machine already
});

test('processes are a tree; one of them is signalled once that is confirmed, by its name', async () => {
  const { page } = desktop;
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type('show or hide processes');
  await page.keyboard.press('Enter');
  const row = panel(page, 'Processes').getByTestId('process-row').filter({ hasText: 'server.cjs' });
  await expect.poll(() => row.textContent()).toMatch(/% CPU.*MiB/);
  await takePicture(page, 'processes');
  expect(await accessibilityFaults(page)).toEqual([]);
  await row.getByRole('button', { name: /Signal process/ }).click();
  await page.getByRole('menuitem', { name: 'Ask to end (SIGTERM)' }).click();
  expect(await page.getByTestId('signalled').textContent()).toContain('server.cjs');
  await takePicture(page, 'processes-signal');
  expect(await contrastFaults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Send SIGTERM' }).click();
  await expect.poll(() => row.count()).toBe(0);
  await page.getByRole('button', { name: 'Ports, 0 open' }).click();
  await panel(page, 'Ports').getByText('Nothing listens.').waitFor();
  await takePicture(page, 'ports-empty');
});

test('a port of another machine is forwarded with one click, counted, and closed with its session', async () => {
  const { page } = desktop;
  await page.getByRole('button', { name: 'Add host' }).click();
  await page.keyboard.type(far.name);
  await page.keyboard.press('Enter');
  await page.getByTestId('host-key-dialog').getByRole('button', { name: 'Trust and remember' }).click();
  const group = page.locator(`[data-testid="host-group"][data-host="${far.name}"]`);
  await expect.poll(() => group.getAttribute('data-link')).toBe('connected');
  await group.getByRole('button', { name: `New session on ${far.name}` }).click();
  await waitForScreen(page, 'far$ ');
  const port = await serve(page);
  const row = page.locator(`[data-testid="port-row"][data-port="${port}"]`);
  await row.getByRole('button', { name: `Forward port ${port} to this machine` }).click();
  const address = await row.getByTestId('forward').locator('code').textContent();
  const localPort = Number(address?.split(':').at(-1));
  expect((await fetchBody(localPort, '/a')).toString()).toBe(`page /a ${'x'.repeat(2e6)}`);
  await expect.poll(() => row.getByTestId('forward-counts').textContent()).toMatch(/[1-2][.\d]* MiB in/);
  await takePicture(page, 'ports-forward');
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(await contrastFaults(page)).toEqual([]);
  await row.getByRole('button', { name: `Open port ${port} in the browser` }).click();
  await expect.poll(async () => (await opened()).at(-1)).toBe(`http://localhost:${localPort}/app`);
  await typeIntoTerminal(page, '');
  await page.keyboard.press('Control+C');
  await page.keyboard.type('exit\n');
  await page.getByTestId('toast').filter({ hasText: 'has ended, and nothing of it listens any more' }).waitFor();
  await expect(fetchBody(localPort)).rejects.toThrow(/ECONNREFUSED/);
});
