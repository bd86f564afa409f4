/**
 * One session, four people, four ways in: the owner at the app, another Unix account with `cmdop attach -H` over a real
 * sshd, a third account with plain ssh, and a browser by link. Each is named, has their role and no more, and stays in the
 * history with how they came. Makes and removes the accounts; skipped, with the reason, where it cannot.
 */
import { chmodSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GuestKey, newGuestKey, type Place, sshCommand } from '../process/ssh-guest.ts';
import type { TestTerminal } from '../process/test-terminal.ts';
import { makeAccount, makeGroup, type UnixAccount, whyNoAccounts } from '../process/unix-accounts.ts';
import { giveCmdop } from '../remote/far.ts';
import { clientFolder, newKey, type Sshd, startSshd } from '../remote/sshd.ts';
import {
  chromiumPath,
  keyboardIsBack,
  PATIENCE_MS,
  remember,
  startWorld,
  takePicture,
  typeIntoTerminal,
  type World,
  waitForScreen,
} from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';
import { journalOf } from './people.ts';

const why = whyNoAccounts();
const GROUP = `cmdopp${process.pid}`;

let world: World;
let group: { remove(): void };
let sshd: Sshd;
let chrome: Browser;
/** The owner's window. */
let page: Page;
let bobsAccount: UnixAccount;
let cleosAccount: UnixAccount;
let bob: TestTerminal;
let cleo: TestTerminal;
let dora: Page;
let cleosKey: GuestKey;
let place: Place;

const row = (name: string) => page.getByTestId('actor-row').filter({ has: page.getByText(name, { exact: true }) });
const invited = async <T>(...args: string[]) => JSON.parse(await world.cmdop('share', 'work', ...args, '--json')) as T;

beforeAll(async () => {
  if (why !== null) return;
  world = startWorld();
  chmodSync(world.home, 0o711); // as /tmp, where the folder is without CMDOP_HOME, others may pass through
  group = makeGroup(GROUP);
  bobsAccount = makeAccount(`cmdopq${process.pid}`, { group: GROUP });
  cleosAccount = makeAccount(`cmdopr${process.pid}`);
  sshd = await startSshd({ config: [`SetEnv HOME=${bobsAccount.home}`, 'ExposeAuthInfo yes'] });
  chmodSync(sshd.folder, 0o755);
  chmodSync(join(sshd.folder, 'authorized_keys'), 0o644); // read as the account that logs in
  await world.cmdop('new', 'work', '--detach', '--cwd', world.home);
  await world.cmdop('host', 'share-socket', '--group', GROUP);
  chrome = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'], timeout: PATIENCE_MS });
  ({ page } = await world.desktop());
  await page.getByTestId('session-row').getByRole('button').first().click();
  await waitForScreen(page, /^\$ /m);
});

afterAll(async () => {
  if (why !== null) return;
  await chrome?.close();
  await sshd?.dispose();
  bobsAccount?.remove();
  cleosAccount?.remove();
  group?.remove();
  await world?.dispose();
});

