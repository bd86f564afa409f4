/** What sessions remember, in the window: a search over everything that leads to the place, and a replay that is no session. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';

let world: World;
let page: Page;

beforeAll(async () => {
  world = startWorld();
  await world.cmdop('new', 'build', '--detach', '--cwd', world.home);
  await world.cmdop('new', 'old', '--detach', '--cwd', world.home);
  await run('build', 'ben', 'echo compiling; seq 1 3000 | sed "s/^/step /"; echo "error: connection refused"');
  await run('build', 'ann', 'false');
  await run('old', 'carl', 'printf "\\033[31mconn\\033[0mection lost in the old session\\n"');
  await world.cmdop('kill', 'old');
  await run('build', 'ben', 'echo after');
  ({ page } = await world.desktop());
  await page.getByTestId('session-row').filter({ hasText: 'build' }).getByRole('button').first().click();
  await waitForScreen(page, 'after');
});
afterAll(() => world?.dispose());

describe('the search over everything', () => {
  const dialog = () => page.getByTestId('search-everywhere');

  test('finds commands and output, of ended sessions too, by session, with whose it was', async () => {
    await page.keyboard.press('Control+Shift+S');
    await page.keyboard.type('connection');
    await dialog().getByText('connection refused').first().waitFor();
    await dialog().locator('[data-state="done"]').waitFor();
    const groups = dialog().locator('[cmdk-group]');
    await expect.poll(() => groups.count()).toBe(2);
    const old = groups.filter({ has: page.getByText('old', { exact: true }) });
    expect(await old.getByRole('option').first().textContent()).toMatch(/carl.*connection lost/);
    await lookAt('search');
  });

  test('what nobody said is said not to be found; Esc closes', async () => {
    await page.keyboard.press('Control+A');
    await page.keyboard.type('never printed by anyone');
    await dialog().getByText('Nothing here says that').waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'hidden' });
    await typeIntoTerminal(page, 'echo keyboard is back\n');
    await waitForScreen(page, /^keyboard is back$/m);
  });

  test('Enter goes to the line in the terminal', async () => {
    await page.keyboard.press('Control+Shift+S');
    await page.keyboard.type('step 2871');
    await dialog().getByRole('option', { selected: true }).filter({ hasText: 'step 2871' }).waitFor();
    await page.keyboard.press('Enter');
    await waitForScreen(page, /^step 2871$/m);
  });
});

describe('the replay', () => {
  const replay = () => page.getByTestId('replay');
  const place = async () => Number(await replay().getByRole('slider').getAttribute('aria-valuenow'));

  test('shows the past as it was, with a lane for each who ran something', async () => {
    await page.keyboard.press('Control+Shift+S');
    await page.keyboard.type('step 1500');
    await page.getByTestId('search-everywhere').getByRole('option', { selected: true }).filter({ hasText: 'step 1500' }).waitFor();
    await page.keyboard.press('Shift+Enter');
    await replay().locator('[data-state="paused"]').waitFor();
    await expect.poll(replayed).toContain('step 1500');
    expect(await replayed()).not.toContain('step 3000');
    expect((await replay().locator('.replay-name').allTextContents()).sort()).toEqual(['ann', 'ben']);
    await lookAt('replay');
  });

  test('plays on to the end, faster, and is moved by keys', async () => {
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press(' ');
    await expect.poll(replayed, { timeout: 20_000 }).toContain('keyboard is back');
    await replay().locator('[data-state="paused"]').waitFor();
    const end = await place();
    await page.keyboard.press('Home');
    await expect.poll(place).toBe(0);
    await expect.poll(replayed).not.toContain('after');
    await page.keyboard.press('End');
    await expect.poll(place).toBe(end);
    await page.keyboard.press('[');
    await page.keyboard.press('[');
    await expect.poll(replayed).not.toContain('keyboard is back');
  });

  test('a place is drawn within 300 ms of its key', async () => {
    const took = await page.evaluate(async () => {
      const element = document.querySelector('[data-testid="replay"]');
      const times: number[] = [];
      for (const key of ['Home', 'End', 'Home', 'End', 'Home', 'End']) {
        const begun = performance.now();
        element?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
        await new Promise<void>((drawn) => {
          const look = () => (element?.querySelector('[data-state="paused"]') ? drawn() : requestAnimationFrame(look));
          requestAnimationFrame(look);
        });
        times.push(performance.now() - begun);
      }
      return times.sort((a, b) => a - b);
    });
    process.stdout.write(`replay seeks, ms: ${took.map((each) => each.toFixed(0)).join(' ')}\n`);
    expect(took[3]).toBeLessThan(300);
  });

  test('nothing that is typed in it reaches the session; Esc gives the session back', async () => {
    await page.getByTestId('replay-terminal').click();
    await page.keyboard.type('echo leaked');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await replay().waitFor({ state: 'hidden' });
    await typeIntoTerminal(page, 'echo here again\n');
    await waitForScreen(page, /^here again$/m);
    expect(await world.cmdop('search', 'leaked', '--session', 'build').catch(() => 'not found')).toBe('not found');
  });

  test('is the same in a browser, and of an ended session', async () => {
    const browser = await world.browser();
    await browser.getByTestId('session-row').filter({ hasText: 'old' }).getByRole('button').first().click();
    await browser.getByRole('button', { name: 'Replay', exact: true }).click();
    await browser.getByTestId('replay').locator('[data-state="paused"]').waitFor();
    await browser.keyboard.press('End');
    await expect.poll(() => browser.getByTestId('replay-terminal').evaluate(rowsOf)).toContain('connection lost in the old session');
    await takePicture(browser, 'memory-replay-browser');
    await browser.close();
  });
});

const replayed = () => page.getByTestId('replay-terminal').evaluate(rowsOf);

function rowsOf(element: HTMLElement): string {
  if (!('cmdopTerminal' in element)) return '';
  type Line = { translateToString(trim: boolean): string };
  const { buffer, rows } = element.cmdopTerminal as {
    rows: number;
    buffer: { active: { baseY: number; getLine(row: number): Line | undefined } };
  };
  const { active } = buffer;
  return Array.from({ length: rows }, (_, row) => active.getLine(active.baseY + row)?.translateToString(true) ?? '').join('\n');
}

/** A command line at the prompt of a session, by somebody. */
async function run(session: string, as: string, line: string): Promise<void> {
  await world.cmdop('--as', as, 'run', session, '--', line).catch(() => {}); // it may fail: that is the command's business
}

async function lookAt(name: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-scheme="${scheme}"]`).waitFor();
    await takePicture(page, `memory-${name}-${scheme}`);
    expect.soft(await contrastFaults(page), `${name}, ${scheme}`).toEqual([]);
    expect.soft(await accessibilityFaults(page), `${name}, ${scheme}`).toEqual([]);
  }
}
