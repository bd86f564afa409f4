/**
 * A session of another machine in the window, over a real sshd: adding the host, working there, losing the network, the
 * host and control. `CMDOP_FULL=1` cuts the network for 30 s instead of 5.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appearance, type Desktop, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';
import { type RemoteMachine, startRemoteMachine } from './remote-machine.ts';

const CUT_MS = process.env.CMDOP_FULL === '1' ? 30_000 : 5_000;
/** Lines of the paste: three input units and more. */
const LINES = 40_000;

let world: World;
let far: RemoteMachine;
let desktop: Desktop;

beforeAll(async () => {
  world = startWorld();
  far = await startRemoteMachine();
  Object.assign(world.env, far.env);
  desktop = await world.desktop();
});
afterAll(async () => {
  await world?.dispose();
  await far?.dispose();
});

const groupIn = (page: Page) => page.locator(`[data-testid="host-group"][data-host="${far.name}"]`);
const linkOf = (page: Page) => groupIn(page).getAttribute('data-link');

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
    await expect.poll(() => linkOf(page)).toBe('held');
    await takePicture(page, 'remote-declined');
    expect(await contrastFaults(page)).toEqual([]);
  });

  test('is reached once its key is trusted', async () => {
    const { page } = desktop;
    await groupIn(page).getByRole('button', { name: 'Try again' }).click();
    await page.getByTestId('host-key-dialog').getByRole('button', { name: 'Trust and remember' }).click();
    await expect.poll(() => linkOf(page)).toBe('connected');
    await groupIn(page)
      .getByRole('button', { name: `New session on ${far.name}` })
      .click();
    await waitForScreen(page, 'far$ ');
    await typeIntoTerminal(page, 'echo over $((40 + 2)) there\n');
    await waitForScreen(page, /^over 42 there$/m);
    expect(await page.getByTestId('status-bar').textContent()).toContain('ssh');
    await takePicture(page, 'remote-session');
  });

  test('is there again when the app is, without a question', async () => {
    await desktop.app.close();
    desktop = await world.desktop();
    await expect.poll(() => linkOf(desktop.page)).toBe('connected');
    await waitForScreen(desktop.page, /^over 42 there$/m);
  });
});

describe('a slow link', () => {
  beforeAll(() => far.network.setDelay(75));
  afterAll(() => far.network.setDelay(0));

  test('shows typing at once where the program echoes, underlined until its echo is here', async () => {
    const { page } = desktop;
    await typeIntoTerminal(page, 'echo f');
    await waitForScreen(page, /echo f$/m);
    await page.keyboard.type('oretold', { delay: 30 });
    const foretold = page.getByTestId('echo-layer').locator('.foretold');
    expect(await foretold.allTextContents()).toContain('d');
    await takePicture(page, 'remote-foretold');
    await waitForScreen(page, /echo foretold$/m);
    await expect.poll(() => foretold.count()).toBe(0);
    await page.keyboard.press('Enter');
    await waitForScreen(page, /^foretold$/m);
  });

  test('shows nothing of a password', async () => {
    const { page } = desktop;
    await page.keyboard.type("read -rsp 'Say it: ' it; echo; expr length $it\n");
    await waitForScreen(page, /Say it:\s*$/m);
    await page.evaluate(() => {
      Reflect.set(window, 'seen', '');
      new MutationObserver(() => {
        const text = [...document.querySelectorAll('.echo-layer .foretold')].map((each) => each.textContent).join('');
        Reflect.set(window, 'seen', Reflect.get(window, 'seen') + text);
      }).observe(document.body, { subtree: true, childList: true });
    });
    await page.keyboard.type('hunter2', { delay: 60 });
    await page.keyboard.press('Enter');
    await waitForScreen(page, /^7$/m);
    expect(await page.evaluate(() => Reflect.get(window, 'seen'))).toBe('');
  });
});

