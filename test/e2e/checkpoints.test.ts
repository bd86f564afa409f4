/** Checkpoints in the window: made from the palette, found in the history, compared and restored; and a report is saved. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Desktop, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';

let world: World;
let desktop: Desktop;
let page: Page;
let folder: string;

beforeAll(async () => {
  world = startWorld();
  folder = join(world.home, 'project');
  mkdirSync(folder);
  writeFileSync(join(folder, 'sum.c'), 'int sum(int a, int b) {\n  return a + b;\n}\n');
  await world.cmdop('new', 'sums', '--detach', '--cwd', folder);
  desktop = await world.desktop();
  ({ page } = desktop);
  await page.getByTestId('session-row').getByRole('button').click();
  await waitForScreen(page, /^\$ /m);
});
afterAll(() => world?.dispose());

/** Runs a command of the palette by its title. */
async function command(title: string): Promise<void> {
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type(title);
  await page.getByRole('option', { name: title }).first().waitFor();
  await page.keyboard.press('Enter');
}

test('what was changed after a checkpoint is seen and brought back, and everybody reads it in the history', async () => {
  await command('Make a checkpoint of the files');
  await page.getByText('Checkpoint 1: 1 file of').waitFor();
  await typeIntoTerminal(page, "sed -i 's/a + b/a - b/' sum.c; echo new > made.txt\n");
  await expect.poll(() => existsSync(join(folder, 'made.txt'))).toBe(true);
  await page.keyboard.press('Control+Shift+H');
  const row = page.getByTestId('checkpoint-row');
  await expect.poll(() => row.textContent()).toMatch(/Checkpoint 1: asked for/);
  await expect.poll(() => page.getByTestId('history-row').count()).toBe(1);
  await row.getByRole('button', { name: 'What changed since checkpoint 1' }).click();
  const difference = page.getByTestId('difference');
  await expect.poll(() => difference.textContent()).toContain('-  return a + b;');
  expect(await difference.textContent()).toContain('2 files, 2 lines added, 1 deleted');
  await lookAt('checkpoint-diff');
  await difference.getByRole('button', { name: 'Restore…' }).click();
  const restore = page.getByTestId('restore');
  await restore.getByText('1 would be brought back').waitFor();
  await restore.getByLabel('Delete 1 made since').check();
  await restore.getByText('1 would be deleted').waitFor();
  await lookAt('checkpoint-restore');
  await restore.getByRole('button', { name: 'Restore', exact: true }).click();
  await restore.waitFor({ state: 'detached' });
  expect(readFileSync(join(folder, 'sum.c'), 'utf8')).toContain('return a + b;');
  expect(existsSync(join(folder, 'made.txt'))).toBe(false);
  await expect.poll(() => row.count()).toBe(2);
  await command('Checkpoints of this session');
  const list = page.getByTestId('checkpoints');
  await expect.poll(() => list.textContent()).toMatch(/2 · before checkpoint 1 was restored.*1 · asked for/);
  await lookAt('checkpoints');
  await page.keyboard.press('Escape');
});

test('a restore that would overwrite what is nowhere else says so, and changes nothing', async () => {
  writeFileSync(join(folder, 'sum.c'), 'in an editor\n');
  writeFileSync(join(folder, '.sum.c.swp'), 'unsaved');
  await page.getByRole('button', { name: 'Restore checkpoint 1' }).click();
  const restore = page.getByTestId('restore');
  await expect.poll(() => restore.getByRole('alert').textContent()).toContain('sum.c is open in Vim');
  expect(await restore.getByRole('button', { name: 'Restore', exact: true }).isDisabled()).toBe(true);
  await page.keyboard.press('Escape');
  expect(readFileSync(join(folder, 'sum.c'), 'utf8')).toBe('in an editor\n');
});

test('a report of the session is saved as a page', async () => {
  const saved = join(world.home, 'report.html');
  await desktop.app.evaluate(({ session }, to) => {
    session.defaultSession.once('will-download', (_event, item) => item.setSavePath(to));
  }, saved);
  await command('Report of this session');
  await expect.poll(() => (existsSync(saved) ? readFileSync(saved, 'utf8') : '')).toContain('<h1>Session sums</h1>');
  expect(readFileSync(saved, 'utf8')).toContain('sed -i');
});

async function lookAt(name: string): Promise<void> {
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(await contrastFaults(page)).toEqual([]);
  await takePicture(page, name);
}