describe.skipIf(why !== null)(`four people in one session${why === null ? '' : ` (${why})`}`, () => {
  test('another account comes through sshd with a code, and is at a terminal as at home', async () => {
    const { code } = await invited<{ code: string }>('--with', 'bob', '--role', 'operator');
    giveCmdop(bobsAccount.home);
    giveWayIn(bobsAccount);
    bobsAccount.ownHome();
    const joined = bobsAccount.run('join', code, '--ssh', `${bobsAccount.user}@devbox`, '--name', 'box');
    expect(joined, joined.stderr + sshd.log()).toMatchObject({ code: 0, stdout: 'cmdop attach -H box work\n' });
    bob = bobsAccount.terminal('attach', '-H', 'box', 'work');
    await bob.until(/^\$/m);
  });

  test('a third comes with nothing but ssh, and a fourth by a link', async () => {
    cleosKey = newGuestKey(cleosAccount.home, 'cleo');
    cleosAccount.ownHome();
    place = await invited<Place>('--ssh', '--key', `${cleosKey.path}.pub`, '--role', 'operator');
    cleo = cleosAccount.open(sshCommand(cleosAccount.home, { place, user: 'work', key: cleosKey }));
    await cleo.until('cleo, operator of work');
    const { url } = await invited<{ url: string }>('--with', 'dora', '--link');
    dora = await (await chrome.newContext({ viewport: { width: 1180, height: 760 } })).newPage();
    remember(dora);
    await dora.goto(url);
    await dora.getByRole('button', { name: 'Come in' }).click();
    await dora.getByTestId('session-row').getByRole('button').first().click();
    await waitForScreen(dora, '$');
  });

  test('the owner sees everybody by name, with their role, their way in and their proof', async () => {
    await expect.poll(() => row('dora').count()).toBe(1);
    await expect.poll(() => row('ann').innerText()).toMatch(/this window[\s\S]*owner/);
    expect(await row('bob').innerText()).toMatch(/guest[\s\S]*operator[\s\S]*proved the key SHA256:/);
    expect(await row('cleo').innerText()).toMatch(/guest[\s\S]*SSH · operator[\s\S]*proved the ssh key SHA256:/);
    expect(await row('dora').innerText()).toMatch(/guest[\s\S]*observer[\s\S]*came by a link/);
    await expect(isInView(row('dora')), 'nobody is below the fold').resolves.toBe(true);
  });

  test('what the observer types reaches nothing, and an operator takes over before all eyes', async () => {
    await typeIntoTerminal(dora, 'echo by-dora\n');
    await page.keyboard.press('Control+Shift+Enter');
    await expect.poll(() => page.getByTestId('control-bar').getAttribute('data-control')).toBe('mine');
    await typeIntoTerminal(page, 'echo by-ann-$((40+1))\n');
    await waitForScreen(page, /^by-ann-41$/m);
    cleo.type('x');
    await cleo.until('ann has control');
    bob.type('\x1e');
    await bob.until('you have control');
    await page.locator('[data-testid="actor-row"][data-control="true"]').filter({ hasText: 'bob' }).waitFor();
    bob.type('echo by-bob-$((40+2))\r');
    await Promise.all([
      bob.until('by-bob-42'),
      cleo.until('by-bob-42'),
      waitForScreen(page, 'by-bob-42'),
      waitForScreen(dora, 'by-bob-42'),
    ]);
    cleo.type('\x1e');
    await cleo.until('you have control');
    cleo.type('echo by-cleo-$((40+3))\r');
    await Promise.all([bob.until('by-cleo-43'), waitForScreen(page, 'by-cleo-43'), waitForScreen(dora, 'by-cleo-43')]);
    expect(bob.text()).not.toContain('by-dora');
    await lookAt('in-the-middle');
    await takePicture(dora, 'pairing-observer');
  });

  test('made an operator in the window, who came by the link types', async () => {
    await row('dora').getByRole('button', { name: 'dora: more' }).press('Enter');
    await page.getByRole('menuitemradio', { name: 'operator' }).press('Enter');
    await dora.getByTestId('status-bar').getByText('guest, operator').waitFor();
    await dora.keyboard.press('Control+Shift+Enter');
    await expect.poll(() => dora.getByTestId('control-bar').getAttribute('data-control')).toBe('mine');
    await typeIntoTerminal(dora, 'echo by-dora-$((40+4))\n');
    await Promise.all([bob.until('by-dora-44'), cleo.until('by-dora-44'), waitForScreen(page, 'by-dora-44')]);
  });

  test('one is removed and another’s invite revoked in the window, at once and for good', async () => {
    await row('cleo').getByRole('button', { name: 'cleo: more' }).press('Enter');
    await page.getByRole('menuitem', { name: 'Remove from this session…' }).press('Enter');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).press('Enter');
    expect((await cleo.exited).code).toBe(1);
    await keyboardIsBack(page);
    await page.getByRole('button', { name: 'Revoke the invite of bob' }).press('Enter');
    await bob.until('may not be here any more');
    expect((await bob.exited).code).toBe(3);
    await expect.poll(() => page.getByTestId('actor-row').allInnerTexts()).toHaveLength(2);
    const again = cleosAccount.open(sshCommand(cleosAccount.home, { place, user: 'work', key: cleosKey }));
    expect((await again.exited).code).not.toBe(0);
    const refused = bobsAccount.run('-H', 'box', 'ls');
    expect(refused).toMatchObject({ stdout: '' });
    expect(refused.code).not.toBe(0);
    await typeIntoTerminal(dora, 'echo still-$((40+5))\n');
    await waitForScreen(page, 'still-45');
  });

  test('the history names them all, with how each has proved who they are', async () => {
    const log = await world.cmdop('log', 'work');
    const blame = (text: string) => world.cmdop('blame', 'work', '--text', text);
    for (const name of Object.keys(MARKERS)) expect(log).toMatch(new RegExp(` ${name} .*echo by-${name}-\\$`));
    expect(log).not.toContain('echo by-dora\n');
    const attaches = (await journalOf(world, 'work')).filter(({ kind }) => kind === 'attach');
    const attachOf = (name: string) => attaches.find(({ actorName }) => actorName === name)?.payload;
    const bobsKey = JSON.parse(bobsAccount.run('key', '--json').stdout) as { fingerprint: string };
    expect(attachOf('bob')).toMatchObject({
      authentication: { by: 'key', key: bobsKey.fingerprint },
      origin: { kind: 'ssh', user: bobsAccount.user },
    });
    expect(attachOf('cleo')).toMatchObject({ authentication: { by: 'ssh-key', key: cleosKey.fingerprint } });
    expect(attachOf('dora')).toMatchObject({ role: 'observer', authentication: { by: 'link' } });
    const proofs = {
      ann: 'opened the socket that only this account can open',
      bob: `proved the key ${bobsKey.fingerprint}`,
      cleo: `proved to plain ssh the key ${cleosKey.fingerprint}`,
      dora: 'opened the link of a guest',
    };
    await page.keyboard.press('Control+Shift+H');
    for (const [name, marker] of Object.entries(MARKERS)) {
      expect(await blame(marker), name).toContain(proofs[name as keyof typeof proofs]);
      await page
        .getByTestId('history-row')
        .filter({ hasText: `echo by-${name}-` })
        .getByRole('button')
        .click();
      await page.keyboard.press('Control+Shift+P');
      await page.keyboard.type('Who ran this');
      await page.keyboard.press('Enter');
      const dialog = page.getByTestId('who-ran');
      await expect.poll(() => dialog.innerText()).toContain(proofs[name as keyof typeof proofs]);
      expect(await dialog.innerText()).toContain(`by ${name}`);
      if (name === 'bob') {
        expect(await dialog.innerText()).toMatch(new RegExp(`by their word over SSH as ${bobsAccount.user} with the key SHA256:`));
        await lookAt('who-ran');
      }
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    }
  });
});

