/** Servers that ask: a password and a second factor in the window's dialogs, kept nowhere, and taken back when the server gives up. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { AuthContext, Connection, KeyboardAuthContext } from 'ssh2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endEverythingOf } from '../process/end-everything.ts';
import { fetchBody } from '../process/port-world.ts';
import { type OddServer, oddHostLine, runningPrograms, startOddServer } from '../remote/odd-server.ts';
import { type Desktop, projectDir, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';

const PASSWORD = 'battery staple';
const CODE = '482913';

let world: World;
let desktop: Desktop;
const servers: OddServer[] = [];
/** Of the machine that all of them are. */
let far: Record<string, string>;

beforeAll(async () => {
  world = startWorld();
  const home = join(world.home, 'far');
  far = { PATH: process.env.PATH ?? '', HOME: home, CMDOP_HOME: join(home, 'c'), SHELL: '/bin/bash', LANG: 'C.UTF-8' };
  mkdirSync(join(home, '.local', 'bin'), { recursive: true });
  writeFileSync(join(home, '.bashrc'), "PS1='far$ '\n");
  writeFileSync(join(home, '.bash_profile'), '. ~/.bashrc\n');
  const command = join(home, '.local', 'bin', 'cmdop');
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${join(projectDir, 'build', 'cmdop.mjs')}' "$@"\n`);
  chmodSync(command, 0o755);
  const ports = {
    password: await serve((attempt) => {
      if (attempt.method === 'password' && attempt.password === password) attempt.accept();
      else attempt.reject(['password']);
    }),
    factors: await serve((attempt) => {
      if (attempt.method === 'keyboard-interactive') askTwice(attempt);
      else attempt.reject(['keyboard-interactive']);
    }),
    impatient: await serve((attempt, connection) => {
      if (attempt.method === 'keyboard-interactive') attempt.prompt([{ prompt: 'Password: ', echo: false }], () => {});
      else attempt.reject(['keyboard-interactive']);
      if (attempt.method === 'keyboard-interactive') hangUp = () => connection.end();
    }),
  };
  const ssh = join(world.home, '.ssh');
  mkdirSync(ssh, { mode: 0o700 });
  const always = `HostName 127.0.0.1\n  User ann\n  IdentityAgent none\n  UserKnownHostsFile ${join(ssh, 'known')}`;
  const config = Object.entries(ports).map(([name, port]) => `Host ${name}\n  Port ${port}\n  ${always}\n`);
  writeFileSync(join(ssh, 'known'), `${Object.values(ports).map(oddHostLine).join('\n')}\n`);
  writeFileSync(join(ssh, 'config'), config.join(''), { mode: 0o600 });
  desktop = await world.desktop();
});
afterAll(async () => {
  await world?.dispose();
  for (const server of servers) await server.dispose();
  endEverythingOf(far.CMDOP_HOME ?? '');
});

let hangUp = () => {};
/** What the first of them takes. */
let password = PASSWORD;
const SERVER = `const server = require('http').createServer((request, response) => response.end('served'));
server.listen(0, '127.0.0.1', () => console.log('listens on ' + server.address().port));`;

async function serve(authenticate: (attempt: AuthContext, connection: Connection) => void): Promise<number> {
  const server = await startOddServer({ authenticate, opened: runningPrograms(far) });
  servers.push(server);
  return server.port;
}

function askTwice(attempt: KeyboardAuthContext): void {
  attempt.prompt([{ prompt: 'Password: ', echo: false }], 'Example Corp', 'Have your phone ready.', ([password]) => {
    attempt.prompt([{ prompt: 'Code from your app: ', echo: true }], ([code]) => {
      if (password === PASSWORD && code === CODE) attempt.accept();
      else attempt.reject(['keyboard-interactive']);
    });
  });
}

const groupOf = (page: Page, name: string) => page.locator(`[data-testid="host-group"][data-host="${name}"]`);
const dialogOf = (page: Page) => page.getByTestId('secret-dialog');

async function add(name: string): Promise<void> {
  const { page } = desktop;
  await page.getByRole('button', { name: 'Add host' }).click();
  await page.keyboard.type(name);
  await page.getByRole('option', { name: new RegExp(`^${name}`), selected: true }).waitFor();
  await page.keyboard.press('Enter');
}

/** Answers the question on screen and waits until it is gone: the next one is another. */
async function answer(text: string): Promise<void> {
  const asked = await dialogOf(desktop.page).getAttribute('data-question');
  await desktop.page.keyboard.type(text);
  await desktop.page.keyboard.press('Enter');
  await desktop.page.locator(`[data-testid="secret-dialog"][data-question="${asked}"]`).waitFor({ state: 'detached' });
}

