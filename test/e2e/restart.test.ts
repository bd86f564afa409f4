/** A session that has ended goes on in the window it was open in; a host that is replaced is not noticed there. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Desktop, startWorld, typeIntoTerminal, type World, waitForScreen } from './launch.ts';

let world: World;
let desktop: Desktop;
beforeAll(async () => {
  world = startWorld();
  desktop = await world.desktop();
  await desktop.page.keyboard.press('Control+Shift+T');
  await waitForScreen(desktop.page, '$ ');
});
afterAll(() => world.dispose());

test('New shell here: below the old screen, and typing works at once', async () => {
  const { page } = desktop;
  await typeIntoTerminal(page, 'echo from the $((1 + 0))st life; exit 3\n');
  const button = page.getByRole('button', { name: 'New shell here' });
  await button.click();
  await waitForScreen(page, /from the 1st life[\s\S]*── new shell .* ended with exit code 3 ──\n\$ /);
  await typeIntoTerminal(page, 'echo from the $((1 + 1))nd life\n');
  await waitForScreen(page, 'from the 2nd life');
  expect(await button.count()).toBe(0);
});

test('the host is replaced while the window is open: no banner, and what is typed arrives', async () => {
  const { page } = desktop;
  await page.evaluate(() => {
    new MutationObserver(() => {
      if (document.querySelector('[data-testid="offline-banner"]')) document.title = 'was offline';
    }).observe(document.body, { childList: true, subtree: true });
  });
  const before = await world.hostPid();
  const replaced = world.cmdop('host', 'upgrade', '--force');
  await typeIntoTerminal(page, 'echo through the $((2 + 1))rd host\n');
  expect(await replaced).toMatch(/the host is replaced, pid \d+; 1 session goes on/);
  await waitForScreen(page, 'through the 3rd host');
  expect(await world.hostPid()).not.toBe(before);
  expect(await page.title()).not.toBe('was offline');
});