/** What each one's command printed. */
const MARKERS = { ann: 'by-ann-41', bob: 'by-bob-42', cleo: 'by-cleo-43', dora: 'by-dora-44' };

/** `devbox` is this machine, by the account's own key, which sshd lets in. */
function giveWayIn({ user, home }: UnixAccount): void {
  const own = join(home, '.ssh');
  mkdirSync(own, { mode: 0o700 });
  const key = newKey({ folder: own, name: 'id_ed25519', comment: user });
  sshd.authorize(key);
  const lines = [`IdentityFile ${key.path}`, `UserKnownHostsFile ${join(own, 'known_hosts')}`];
  const { folder, configFile, knownHostsFile } = clientFolder({ ...sshd, user }, { lines });
  for (const file of [configFile, knownHostsFile]) cpSync(file, join(own, basename(file)));
  rmSync(folder, { recursive: true });
}

const isInView = (element: Locator) =>
  element.evaluate((each) => {
    const { left, bottom } = each.getBoundingClientRect();
    return each.contains(document.elementFromPoint(left + 20, bottom - 4));
  });

async function lookAt(name: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-scheme="${scheme}"]`).waitFor();
    await takePicture(page, `pairing-${name}-${scheme}`);
    expect.soft(await contrastFaults(page), `${name}, ${scheme}`).toEqual([]);
    expect.soft(await accessibilityFaults(page), `${name}, ${scheme}`).toEqual([]);
  }
}
