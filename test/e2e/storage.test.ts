/** The storage of a host in the window: sizes, pins, limits, and a prune that is shown before it is done. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorld, takePicture, type World } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';

let world: World;
let page: Page;
beforeAll(async () => {
  world = startWorld();
  for (const name of ['old-build', 'release'])
    await world.cmdop('new', name, '--detach', '--', 'bash', '-c', 'head -c 3000000 /dev/urandom | base64 -w 100');
  await world.cmdop('new', 'work', '--detach');
  await world.cmdop('run', 'work', '--', 'echo hello');
  ({ page } = await world.desktop());
});
afterAll(() => world?.dispose());

const dialog = () => page.getByTestId('storage');
const row = (name: string) => dialog().getByTestId('kept-session').filter({ hasText: name });
const rows = () => dialog().getByTestId('kept-session').locator('.storage-name').allTextContents();

test('the palette opens it: every session, the largest first, and no limits', async () => {
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type('storage');
  await page.keyboard.press('Enter');
  await row('work').waitFor();
  expect((await rows()).slice(2)).toEqual(['work']);
  expect(await row('old-build').textContent()).toMatch(/ended \d\d:\d\d3\.[3-6] MiB/);
  await dialog().getByText('Without a limit nothing is removed.').waitFor();
  expect([...(await accessibilityFaults(page)), ...(await contrastFaults(page))]).toEqual([]);
  await takePicture(page, 'storage-without-limits');
});

test('a limit shows what it would remove; a pin takes that out again; what is left goes when it is pruned', async () => {
  await dialog().getByLabel('After a session ended').fill('0.000001');
  await dialog().getByRole('button', { name: 'Save limits' }).click();
  await expect.poll(() => dialog().getByTestId('planned').allTextContents()).toHaveLength(2);
  await row('release').getByRole('button', { name: 'Pin release' }).click();
  await expect
    .poll(() => dialog().getByTestId('planned').allTextContents())
    .toEqual([expect.stringMatching(/^old-build 3\.[3-6] MiB, ended too long ago$/)]);
  expect(await row('release').getByRole('button').getAttribute('aria-pressed')).toBe('true');
  expect([...(await accessibilityFaults(page)), ...(await contrastFaults(page))]).toEqual([]);
  await takePicture(page, 'storage');
  await dialog().getByRole('button', { name: 'Prune now' }).click();
  await expect.poll(rows).toEqual(['release', 'work']);
  await dialog().getByText('Everything is within the limits.').waitFor();
  await page.getByText(/1 session pruned, 3\.\d MiB freed\./).waitFor();
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
  expect(await page.getByTestId('session-row').allTextContents()).not.toContainEqual(expect.stringContaining('old-build'));
});