async function look(name: string): Promise<void> {
  const { page } = desktop;
  expect(await accessibilityFaults(page)).toEqual([]);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await contrastFaults(page)).toEqual([]);
    await takePicture(page, `${name}-${colorScheme}`);
  }
}

const holds = (text: string) => desktop.page.evaluate((secret) => document.documentElement.outerHTML.includes(secret), text);

test('a password is asked for, once more after a wrong one, and leads in', async () => {
  const { page } = desktop;
  await add('password');
  await dialogOf(page).getByText('Password for password').waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('password');
  await look('remote-password');
  await answer('wrong');
  await dialogOf(page).getByText('Permission denied: once more, the password').waitFor();
  await answer(PASSWORD);
  await expect.poll(() => groupOf(page, 'password').getAttribute('data-link')).toBe('connected');
  await groupOf(page, 'password').getByRole('button', { name: 'New session on password' }).click();
  await waitForScreen(page, 'far$ ');
  await typeIntoTerminal(page, 'echo in by $((6 * 7))\n');
  await waitForScreen(page, /^in by 42$/m);
  expect(await holds(PASSWORD)).toBe(false);
});

test('it is not asked for again when the line breaks', async () => {
  const { page } = desktop;
  const before = servers[0]?.connections.length ?? 0;
  for (const connection of servers[0]?.connections ?? []) connection.end();
  await expect.poll(() => servers[0]?.connections.length).toBeGreaterThan(before);
  await expect.poll(() => groupOf(page, 'password').getAttribute('data-link')).toBe('connected');
  expect(await dialogOf(page).count()).toBe(0);
  await typeIntoTerminal(page, 'echo again $((6 * 7))\n');
  await waitForScreen(page, /^again 42$/m);
});

test('whoever does not log in again is asked no more, forwards or not, and sees since when the screen is old', async () => {
  const { page } = desktop;
  writeFileSync(join(far.HOME ?? '', 'server.cjs'), SERVER);
  await typeIntoTerminal(page, `${process.execPath} ~/server.cjs\n`);
  const port = Number(/listens on (\d+)/.exec((await waitForScreen(page, /listens on \d+/)).join('\n'))?.[1]);
  await page.getByRole('button', { name: 'Ports, 1 open' }).click();
  const row = page.locator(`[data-testid="port-row"][data-port="${port}"]`);
  await row.getByRole('button', { name: `Forward port ${port} to this machine` }).click();
  const address = await row.getByTestId('forward').locator('code').textContent();
  const localPort = Number(address?.split(':').at(-1));
  expect((await fetchBody(localPort)).toString()).toBe('served');

  password = 'another one';
  for (const connection of servers[0]?.connections ?? []) connection.end();
  await dialogOf(page).waitFor();
  await page.keyboard.press('Escape');
  await expect.poll(() => groupOf(page, 'password').getAttribute('data-link')).toBe('held');
  const logins = servers[0]?.connections.length;
  const banner = page.getByTestId('offline-banner');
  expect(await banner.textContent()).toMatch(/^Not connected since \d\d:\d\d:\d\d\. Sessions go on\./);
  await new Promise((resolve) => setTimeout(resolve, 4_000)); // in which the forward would have tried several times
  expect(await dialogOf(page).count()).toBe(0);
  expect(servers[0]?.connections.length).toBe(logins);

  await banner.getByRole('button', { name: 'Try again' }).click();
  await dialogOf(page).waitFor();
  await answer(password);
  await expect.poll(() => groupOf(page, 'password').getAttribute('data-link')).toBe('connected');
  const served = () => fetchBody(localPort).then(String, () => 'refused');
  await expect.poll(served).toBe('served');
});

test('a second factor is asked for in the server’s words, and what is no secret is seen', async () => {
  const { page } = desktop;
  await add('factors');
  await dialogOf(page).getByText('Have your phone ready.').waitFor();
  await look('remote-factors');
  await answer(PASSWORD);
  await dialogOf(page).getByText('Code from your app:').waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('text');
  await look('remote-code');
  await answer(CODE);
  await expect.poll(() => groupOf(page, 'factors').getAttribute('data-link')).toBe('connected');
});

test('a question is taken back when the server does not wait for the answer', async () => {
  const { page } = desktop;
  await add('impatient');
  await dialogOf(page).getByText('Sign in for impatient').waitFor();
  hangUp();
  await dialogOf(page).waitFor({ state: 'detached' });
  await expect.poll(() => groupOf(page, 'impatient').getByTestId('host-trouble').textContent()).toMatch(/nobody answered in time/);
  await groupOf(page, 'impatient').getByRole('button', { name: 'Try again' }).click();
  await dialogOf(page).waitFor();
  await page.keyboard.press('Escape');
  await expect.poll(() => groupOf(page, 'impatient').getByTestId('host-trouble').textContent()).toMatch(/given up/);
});
