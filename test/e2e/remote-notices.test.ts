/** What a server says at every login is told in the window once, and what it says anew when it does. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Desktop, startWorld, type World } from './launch.ts';
import { type RemoteMachine, startRemoteMachine } from './remote-machine.ts';

let world: World;
let far: RemoteMachine;
let desktop: Desktop;
let banner: string;

beforeAll(async () => {
  world = startWorld();
  banner = join(world.home, 'banner');
  writeFileSync(banner, 'Authorized use only.\n');
  far = await startRemoteMachine({ config: [`Banner ${banner}`] });
  Object.assign(world.env, far.env);
  desktop = await world.desktop();
});
afterAll(async () => {
  await world?.dispose();
  await far?.dispose();
});

test('a banner is told once, however often the line breaks, and a new one when it comes', async () => {
  const { page } = desktop;
  await page.evaluate(() => {
    const told: string[] = [];
    Reflect.set(window, 'told', told);
    new MutationObserver((changes) => {
      for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes]))
        if (node instanceof Element && node.matches('.toast')) told.push(node.textContent ?? '');
    }).observe(document.body, { subtree: true, childList: true });
  });
  const told = (): Promise<string[]> => page.evaluate(() => Reflect.get(window, 'told'));
  const link = () => page.locator(`[data-testid="host-group"][data-host="${far.name}"]`).getAttribute('data-link');

  await page.getByRole('button', { name: 'Add host' }).click();
  await page.keyboard.type(far.name);
  await page.keyboard.press('Enter');
  await page.getByTestId('host-key-dialog').getByRole('button', { name: 'Trust and remember' }).click();
  await expect.poll(link).toBe('connected');
  for (let times = 0; times < 3; times++) {
    const { connections } = far.network;
    far.network.cut();
    await expect.poll(() => far.network.connections).toBeGreaterThan(connections);
    await expect.poll(link).toBe('connected');
  }
  writeFileSync(banner, 'Maintenance at noon.\n');
  far.network.cut();
  await expect.poll(told).toContain(`${far.name}: Maintenance at noon.`);
  expect(await told()).toEqual([`${far.name}: Authorized use only.`, `${far.name}: Maintenance at noon.`]);
});
