/** What spares a person questions, and where they are answered: rules that are offered, keys in a program, the browser, the policy. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Given, startAgent, type TestAgent } from '../process/mcp-client.ts';
import { approveByKey, cardWith, goTo, lookAt } from './approval-cards.ts';
import { type Desktop, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';

const session = 'ask';

let world: World;
let desktop: Desktop;
let page: Page;
let agent: TestAgent;
let folder: string;

beforeAll(async () => {
  world = startWorld();
  folder = join(world.home, 'project');
  mkdirSync(folder);
  await world.cmdop('new', session, '--detach', '--cwd', folder);
  desktop = await world.desktop();
  ({ page } = desktop);
  await page.getByTestId('session-row').getByRole('button').click();
  await waitForScreen(page, /^\$ /m);
  agent = await startAgent(world.env);
});
afterAll(async () => {
  await agent?.close();
  await world?.dispose();
});

test('after five commands alike the rule that would have covered them is offered, shown, and in force once it is saved', async () => {
  for (let last = 4; last <= 8; last++) {
    const running = run(`seq 3 ${last}`, 'to count');
    if (last === 4) await approveByKey(page, /join/);
    await approveByKey(page, `seq 3 ${last}`);
    expect((await running).value.exitCode).toBe(0);
  }
  await page.keyboard.press('Control+Shift+L');
  const offer = page.getByTestId('rule-offer');
  await expect.poll(() => offer.textContent()).toMatch(/would have covered the last 5.*"agent:fixer".*seq 3 \*/);
  await lookAt(page, 'rule-offer');
  await offer.getByRole('button', { name: 'Add to the policy…' }).click();
  const editor = page.getByTestId('policy-editor');
  await expect.poll(() => editor.getByLabel('Text of the policy').inputValue()).toContain('"seq 3 *"');
  await takePicture(page, 'agents-rule-offer-policy');
  await editor.getByRole('button', { name: 'Save policy' }).click();
  await editor.waitFor({ state: 'hidden' });
  await offer.waitFor({ state: 'hidden' });
  expect((await run('seq 3 9', 'to count on')).value.exitCode).toBe(0);
  await page.keyboard.press('Control+Shift+L');
});

test('keys for a full-screen program are shown as that, and reach it once they are approved', async () => {
  await typeIntoTerminal(page, 'vim -u NONE -N notes\n');
  await waitForScreen(page, /^~ *$/m);
  await page.getByRole('button', { name: 'Release', exact: true }).click();
  const writing = sendKeys({ text: 'iby the agent', keys: ['Escape'], reason: 'to take a note' });
  const card = await cardWith(page, 'iby the agent');
  await expect.poll(() => card.textContent()).toMatch(/vim -u NONE -N notes/);
  await expect.poll(() => card.getByTestId('approval-text').textContent()).toBe('iby the agent‹Esc›');
  await lookAt(page, 'keys-in-vim');
  await approveByKey(page, 'iby the agent');
  expect((await writing).error).toBeNull();
  await waitForScreen(page, 'by the agent');
  const leaving = sendKeys({ text: ':wq', keys: ['Enter'], reason: 'to save it' });
  await approveByKey(page, ':wq');
  expect((await leaving).error).toBeNull();
  await waitForScreen(page, /^\$ $/m);
  expect(readFileSync(join(folder, 'notes'), 'utf8')).toBe('by the agent\n');
});

test('in a browser the same card is answered by the same keys, and goes in the app as well', async () => {
  const browser = await world.browser();
  await browser.getByTestId('session-row').getByRole('button').click();
  await waitForScreen(browser, /^\$ /m);
  const running = run('echo from-the-browser', 'to see who says yes');
  await cardWith(page, 'echo from-the-browser');
  const card = await cardWith(browser, 'echo from-the-browser');
  await expect.poll(() => card.textContent()).toContain('“to see who says yes”');
  await lookAt(browser, 'browser-card');
  await approveByKey(browser, 'echo from-the-browser');
  expect((await running).value).toMatchObject({ exitCode: 0, approval: { by: 'ann' } });
  await page.getByTestId('approval-card').waitFor({ state: 'hidden' });
  const refused = run('rm -rf build', 'to clean up');
  await goTo(browser, 'rm -rf build');
  await browser.keyboard.press('x');
  await browser.keyboard.type('not today');
  await browser.keyboard.press('Enter');
  expect((await refused).error).toContain('not today');
  await browser.keyboard.press('Control+Shift+L');
  const panel = browser.getByRole('complementary', { name: 'Approvals' });
  await expect.poll(() => panel.getByTestId('decided').first().textContent()).toMatch(/rm -rf build.*not today|rm -rf build.*ann/);
  await takePicture(browser, 'agents-browser-panel');
  await browser.close();
});

test('an agent asks a person, who answers with a digit', async () => {
  const asking = agent.ok('ask_human', { session, question: 'Which branch?', choices: ['main', 'next'] });
  await goTo(page, 'Which branch?');
  await badge('waiting-input');
  await lookAt(page, 'question');
  await page.keyboard.press('2');
  expect((await asking).text).toContain('next');
});