describe('a network that is cut', () => {
  test(`for ${CUT_MS / 1000} s during a paste costs no line and repeats none`, async () => {
    const { page, app } = desktop;
    const text = Array.from({ length: LINES }, (_, i) => `line ${i + 1} of ${LINES}`).join('\n');
    await typeIntoTerminal(page, 'cat > pasted\n');
    await waitForScreen(page, /cat > pasted$/m);
    await app.evaluate(({ clipboard }, pasted) => clipboard.writeText(pasted), `${text}\n`);
    const banner = appearance(page, 'offline-banner');
    await page.keyboard.press('Control+Shift+V');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Paste' }).click();
    await waitForScreen(page, /^line \d{3,} of/m);
    far.network.unplug();
    await banner;
    await takePicture(page, 'remote-offline');
    expect(await contrastFaults(page)).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, CUT_MS)); // the outage itself
    far.network.heal();
    await expect.poll(() => linkOf(page)).toBe('connected');
    await waitForScreen(page, new RegExp(`^line ${LINES} of ${LINES}$`, 'm'));
    await page.keyboard.press('Control+D');
    await waitForScreen(page, /^far\$ $/m);
    expect(readFileSync(join(far.home, 'pasted'), 'utf8')).toBe(`${text}\n`);
  });

  test('holds what is typed, says so, and sends it when the network is back', async () => {
    const { page } = desktop;
    far.network.unplug();
    await page.getByTestId('offline-banner').waitFor();
    await typeIntoTerminal(page, 'echo typed $((6 * 7)) offline');
    await page.keyboard.press('Enter');
    await page.getByTestId('waiting-input').waitFor();
    await takePicture(page, 'remote-waiting');
    far.network.heal();
    await page
      .getByRole('button', { name: 'Reconnect now' })
      .click({ timeout: 3_000 })
      .catch(() => {}); // unless it is back already
    await waitForScreen(page, /^typed 42 offline$/m);
  });

  test('and breaks again while the window logs in: it goes on by itself', async () => {
    const { page } = desktop;
    far.network.setDelay(60);
    far.network.cut();
    // Six round trips of an attempt are behind it: the host has shown its key, and the user has not.
    for (let cuts = 0; cuts < 4; cuts++) {
      const before = far.network.connections;
      await expect.poll(() => far.network.connections, { interval: 5 }).toBeGreaterThan(before);
      await new Promise((resolve) => setTimeout(resolve, 450 + 90 * cuts)); // into its login
      far.network.cut();
    }
    far.network.setDelay(0);
    await expect.poll(() => linkOf(page)).toBe('connected');
    await typeIntoTerminal(page, 'echo in after $((4 + 4)) cuts\n');
    await waitForScreen(page, /^in after 8 cuts$/m);
  });

  test('drops what was typed where that is asked for', async () => {
    const { page } = desktop;
    far.network.unplug();
    await page.getByTestId('offline-banner').waitFor();
    await typeIntoTerminal(page, 'never');
    await page.getByTestId('offline-banner').getByRole('button', { name: 'Drop' }).click();
    await page.getByTestId('waiting-input').waitFor({ state: 'hidden' });
    far.network.heal();
    await expect.poll(() => linkOf(page)).toBe('connected');
    await typeIntoTerminal(page, 'echo only this\n');
    expect((await waitForScreen(page, /^only this$/m)).join('\n')).not.toContain('never');
  });

  test('lets nothing run late that was typed before somebody else took control', async () => {
    const { page } = desktop;
    far.network.unplug();
    await page.getByTestId('offline-banner').waitFor();
    await typeIntoTerminal(page, 'echo too late');
    await page.getByTestId('waiting-input').waitFor();
    await expect
      .poll(async () =>
        far.cmdop('--as', 'ben', 'send', await sessionName(), 'echo ben was here', '--enter').then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    far.network.heal();
    await waitForScreen(page, /^ben was here$/m);
    await page.getByTestId('control-bar').getByText('someone else took control').waitFor();
    await takePicture(page, 'remote-refused');
    expect((await waitForScreen(page, /^ben was here$/m)).join('\n')).not.toContain('too late');
  });
});

describe('a link that died without a word', () => {
  test.each<[string, (desktop: Desktop) => Promise<unknown>]>([
    ['there is a network again', ({ page }) => page.evaluate(() => window.dispatchEvent(new Event('online')))],
    ['the machine woke up', ({ app }) => app.evaluate(({ powerMonitor }) => powerMonitor.emit('resume'))],
  ])('is found out within seconds when the system says that %s', async (_news, tell) => {
    const { page } = desktop;
    const { connections } = far.network;
    far.network.strand();
    await tell(desktop);
    // Silence alone is found out after 20 s and more.
    await expect.poll(() => far.network.connections, { timeout: 12_000 }).toBeGreaterThan(connections);
    await expect.poll(() => linkOf(page)).toBe('connected');
    await typeIntoTerminal(page, 'clear; echo back $((1 + 1))\n');
    await waitForScreen(page, /^back 2$/m);
  });
});

describe('the host over there', () => {
  test('is killed, and its session goes on', async () => {
    const { page } = desktop;
    await typeIntoTerminal(page, 'i=41');
    await page.keyboard.press('Enter');
    await waitForScreen(page, /i=41$/m);
    const pid = await far.hostPid();
    process.kill(pid ?? Number.NaN, 'SIGKILL');
    await expect.poll(async () => (await far.hostPid()) ?? pid).not.toBe(pid);
    await expect.poll(() => linkOf(page)).toBe('connected');
    await typeIntoTerminal(page, 'echo $((i + 1)) survived\n');
    await waitForScreen(page, /^42 survived$/m);
  });

  test('has one session for two windows and a command line elsewhere', async () => {
    const other = startWorld();
    try {
      const second = await other.desktop({ env: { ...far.env, CMDOP_ACTOR: 'ben' } });
      await second.page.getByRole('button', { name: 'Add host' }).click();
      await second.page.keyboard.type(far.name);
      await second.page.keyboard.press('Enter');
      await second.page.getByTestId('host-key-dialog').getByRole('button', { name: 'Trust and remember' }).click();
      await groupIn(second.page).getByTestId('session-row').first().getByRole('button').first().click();
      await waitForScreen(second.page, /^42 survived$/m);
      await typeIntoTerminal(desktop.page, 'echo from one $((1 + 1))\n');
      await waitForScreen(second.page, /^from one 2$/m);
      await expect.poll(() => desktop.page.getByTestId('actor-row').count()).toBe(2);
      await desktop.page.getByRole('button', { name: 'Release', exact: true }).click();
      await desktop.page.getByTestId('control-bar').getByText('Nobody has control').waitFor();
      await world.cmdop('--as', 'cli', '-H', far.name, 'send', await sessionName(), 'echo from a shell', '--enter');
      await waitForScreen(desktop.page, /^from a shell$/m);
      await waitForScreen(second.page, /^from a shell$/m);
      await takePicture(second.page, 'remote-two-windows');
    } finally {
      await other.dispose();
    }
  });
});

async function sessionName(): Promise<string> {
  const sessions: { name: string }[] = JSON.parse(await far.cmdop('ls', '--json'));
  return sessions[0]?.name ?? '';
}
