/** A guest with nothing but ssh beside the owner's window: seen there with their role, heard, shown lines, and put out. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newGuestKey, openGuest } from '../process/ssh-guest.ts';
import type { TestTerminal } from '../process/test-terminal.ts';
import { keyboardIsBack, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';

let world: World;
let page: Page;
let ben: TestTerminal;

beforeAll(async () => {
  world = startWorld();
  await world.cmdop('new', 'work', '--detach', '--cwd', world.home);
  const key = newGuestKey(world.home, 'ben');
  const shared = JSON.parse(await world.cmdop('share', 'work', '--ssh', '--key', `${key.path}.pub`, '--role', 'operator', '--json'));
  ({ page } = await world.desktop());
  await page.getByTestId('session-row').getByRole('button').first().click();
  await waitForScreen(page, /^\$ /m);
  ben = openGuest(world.home, { place: shared, user: 'work', key });
  await ben.until('ben, operator of work');
});
afterAll(async () => {
  ben?.dispose();
  await world?.dispose();
});

test('the owner sees the guest, by which way they came, and where others may come', async () => {
  await expect.poll(() => row().textContent()).toMatch(/ben.*SSH.*operator/);
  const place = page.getByTestId('ssh-shared');
  await expect.poll(() => place.textContent()).toMatch(/ssh -p \d+ work@127\.0\.0\.1.*key SHA256:/);
  ben.type('echo from-$((6*7))\r');
  await waitForScreen(page, /^from-42$/m);
});

test('they talk beside the program', async () => {
  ben.type('\x1d');
  await ben.until('say:');
  ben.type('is this right?\r');
  await page.getByTestId('said').filter({ hasText: 'is this right?' }).waitFor();
  await page.keyboard.press('Control+Shift+M');
  await page.keyboard.type('yes, go on');
  await page.keyboard.press('Enter');
  await ben.until('ann: yes, go on');
  expect(await page.getByTestId('terminal').textContent()).not.toContain('go on');
});

test('what the owner selects is pointed at for the guest, and what the guest points at shows in the window', async () => {
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Shift+Enter');
  await expect.poll(() => page.getByTestId('control-bar').getAttribute('data-control')).toBe('mine');
  await typeIntoTerminal(page, 'clear; for n in 1 2 3; do echo row-$n; done\n');
  await waitForScreen(page, /^row-3$/m);
  await page.getByTestId('terminal').evaluate((element) => {
    if ('cmdopTerminal' in element) (element.cmdopTerminal as { selectLines(from: number, to: number): void }).selectLines(1, 1);
  });
  await page.keyboard.press('Control+Shift+D');
  await ben.until('ann points at the marked lines');
  await page.getByTestId('pointed').filter({ hasText: 'ann' }).waitFor();
  ben.type('\x1d');
  await ben.until('say:');
  ben.type('\x1b[A\x1b[A');
  await ben.until('point at this line');
  ben.type('here\r');
  await page.getByTestId('pointed').filter({ hasText: 'ben' }).waitFor();
  await lookAt('pointing');
});

test('a guest is removed like anybody, at once', async () => {
  await row().getByRole('button', { name: 'ben: more' }).press('Enter');
  await page.getByRole('menuitem', { name: 'Remove from this session…' }).press('Enter');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).press('Enter');
  expect((await ben.exited).code).toBe(1);
  await row().waitFor({ state: 'hidden' });
  await keyboardIsBack(page);
  await page.getByTestId('ssh-shared').getByRole('button', { name: 'Stop sharing' }).press('Enter');
  await page.getByTestId('ssh-shared').waitFor({ state: 'hidden' });
  await page.getByTestId('shared-mark').first().waitFor({ state: 'hidden' }); // though ben’s invite is there for another time
});

test('in the window somebody is invited by a key, and the line for them brings them in', async () => {
  const key = newGuestKey(world.home, 'cleo');
  await page.getByRole('button', { name: 'Share…' }).press('Enter');
  const dialog = page.getByTestId('share-dialog');
  await dialog.getByLabel('Name').fill('cleo');
  await dialog.getByLabel('Way').selectOption('ssh');
  await dialog.getByRole('textbox', { name: 'Public key' }).fill(key.publicLine);
  await dialog.getByRole('button', { name: 'Invite' }).press('Enter');
  const line = await page.getByTestId('share-line').textContent();
  const [, port] = /^ssh -p (\d+) work@127\.0\.0\.1$/.exec(line ?? '') ?? [];
  await lookAt('invited');
  await page.keyboard.press('Escape');
  const cleo = openGuest(world.home, { place: { address: '127.0.0.1', port: Number(port) }, user: 'work', key });
  await cleo.until('cleo, observer of work');
  cleo.dispose();
  await page.getByTestId('shared-mark').first().waitFor();
  await keyboardIsBack(page);
  await page.getByRole('button', { name: 'Share…' }).press('Enter');
  await dialog.getByLabel('Way').selectOption('ssh');
  expect(await dialog.getByLabel('Served at').getAttribute('placeholder')).toBe(`127.0.0.1 port ${port}, as now`);
  await page.keyboard.press('Escape');
});

const row = () => page.getByTestId('actor-row').filter({ hasText: 'ben' });

async function lookAt(name: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-scheme="${scheme}"]`).waitFor();
    await takePicture(page, `ssh-guest-${name}-${scheme}`);
    expect.soft(await contrastFaults(page), `${name}, ${scheme}`).toEqual([]);
    expect.soft(await accessibilityFaults(page), `${name}, ${scheme}`).toEqual([]);
  }
}
