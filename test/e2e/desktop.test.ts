/** A first hour with the app: a session, a file edited in vim, a second actor at a terminal, and who did what. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestTerminal } from '../process/test-terminal.ts';
import { readShown, shownIn } from './cells.ts';
import { startWorld, tabNames, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { atTerminal, historyOf } from './people.ts';

let world: World;
let page: Page;
let ben: TestTerminal;

beforeAll(async () => {
  world = startWorld();
  ({ page } = await world.desktop());
});
afterAll(async () => {
  ben?.dispose();
  await world?.dispose();
});

test('an empty window says what a session is and how to begin', async () => {
  await page.getByText('outlives every window').waitFor();
  await page.getByRole('button', { name: /^New session.*Ctrl\+Shift\+T$/ }).waitFor();
  await page.getByText('No session is running.').waitFor();
});

test('a key makes a session, and what is typed runs in it', async () => {
  await page.keyboard.press('Control+Shift+T');
  await waitForScreen(page, /^\$ /m);
  await page.keyboard.type('for i in 1 2 3; do echo "line $i"; done\n');
  await waitForScreen(page, /^line 1\nline 2\nline 3\n\$ /m);
});

test('vim edits a file, and it is on the disk', async () => {
  await typeIntoTerminal(page, 'vim note.txt\n');
  await waitForScreen(page, /"note\.txt" \[New\]/);
  await page.keyboard.type('ihello from ann, 漢字 and é');
  await page.keyboard.press('Escape');
  await page.keyboard.type(':wq\n');
  await waitForScreen(page, /^\$ vim note\.txt\n\$ /m);
  expect(readFileSync(join(world.home, 'note.txt'), 'utf8')).toBe('hello from ann, 漢字 and é\n');
});

test('a second actor joins from a terminal and sees the same', async () => {
  await world.cmdop('rename', (await tabNames(page))[0] ?? '', 'work');
  await expect.poll(() => tabNames(page)).toEqual(['work']);
  ben = atTerminal(world, ['--as', 'ben', 'attach', 'work']);
  await ben.until('line 3');
  await actorRow('ben').waitFor();
});

test('the second actor types, and it runs', async () => {
  await page.getByRole('button', { name: 'Release' }).click();
  await expect.poll(() => controlOf(page)).toBe('none');
  ben.type("echo 'hello from 'ben; false\r");
  await waitForScreen(page, /^hello from ben$/m);
  await page.getByTestId('control-bar').getByText('ben has control').waitFor();
  await actorRow('ben').and(page.locator('[data-control="true"]')).waitFor();
});

test('both see the same cells', async () => {
  await ben.until(/hello from ben\n\$ *$/);
  await expect.poll(async () => (await shownIn(page)).rows).toEqual(readShown({ cmdopTerminal: ben.terminal }).rows);
});

test('a line that two typed names both', async () => {
  ben.type('echo both-');
  await waitForScreen(page, /\$ echo both-$/m);
  await page.keyboard.press('Control+Shift+Enter');
  await expect.poll(() => controlOf(page)).toBe('mine');
  await typeIntoTerminal(page, 'of-us\n');
  await waitForScreen(page, /^both-of-us$/m);
});

test('the actors panel shows who is there, from which interface, and as what', async () => {
  await expect.poll(() => actorRow('ann').textContent()).toMatch(/desktop · owner · since/);
  await expect.poll(() => actorRow('ben').textContent()).toMatch(/CLI · owner · since/);
  await actorRow('ann').getByText('this window').waitFor();
  expect(await page.getByTestId('actor-row').count()).toBe(2);
});

test('the history shows every command with its author', async () => {
  await page.keyboard.press('Control+Shift+H');
  const rows = page.getByTestId('history-row');
  await expect.poll(() => rows.count()).toBe(4);
  const told = await rows.evaluateAll((elements) =>
    elements.map((element) => [
      element.querySelector('code')?.textContent,
      element.querySelector('.history-who')?.textContent,
      element.querySelector('.exit')?.textContent,
    ]),
  );
  expect(told).toEqual([
    ['for i in 1 2 3; do echo "line $i"; done', 'ann', '0'],
    ['vim note.txt', 'ann', '0'],
    ["echo 'hello from 'ben; false", 'ben', '1'],
    ['echo both-of-us', 'ann with ben', '0'],
  ]);
  await takePicture(page, 'history');
});

test('the history is filtered by actor, by text and by failure', async () => {
  const rows = page.getByTestId('history-row');
  await page.getByRole('button', { name: 'Failed' }).click();
  await expect.poll(() => rows.count()).toBe(1);
  await page.getByRole('button', { name: 'Failed' }).click();
  await page.getByRole('combobox', { name: 'Actor' }).selectOption({ label: 'ben' });
  await expect.poll(() => rows.count()).toBe(2);
  await page.getByRole('combobox', { name: 'Actor' }).selectOption({ label: 'Anyone' });
  await page.getByRole('searchbox', { name: 'Part of the command' }).fill('VIM');
  await expect.poll(() => rows.locator('code').allTextContents()).toEqual(['vim note.txt']);
  await page.getByRole('searchbox', { name: 'Part of the command' }).fill('');
  await expect.poll(() => rows.count()).toBe(4);
});

test('a click in the history goes to the output of that command and marks it', async () => {
  await typeIntoTerminal(page, 'seq 1 200\n');
  await waitForScreen(page, /^200\n\$ /m);
  await page.getByTestId('history-row').filter({ hasText: 'hello from' }).getByRole('button').click();
  await waitForScreen(page, /^hello from ben$/m);
  await page.locator('.marked-block').waitFor();
  await page.getByRole('button', { name: "ben: echo 'hello from 'ben; false" }).waitFor();
});

test('the command line tells the same', async () => {
  const { attached, control } = JSON.parse(await world.cmdop('who', 'work', '--json'));
  const people = attached.map(({ actor, role }: { actor: { name: string; interface: string }; role: string }) => [
    actor.name,
    actor.interface,
    role,
  ]);
  expect(people).toEqual([
    ['ann', 'desktop', 'owner'],
    ['ben', 'cli', 'owner'],
  ]);
  expect(control.holder.actor.name).toBe('ann');
  const told = (await historyOf(world, 'work')).map(({ text, authors, submitter, exitCode, source }) => ({
    text,
    authors: authors.map(({ name }) => name),
    submitter: submitter?.name,
    exitCode,
    source,
  }));
  expect(told).toEqual([
    { text: 'for i in 1 2 3; do echo "line $i"; done', authors: ['ann'], submitter: 'ann', exitCode: 0, source: 'shell' },
    { text: 'vim note.txt', authors: ['ann'], submitter: 'ann', exitCode: 0, source: 'shell' },
    { text: "echo 'hello from 'ben; false", authors: ['ben'], submitter: 'ben', exitCode: 1, source: 'shell' },
    { text: 'echo both-of-us', authors: ['ben', 'ann'], submitter: 'ann', exitCode: 0, source: 'shell' },
    { text: 'seq 1 200', authors: ['ann'], submitter: 'ann', exitCode: 0, source: 'shell' },
  ]);
  expect(await world.cmdop('verify')).toMatch(/^the journal is whole/);
});

test('who leaves is gone everywhere, and the session goes on', async () => {
  ben.type('\x1c');
  expect((await ben.exited).code).toBe(0);
  expect(ben.text()).toContain('[detached from work]');
  await page.keyboard.press('Control+Shift+A');
  await expect.poll(() => page.getByTestId('actor-row').count()).toBe(1);
});

function actorRow(name: string) {
  return page.getByTestId('actor-row').filter({ has: page.getByText(name, { exact: true }) });
}

const controlOf = (window: Page) => window.getByTestId('control-bar').getAttribute('data-control');
