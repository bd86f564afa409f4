/** A session that has ended goes on in the window it was open in; a host that is replaced is not noticed there. */
import { appendFileSync, cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { type Desktop, projectDir, startWorld, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { connectEngine } from './people.ts';

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
  expect(await page.getByTestId('other-build').count()).toBe(0);
});

test('a host of another build is offered to be replaced, once and quietly', async () => {
  const other = join(world.home, 'other');
  mkdirSync(other);
  cpSync(join(projectDir, 'dist'), join(other, 'dist'), { recursive: true });
  symlinkSync(join(projectDir, 'node_modules'), join(other, 'node_modules'));
  appendFileSync(join(other, 'dist', 'host.mjs'), '\n// another build\n');
  const { page } = desktop;
  const engine = await connectEngine(world, 'updater');
  await engine.request('host.handoff', { build: { node: nodePath(), hostBundle: join(other, 'dist', 'host.mjs') } });
  engine.close();
  const banner = page.getByTestId('other-build');
  await banner.waitFor();
  const before = await world.hostPid();
  await banner.getByRole('button', { name: 'Replace host' }).click();
  await page.getByText('The host is replaced. Every session went on.').waitFor();
  expect(await world.hostPid()).not.toBe(before);
  expect(await banner.count()).toBe(0);
  await typeIntoTerminal(page, 'echo through the $((3 + 1))th host\n');
  await waitForScreen(page, 'through the 4th host');
});
