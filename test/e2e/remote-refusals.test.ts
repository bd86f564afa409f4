/** Hosts that cannot be reached as they are: the window says in a sentence why and what to do, and asks no more than it must. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VERSION } from '#local/version.ts';
import { newKey } from '../remote/sshd.ts';
import { type Desktop, electronPath, projectDir, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';
import { type RemoteMachine, startRemoteMachine } from './remote-machine.ts';

const PASSPHRASE = 'correct horse';

let world: World;
let far: RemoteMachine;
let desktop: Desktop;

beforeAll(async () => {
  world = startWorld();
  far = await startRemoteMachine({ hasCmdop: false });
  const ssh = join(world.home, '.ssh');
  mkdirSync(ssh, { mode: 0o700 });
  const locked = newKey({ folder: ssh, name: 'locked', passphrase: PASSPHRASE });
  far.sshd.authorize(locked);
  const stranger = newKey({ folder: ssh, name: 'stranger' });
  writeFileSync(join(ssh, 'known'), `${far.sshd.knownHostsLines.join('\n')}\n`);
  writeFileSync(join(ssh, 'other'), `[127.0.0.1]:${far.sshd.port} ${stranger.publicLine}\n`);
  const host = (name: string, key: string, known: string) =>
    [
      `Host ${name}`,
      'HostName 127.0.0.1',
      `Port ${far.sshd.port}`,
      `User ${far.sshd.user}`,
      'IdentityAgent none',
      'IdentitiesOnly yes',
      `IdentityFile ${key}`,
      `UserKnownHostsFile ${join(ssh, known)}`,
    ].join('\n  ');
  const config = [
    host('locked', locked.path, 'known'),
    host('stranger', stranger.path, 'known'),
    host('changed', locked.path, 'other'),
    host('bare', far.sshd.clientKey.path, 'known'),
    'Host lost\n  HostName no-such-machine.invalid',
  ];
  writeFileSync(join(ssh, 'config'), `${config.join('\n')}\n`, { mode: 0o600 });
  desktop = await world.desktop();
});
afterAll(async () => {
  await world?.dispose();
  await far?.dispose();
});

async function add(name: string): Promise<void> {
  const { page } = desktop;
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type('add host');
  await page.keyboard.press('Enter');
  await page.getByPlaceholder(/user@host/).waitFor();
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
}

const groupOf = (page: Page, name: string) => page.locator(`[data-testid="host-group"][data-host="${name}"]`);
const troubleOf = (page: Page, name: string) => groupOf(page, name).getByTestId('host-trouble');

async function expectNoFaults(page: Page, picture?: string): Promise<void> {
  expect(await accessibilityFaults(page)).toEqual([]);
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    expect(await contrastFaults(page)).toEqual([]);
    if (picture) await takePicture(page, `${picture}-${scheme}`);
  }
}

test('a wrong passphrase is asked for again, then it is said that nobody was let in, and nothing is tried any more', async () => {
  const { page } = desktop;
  await add('locked');
  const dialog = page.getByTestId('secret-dialog');
  for (let attempt = 0; attempt < 3; attempt++) {
    await dialog.waitFor();
    if (attempt === 0) {
      await expectNoFaults(page, 'remote-passphrase');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('password');
    }
    const asked = await dialog.getAttribute('data-question');
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.locator(`[data-testid="secret-dialog"][data-question="${asked}"]`).waitFor({ state: 'detached' });
  }
  await expect.poll(() => groupOf(page, 'locked').getAttribute('data-link')).toBe('held');
  expect(await troubleOf(page, 'locked').textContent()).toMatch(/passphrase|does not let you in/);
});

test('the right passphrase leads in, and a machine without cmdop is offered it', async () => {
  const { page } = desktop;
  await groupOf(page, 'locked').getByRole('button', { name: 'Try again' }).click();
  await page.getByTestId('secret-dialog').waitFor();
  await page.keyboard.type(PASSPHRASE);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('alertdialog');
  await dialog.getByText('Install cmdop on locked?').waitFor();
  await expectNoFaults(page, 'remote-install');
  await page.keyboard.press('Escape');
  expect(await page.evaluate((secret) => document.documentElement.outerHTML.includes(secret), PASSPHRASE)).toBe(false);
});

test.each([
  ['stranger', /does not let you in/],
  ['changed', /key|SHA256/],
  ['lost', /no-such-machine\.invalid/],
])('%s: the reason is seen', async (name, sentence) => {
  const { page } = desktop;
  await add(name);
  await expect.poll(() => troubleOf(page, name).textContent()).toMatch(sentence);
  await expectNoFaults(page, `remote-${name}`);
});

test('a long reason is folded, and all of it is shown when that is asked for', async () => {
  const { page } = desktop;
  const group = groupOf(page, 'changed');
  const height = async () => (await troubleOf(page, 'changed').boundingBox())?.height ?? 0;
  const folded = await height();
  await group.getByRole('button', { name: 'Show all' }).click();
  await expect.poll(height).toBeGreaterThan(folded);
  await expectNoFaults(page, 'remote-unfolded');
  await group.getByRole('button', { name: 'Show less' }).click();
  await expect.poll(height).toBe(folded);
});

test('what is in the way of an installation is said, and nothing is half there', async () => {
  const { page } = desktop;
  mkdirSync(join(far.home, '.local'), { recursive: true });
  const blocked = join(far.home, '.local', 'share');
  writeFileSync(blocked, 'a file, where a folder should be');
  const group = groupOf(page, 'locked');
  await group.getByRole('button', { name: 'Install cmdop…' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Install' }).click();
  await expect.poll(() => troubleOf(page, 'locked').textContent()).toMatch(/cannot be written to: make .* there/);
  await expectNoFaults(page, 'remote-install-failure');
  rmSync(blocked);
  await group.getByRole('button', { name: 'Dismiss' }).click();
});

test('cmdop is brought there with a bar that shows how far it is, and works', async () => {
  const { page } = desktop;
  if (!existsSync(join(projectDir, 'dist', 'remote'))) spawnSync(process.execPath, ['build/remote.ts'], { cwd: projectDir });
  await groupOf(page, 'locked').getByRole('button', { name: 'Install cmdop…' }).click();
  const bar = groupOf(page, 'locked').getByRole('progressbar');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Install' }).click();
  await bar.waitFor();
  await takePicture(page, 'remote-installing-dark');
  await expect.poll(() => groupOf(page, 'locked').getAttribute('data-link'), { timeout: 60_000 }).toBe('connected');
  await groupOf(page, 'locked').getByRole('button', { name: 'New session on locked' }).click();
  await waitForScreen(page, 'far$ ');
  await typeIntoTerminal(page, 'readlink /proc/$PPID/exe\n');
  await waitForScreen(page, /\.local\/share\/cmdop\/.*\/dist\/keeper-\S+$/m);
});

test('an older one is upgraded when that is asked for, and its session goes on', async () => {
  const { page } = desktop;
  const folder = join(far.home, '.local', 'share', 'cmdop');
  const older = join(folder, '0.0.1-aaaaaaaaaaaa');
  cpSync(join(folder, readlinkSync(join(folder, 'current'))), older, { recursive: true, verbatimSymlinks: true });
  for (const name of ['host.mjs', 'cli.mjs']) {
    const program = join(older, 'dist', name);
    writeFileSync(program, readFileSync(program, 'utf8').replaceAll(`"${VERSION}"`, '"0.0.1"'));
  }
  rmSync(join(folder, 'current'));
  symlinkSync('0.0.1-aaaaaaaaaaaa', join(folder, 'current'));
  const pid = await far.hostPid();
  process.kill(pid ?? Number.NaN, 'SIGKILL'); // the window starts the next one, which is the older
  await expect.poll(async () => (await far.hostPid()) ?? pid).not.toBe(pid);
  await expect.poll(() => groupOf(page, 'locked').getAttribute('data-link')).toBe('connected');

  await add('bare');
  await groupOf(page, 'bare').getByTestId('session-row').getByRole('button').first().click();
  await page.getByTestId('other-build').getByText('bare has an older cmdop').waitFor();
  await takePicture(page, 'remote-older-dark');
  await page.getByTestId('other-build').getByRole('button', { name: 'Upgrade' }).click();
  await page.getByTestId('toast').getByText('The host is replaced').waitFor({ timeout: 60_000 });
  expect(JSON.parse(await far.cmdop('host', 'status', '--json'))).toMatchObject({ version: VERSION });
  await typeIntoTerminal(page, 'echo went $((20 + 1)) on\n');
  await waitForScreen(page, /^went 21 on$/m);
  await groupOf(page, 'bare').getByRole('button', { name: 'bare: more' }).click();
  await page.getByRole('menuitem', { name: 'Remove from this window' }).click();
  await groupOf(page, 'bare').waitFor({ state: 'detached' });
});

test('a host that is removed is forgotten, and the others stay', async () => {
  const { page } = desktop;
  await groupOf(page, 'lost').getByRole('button', { name: 'lost: more' }).click();
  await page.getByRole('menuitem', { name: 'Remove from this window' }).click();
  await groupOf(page, 'lost').waitFor({ state: 'detached' });
  expect(await page.getByTestId('host-group').count()).toBe(4);
});

test('a link to a host that is not here connects only when somebody says so', async () => {
  const { page, app } = desktop;
  await app.evaluate(({ app: electron }) => {
    electron.emit('second-instance', {}, ['cmdop', 'cmdop://bare/work'], '/');
  });
  const dialog = page.getByRole('alertdialog');
  await dialog.getByText('Connect to bare?').waitFor();
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel');
  await expectNoFaults(page, 'remote-link');
  await page.keyboard.press('Enter');
  expect(await groupOf(page, 'bare').count()).toBe(0);
});

test('a link that the system opens is opened by the window that is there', async () => {
  const { page } = desktop;
  await world.cmdop('new', 'linked', '--detach');
  const args = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), projectDir, 'cmdop://local/linked'];
  const second = spawn(electronPath(), args, { env: world.env, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => second.once('exit', () => resolve()));
  await page.getByRole('tab', { name: 'linked', selected: true }).waitFor();
  await ended;
});

test('a link that starts the app opens its session', async () => {
  await world.cmdop('new', 'other', '--detach');
  await desktop.app.close();
  desktop = await world.desktop({ link: 'cmdop://local/other' });
  // By its place, since a question stands before the window by now and takes it out of what is announced.
  await desktop.page.locator('[role="tab"][aria-selected="true"]', { hasText: 'other' }).waitFor();
});

test('an address that is copied in the window is one that the command line takes', async () => {
  const { page, app } = desktop;
  const group = groupOf(page, 'locked');
  await page.getByTestId('secret-dialog').waitFor(); // the app has forgotten it since
  await page.keyboard.type(PASSPHRASE);
  await page.keyboard.press('Enter');
  await group.getByTestId('session-row').first().click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Copy address' }).click();
  await expect.poll(() => app.evaluate(({ clipboard }) => clipboard.readText())).toMatch(/^cmdop:\/\/locked\//);
  const address = await app.evaluate(({ clipboard }) => clipboard.readText());
  const bare = address.replace('//locked/', '//bare/'); // the same machine, by the key that needs no passphrase
  expect(await world.cmdop('screen', bare)).toContain('went 21 on');
});
