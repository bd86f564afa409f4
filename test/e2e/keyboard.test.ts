/** Everything without a mouse, and what that needs: a focus that is seen, names that are told, contrast that is enough. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorld, tabNames, takePicture, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults, focused } from './looks.ts';

let world: World;
let page: Page;

beforeAll(async () => {
  world = startWorld();
  ({ page } = await world.desktop());
});
afterAll(() => world?.dispose());

describe('with keys alone', () => {
  test('Enter begins a session in an empty window, and goes on in it where it is not open', async () => {
    await expect.poll(async () => (await focused(page)).name).toMatch(/^New session/);
    await page.keyboard.press('Enter');
    await waitForScreen(page, /^\$ /m);
    const [name = ''] = await tabNames(page);
    await page.keyboard.press('Control+Shift+W');
    await expect.poll(async () => (await focused(page)).name).toMatch(new RegExp(`^${name}`));
    await page.keyboard.press('Enter');
    await waitForScreen(page, /^\$ /m);
  });

  test('sessions are made, and each has the focus at once', async () => {
    await page.keyboard.type('echo first-one\n');
    await waitForScreen(page, /^first-one$/m);
    await page.keyboard.press('Control+Shift+T');
    await expect.poll(() => page.getByRole('tab').count()).toBe(2);
    await waitForScreen(page, /^\$ /m);
    await page.keyboard.type('echo second-one\n');
    await waitForScreen(page, /^second-one$/m);
  });

  test('a session is renamed from the palette', async () => {
    await choose('rename', /^Rename session/);
    await page.getByRole('textbox', { name: /^New name of/ }).waitFor();
    await page.keyboard.type('tests');
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await tabNames(page))[1]).toBe('tests');
    await expect.poll(async () => (await focused(page)).name).toBe('terminal');
  });

  test('a name that is taken is refused in a sentence', async () => {
    const [other = ''] = await tabNames(page);
    await choose('rename', /^Rename session/);
    await page.getByRole('textbox', { name: /^New name of/ }).waitFor();
    await page.keyboard.type(other);
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: other }).waitFor();
    expect((await tabNames(page))[1]).toBe('tests');
  });

  test('tabs are switched, round and back', async () => {
    await page.keyboard.press('Control+Tab');
    await waitForScreen(page, /^first-one$/m);
    await page.keyboard.press('Control+Tab');
    await waitForScreen(page, /^second-one$/m);
    await page.keyboard.press('Control+Shift+Tab');
    await waitForScreen(page, /^first-one$/m);
    await choose('tests', /^tests/);
    await waitForScreen(page, /^second-one$/m);
  });

  test('what is typed while nothing has the keyboard reaches the terminal in front, whole', async () => {
    await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
    await page.keyboard.type('echo kept-whole\n');
    await waitForScreen(page, /^\$ echo kept-whole\nkept-whole$/m);
  });

  test('a control key right after the palette or a dialog reaches the program', async () => {
    await page.keyboard.type('cat\n');
    await waitForScreen(page, /^cat$|\$ cat$/m);
    await page.keyboard.press('Control+Shift+P');
    await pressAtOnce('Escape', { key: 'c', ctrlKey: true });
    await waitForScreen(page, /^\^C$/m);
    await page.keyboard.type('cat\n');
    await page.keyboard.press('Control+Shift+P');
    await page.keyboard.type('new session with');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'New session' }).waitFor();
    await pressAtOnce('Escape', { key: 'd', ctrlKey: true });
    await page.keyboard.type('echo out-of-cat\n');
    await waitForScreen(page, /^out-of-cat$/m);
  });

  test('text is found, counted, stepped through, and the terminal gets the focus back', async () => {
    await page.keyboard.type('clear; for i in 1 2 3; do echo "needle $i"; done\n');
    await waitForScreen(page, /^needle 3$/m);
    await page.keyboard.press('Control+Shift+F');
    await page.keyboard.type('needle ');
    const count = page.locator('search').getByRole('status');
    await expect.poll(() => count.textContent()).toMatch(/of 3$/);
    const first = await count.textContent();
    await page.keyboard.press('Enter');
    await expect.poll(() => count.textContent()).not.toBe(first);
    await page.keyboard.type('nowhere');
    await expect.poll(() => count.textContent()).toBe('nothing found');
    await page.keyboard.press('Escape');
    await expect.poll(async () => (await focused(page)).name).toBe('terminal');
    await page.keyboard.type('echo back-again\n');
    await waitForScreen(page, /^back-again$/m);
  });

  test('every part of the window is reached, and its focus is seen', async () => {
    const reached: string[] = [];
    for (let step = 0; step < 4; step++) {
      await page.keyboard.press('F6');
      const { name, isSeen } = await focused(page);
      expect(isSeen, `the focus on ${name}`).toBe(true);
      reached.push(name);
    }
    expect(new Set(reached).size).toBe(4);
    expect(reached).toContain('terminal');
  });

  test('Tab walks through the parts without being caught, and is typed in the terminal', async () => {
    await focusTerminal();
    await page.keyboard.type('echo b');
    await page.keyboard.press('Tab');
    expect((await focused(page)).name).toBe('terminal');
    await page.keyboard.press('Control+U');
    await page.keyboard.press('F6');
    const seen = new Set<string>();
    for (let step = 0; step < 12; step++) {
      const { name, isSeen } = await focused(page);
      expect(isSeen, `the focus on ${name}`).toBe(true);
      seen.add(name);
      if (name === 'terminal') break;
      await page.keyboard.press('Tab');
    }
    expect(seen.size).toBeGreaterThan(3);
  });

  test('a tab is closed and its session goes on; opened again it is the same', async () => {
    await focusTerminal();
    await page.keyboard.press('Control+Shift+W');
    await expect.poll(() => page.getByRole('tab').count()).toBe(1);
    expect(JSON.parse(await world.cmdop('ls', '--json')).map(({ state }: { state: string }) => state)).toEqual(['running', 'running']);
    await choose('tests', /^tests/);
    await waitForScreen(page, /^back-again$/m);
  });

  test('a session is killed only after a question that says what runs', async () => {
    await page.keyboard.type('sleep 1000\n');
    await expect.poll(() => page.getByTestId('session-row').filter({ hasText: 'tests' }).textContent()).toContain('sleep 1000');
    await choose('kill', /^Kill session/);
    const question = page.getByRole('alertdialog');
    await expect.poll(() => question.textContent()).toMatch(/sleep 1000 is running and will be ended/);
    expect((await focused(page)).name).toBe('Cancel');
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'hidden' });
    expect(await world.cmdop('inspect', 'tests', '--json')).toContain('"running": "sleep 1000"');
    await choose('kill', /^Kill session/);
    await question.waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByTestId('control-bar').getByText('SIGHUP').waitFor();
    await page.getByRole('heading', { name: 'Ended' }).waitFor();
    await expect.poll(async () => (await focused(page)).name).toBe('terminal');
  });
});

describe.each(['light', 'dark'] as const)('in %s colours', (scheme) => {
  beforeAll(async () => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-scheme="${scheme}"]`).waitFor();
  });

  test('everything has a name and every reference leads somewhere', async () => {
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  test('all text can be read, in the panels and in the dialogs', async () => {
    expect(await contrastFaults(page)).toEqual([]);
    await page.keyboard.press('Control+Shift+H');
    await page.getByTestId('history-row').first().waitFor();
    expect(await contrastFaults(page)).toEqual([]);
    expect(await accessibilityFaults(page)).toEqual([]);
    await takePicture(page, `window-${scheme}`);
    await page.keyboard.press('Control+Shift+P');
    await page.getByRole('option').first().waitFor();
    expect(await contrastFaults(page)).toEqual([]);
    expect(await accessibilityFaults(page)).toEqual([]);
    await takePicture(page, `palette-${scheme}`);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.keyboard.press('Control+Shift+A');
  });
});

/** Opens the palette, types, and presses Enter once the wanted entry is the chosen one. */
/** Both keys in one turn of the page, faster than any person: nothing has the keyboard in between. */
async function pressAtOnce(first: string, second: { key: string; ctrlKey: boolean }): Promise<void> {
  await page.evaluate(
    ([key, next]) => {
      const press = (init: KeyboardEventInit) =>
        (document.activeElement ?? document.body).dispatchEvent(
          new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init, keyCode: (init.key ?? '').toUpperCase().charCodeAt(0) }),
        );
      press({ key });
      queueMicrotask(() => press(next));
    },
    [first, second] as const,
  );
}

async function choose(typed: string, entry: RegExp): Promise<void> {
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type(typed);
  await page.getByRole('option', { name: entry, selected: true }).waitFor();
  await page.keyboard.press('Enter');
}

/** From wherever the focus is, as a person would: on to the next part until it is the terminal. */
async function focusTerminal(): Promise<void> {
  for (let step = 0; step < 5 && (await focused(page)).name !== 'terminal'; step++) await page.keyboard.press('F6');
}
