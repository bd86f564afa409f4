/** A session of another machine in the window, over a real sshd: adding the host, working there, and losing the network. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Desktop, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';
import { type RemoteMachine, startRemoteMachine } from './remote-machine.ts';

let world: World;
let far: RemoteMachine;
let desktop: Desktop;

beforeAll(async () => {
  world = startWorld();
  far = await startRemoteMachine();
  desktop = await world.desktop({ env: far.env });
});
afterAll(async () => {
  await world?.dispose();
  await far?.dispose();
});

const group = () => desktop.page.locator(`[data-testid="host-group"][data-host="${far.name}"]`);

describe('a host that was never seen', () => {
  test('is added by its name, and its key is asked about with Cancel in front', async () => {
    const { page } = desktop;
    await page.getByRole('button', { name: 'Add host' }).click();
    await page.keyboard.type(far.name);
    await takePicture(page, 'remote-add-host');
    await page.keyboard.press('Enter');
    const dialog = page.getByTestId('host-key-dialog');
    await dialog.waitFor();
    expect(await dialog.textContent()).toContain(far.sshd.hostKeys[0]?.fingerprint);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel');
    await takePicture(page, 'remote-host-key');
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await contrastFaults(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await expect.poll(() => group().getAttribute('data-link')).toBe('held');
    await takePicture(page, 'remote-declined');
  });

  test('is reached once its key is trusted', async () => {
    const { page } = desktop;
    await group().getByRole('button', { name: 'Try again' }).click();
    await page.getByTestId('host-key-dialog').getByRole('button', { name: 'Trust and remember' }).click();
    await expect.poll(() => group().getAttribute('data-link')).toBe('connected');
    await group()
      .getByRole('button', { name: `New session on ${far.name}` })
      .click();
    await waitForScreen(page, 'far$ ');
    await typeIntoTerminal(page, 'echo over $((40 + 2)) there\n');
    await waitForScreen(page, /^over 42 there$/m);
    await takePicture(page, 'remote-session');
  });
});
