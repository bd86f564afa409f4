/** Sharing a session from the window: asked for and given control, modes, roles, removal, sizes, and secrets that are seen to be typed. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { SessionStream } from '#client/session-stream.ts';
import { keyboardIsBack, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';
import { atTerminal, connectEngine } from './people.ts';

let world: World;
let page: Page;
let ben: CmdopClient;
let his: SessionStream;

beforeAll(async () => {
  world = startWorld();
  await world.cmdop('new', 'work', '--detach', '--cwd', world.home);
  ({ page } = await world.desktop());
  await page.getByTestId('session-row').getByRole('button').click();
  await waitForScreen(page, /^\$ /m);
  ben = await connectEngine(world, 'ben');
  his = join(ben);
  await row('ben').waitFor();
});
afterAll(async () => {
  ben?.close();
  await world?.dispose();
});

test('who asks for control is shown with the reason in one line, and a key gives it', async () => {
  await typeIntoTerminal(page, 'echo mine\n');
  expect(await his.requestControl('to fix the build')).toBe(false);
  const line = page.getByTestId('control-request');
  await expect.poll(() => line.textContent()).toBe('ben asks for control: “to fix the build”');
  await lookAt('request');
  await page.keyboard.press('Control+Shift+G');
  await line.waitFor({ state: 'hidden' });
  await expect.poll(() => his.hasControl).toBe(true);
});

test('she asks him for it with a reason, and gets it when he gives it', async () => {
  await page.getByRole('button', { name: 'Ask for it…' }).click();
  await page.getByLabel('Reason').fill('to go on');
  await page.keyboard.press('Enter');
  await page.getByTestId('toast').filter({ hasText: 'ben is asked for control' }).waitFor();
  await ben.request('control.grant', { session: 'work', to: 'ann' });
  await expect.poll(() => page.getByTestId('control-bar').getAttribute('data-control')).toBe('mine');
});

test('the mode is seen and changed by keyboard; in a locked session the bar says how control is had', async () => {
  await choose('Locked');
  await expect.poll(async () => JSON.parse(await world.cmdop('inspect', 'work', '--json')).session.control.mode).toBe('locked');
  await page.getByRole('button', { name: 'Release', exact: true }).click();
  await page.getByTestId('control-bar').getByText('Typing does not take it').waitFor();
  await typeIntoTerminal(page, 'x');
  await expect.poll(() => page.getByTestId('control-bar').textContent()).toMatch(/work is locked and nobody has control.*Take control/);
  await page.keyboard.press('Control+Shift+Enter');
  await expect.poll(() => page.getByTestId('control-bar').getAttribute('data-control')).toBe('mine');
  await keyboardIsBack(page);
  await page.getByTestId('control-menu').press('Enter');
  await page.getByRole('menuitem', { name: 'New sessions begin in this mode' }).press('Enter');
  await page.getByTestId('toast').filter({ hasText: 'begin in mode locked' }).waitFor();
  await choose('Open');
  await page.getByTestId('control-bar').getByText("everybody's input").waitFor();
  await choose('Turns');
});

test('a fixed size is set, and whose window decides is chosen again', async () => {
  await choose('Fixed…');
  await page.getByLabel('Columns').fill('70');
  await page.getByLabel('Rows').fill('20');
  await page.keyboard.press('Enter');
  const size = page.getByTestId('status-bar').getByTitle("Size of the session's terminal");
  await expect.poll(() => size.textContent()).toBe('70×20');
  await choose('Of whoever has control');
  await expect.poll(() => size.textContent()).not.toBe('70×20');
});

test('a secret that somebody types is seen to be typed, and nothing of it', async () => {
  await typeIntoTerminal(page, 'read -s -p "secret: " it; echo thanks\n');
  await waitForScreen(page, /^secret: $/m);
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type('release');
  await page.getByRole('option', { name: /^Release/, selected: true }).waitFor();
  await page.keyboard.press('Enter');
  const carl = atTerminal(world, ['--as', 'carl', 'attach', 'work']);
  try {
    await carl.until('secret: ');
    carl.type('hunter2');
    await page.getByTestId('control-bar').getByText('carl types a secret: it is not shown').waitFor();
    await lookAt('secret');
    carl.type('\r');
    await waitForScreen(page, /thanks$/m);
    expect(await page.locator('body').textContent()).not.toContain('hunter2');
  } finally {
    carl.dispose();
  }
});

test('an owner makes him an observer, and removes him after a question', async () => {
  await menuOf('ben');
  await lookAt('actor-menu');
  await page.getByRole('menuitemradio', { name: /^observer/ }).press('Enter');
  await row('ben').getByText('observer').waitFor();
  expect(his.role).toBe('observer');
  await menuOf('ben');
  await page.getByRole('menuitem', { name: 'Remove from this session…' }).press('Enter');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).press('Enter');
  await row('ben').waitFor({ state: 'hidden' });
  await expect(ben.request('session.screen', { session: 'work' })).rejects.toMatchObject({ code: 'kicked' });
});

function join(client: CmdopClient): SessionStream {
  const nothing = () => {};
  const parsed = (done: () => void) => done();
  return client.attach('work', {
    snapshot: (_text, _size, done) => parsed(done),
    output: (_bytes, done) => parsed(done),
    resized: nothing,
    gap: nothing,
    refused: nothing,
    changed: nothing,
    ended: nothing,
    failed: nothing,
  });
}

const row = (name: string) => page.getByTestId('actor-row').filter({ hasText: name });

async function menuOf(name: string): Promise<void> {
  await keyboardIsBack(page);
  await row(name)
    .getByRole('button', { name: `${name}: more` })
    .press('Enter');
  await page.getByRole('menu').waitFor();
}

/** An entry of the control bar's menu, by keys. */
async function choose(name: string): Promise<void> {
  await keyboardIsBack(page);
  await page.getByTestId('control-menu').press('Enter');
  await page.getByRole('menu').waitFor();
  if (name === 'Locked') await lookAt('control-menu');
  await page.getByRole('menuitemradio', { name: new RegExp(`^${name}`) }).press('Enter');
  await page.getByRole('menu').waitFor({ state: 'hidden' });
}

async function lookAt(name: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-scheme="${scheme}"]`).waitFor();
    await takePicture(page, `sharing-${name}-${scheme}`);
    expect.soft(await contrastFaults(page), `${name}, ${scheme}`).toEqual([]);
    expect.soft(await accessibilityFaults(page), `${name}, ${scheme}`).toEqual([]);
  }
}