test('who looks elsewhere is told by a notification, whose click shows the session', async () => {
  await desktop.app.evaluate(({ BrowserWindow, Notification }) => {
    const [window] = BrowserWindow.getAllWindows();
    if (window) window.isFocused = () => false;
    const shown: object[] = [];
    Object.assign(globalThis, { shown });
    Notification.prototype.show = function show(this: object) {
      shown.push(this);
    };
  });
  await page.getByRole('button', { name: /^Close tab/ }).click();
  const asking = agent.ok('ask_human', { session, question: 'Shall I go on?', choices: ['no', 'go on'] });
  const told = () =>
    desktop.app.evaluate(() =>
      (globalThis as unknown as { shown: { title: string; body: string }[] }).shown.map(({ title, body }) => ({ title, body })),
    );
  await expect.poll(told).toEqual([{ title: 'fixer asks in ask', body: 'Shall I go on?' }]);
  await desktop.app.evaluate(() => {
    (globalThis as unknown as { shown: { emit(name: string): void }[] }).shown[0]?.emit('click');
  });
  await goTo(page, 'Shall I go on?');
  await page.keyboard.press('2');
  expect((await asking).text).toContain('go on');
});

test('an agent that just runs in the terminal and wants a person is told too, and counted on the dock', async () => {
  await desktop.app.evaluate(({ app }) => {
    const waiting: number[] = [];
    Object.assign(globalThis, { waiting });
    app.setBadgeCount = (count?: number) => waiting.push(count ?? -1) > 0;
  });
  const counted = () => desktop.app.evaluate(() => (globalThis as unknown as { waiting: number[] }).waiting.at(-1));
  writeFileSync(join(folder, 'claude'), "#!/bin/sh\nprintf '\\033]9;May I push?\\007'\nread answer\nexit 1\n", { mode: 0o755 });
  await typeIntoTerminal(page, './claude\n');
  await badge('waiting-input');
  await expect.poll(counted).toBe(1);
  expect(await page.title()).toMatch(/^\(1\) /);
  const told = await desktop.app.evaluate(() => {
    const last = (globalThis as unknown as { shown: { title: string; body: string }[] }).shown.at(-1);
    return { title: last?.title, body: last?.body };
  });
  expect(told).toMatchObject({ title: 'claude waits for you in ask', body: 'May I push?' });
  await typeIntoTerminal(page, 'no\n');
  await badge('failed');
  await expect.poll(counted).toBe(0);
  await page.getByRole('button', { name: 'Release', exact: true }).click();
});

test('the panel has them all, grouped, with the rule that one of them could become', async () => {
  const running = run('echo "as a rule"', 'to save questions');
  await cardWith(page, 'echo "as a rule"');
  await page.keyboard.press('Control+Shift+L');
  const panel = page.getByRole('complementary', { name: 'Approvals' });
  await panel.getByTestId('approval-card').waitFor();
  await expect.poll(() => page.getByTestId('asked-today').textContent()).toMatch(/Asked \d+ times today/);
  await expect.poll(() => panel.getByTestId('decided').count()).toBeGreaterThan(5);
  await goTo(page, 'echo "as a rule"');
  await page.keyboard.press('r');
  await expect.poll(() => page.getByTestId('approval-rule').textContent()).toMatch(/"do": ?"allow".*echo/);
  await lookAt(page, 'approvals-panel');
  await page.keyboard.press('Enter');
  expect((await running).value.exitCode).toBe(0);
  expect((await run('echo "as a rule"', 'it is one now')).value.exitCode).toBe(0);
  await page.keyboard.press('Control+Shift+L');
});

test('the policy is edited: a mistake is told with its line, and only a right one is saved', async () => {
  await choose('policy', /^Policy/);
  const editor = page.getByTestId('policy-editor');
  const text = editor.getByLabel('Text of the policy');
  await expect.poll(() => text.inputValue()).toContain('echo');
  const right = await text.inputValue();
  await text.fill(right.replace('"rules"', '"rule"'));
  await expect.poll(() => editor.getByTestId('policy-mistake').textContent()).toMatch(/\d+:\d+.*rule.*last good policy goes on/);
  expect(await editor.getByRole('button', { name: 'Save policy' }).isDisabled()).toBe(true);
  await lookAt(page, 'policy');
  await text.fill(right.replace('"rules": [', '"rules": [\n    { "do": "deny", "command": "shutdown *" },'));
  await editor.getByTestId('policy-mistake').waitFor({ state: 'hidden' });
  await editor.getByRole('button', { name: 'Save policy' }).click();
  await editor.waitFor({ state: 'hidden' });
  expect((await run('shutdown now', 'to rest')).error).toMatch(/policy|rule|denied|forbid/i);
});

const run = (command: string, reason: string): Promise<Given> => agent.call('run', { session, command, reason });
const sendKeys = (keys: { text: string; keys: string[]; reason: string }): Promise<Given> => agent.call('send_keys', { session, ...keys });
const badge = (is: string) => page.locator(`[data-testid="session-row"] [data-is="${is}"]`).waitFor();

async function choose(typed: string, entry: RegExp): Promise<void> {
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type(typed);
  await page.getByRole('option', { name: entry, selected: true }).waitFor();
  await page.keyboard.press('Enter');
}
