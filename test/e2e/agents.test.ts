/** An agent works beside a person in the app: asked, allowed, edited, refused, taken over, stopped; and who did what is told. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Given, startAgent, type TestAgent } from '../process/mcp-client.ts';
import { type Desktop, screenRows, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults, focused } from './looks.ts';
import { historyOf } from './people.ts';

const session = 'fix';

let world: World;
let desktop: Desktop;
let page: Page;
let agent: TestAgent;
let folder: string;

beforeAll(async () => {
  world = startWorld();
  folder = join(world.home, 'project');
  mkdirSync(folder);
  writeFileSync(join(folder, 'sum.sh'), 'sum() { echo $(($1 - $2)); }\n');
  const check = '. ./sum.sh\n[ "$(sum 2 3)" = 5 ] && echo all is well || { echo "FAIL sum 2 3: $(sum 2 3), not 5"; exit 1; }\n';
  writeFileSync(join(folder, 'check.sh'), check);
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

describe('a whole task beside a person', () => {
  test('the agent is let in with two keys, and its first command runs as it was shown', async () => {
    const first = run('sh check.sh', 'to find the failing test');
    await approveByKey(/join/);
    const card = await cardWith('sh check.sh');
    await expect.poll(() => card.textContent()).toContain('“to find the failing test”');
    await expect.poll(() => card.getByTestId('approval-text').textContent()).toBe('sh check.sh‹Enter›');
    await expect.poll(() => card.textContent()).toMatch(/Folder.*project.*Asked by.*the default for agents/);
    await badge('waiting-approval');
    expect(await page.title()).toMatch(/^\(1\) fix/);
    await lookAt('approval');
    await approveByKey('sh check.sh');
    expect((await first).value).toMatchObject({ state: 'done', exitCode: 1 });
    await waitForScreen(page, 'FAIL sum 2 3');
    expect(await page.title()).toBe('fix – cmdop');
  });

  test('who types has control at once: what waits is withdrawn, and her Enter says yes to nothing', async () => {
    const running = run('touch by-accident', 'to see');
    await cardWith('touch by-accident');
    await typeIntoTerminal(page, 'echo ann-types-on\n');
    await waitForScreen(page, /^ann-types-on$/m);
    await page.getByTestId('approval-card').waitFor({ state: 'hidden' });
    expect((await running).error).toMatch(/ann/);
    await control('mine');
    expect(existsSync(join(folder, 'by-accident'))).toBe(false);
  });

  test('a card that comes under typing hands takes no key until it is gone to', async () => {
    await typeIntoTerminal(page, 'echo ann');
    const asking = agent.ok('ask_human', { session, question: 'May I?', choices: ['no', 'yes'] });
    const card = await cardWith('May I?');
    await page.keyboard.type('-2-types\n');
    await waitForScreen(page, /^ann-2-types$/m);
    expect((await focused(page)).name).toBe('terminal');
    expect(await card.isVisible()).toBe(true);
    await goTo('May I?');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Space');
    expect(await card.isVisible()).toBe(true);
    await page.keyboard.press('2');
    expect((await asking).text).toContain('yes');
    await releaseControl();
  });

  test('a person edits what the agent sent, and that runs', async () => {
    const reading = run('cat sum.sh check.sh', 'to read the source');
    await goTo('cat sum.sh');
    await page.keyboard.press('e');
    const field = page.getByLabel('Run this instead of what fixer sent');
    await expect.poll(() => field.inputValue()).toBe('cat sum.sh check.sh');
    await lookAt('approval-edit');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('cat sum.sh');
    await page.keyboard.press('Enter');
    const { value } = await reading;
    expect(value.untrustedOutput).toContain('$1 - $2');
    expect(value.approval).toMatchObject({ ranInstead: 'cat sum.sh', by: 'ann' });
  });

  test('a person says no with a reason, and the agent gets it', async () => {
    const removing = run('rm sum.sh', 'to write it anew');
    await goTo('rm sum.sh');
    await page.keyboard.press('x');
    await page.keyboard.type('repair it instead');
    await page.keyboard.press('Enter');
    expect((await removing).error).toContain('repair it instead');
    await expect.poll(async () => (await focused(page)).name).toBe('terminal');
  });

  test('the fix is allowed, and the check for the whole session: it is not asked again', async () => {
    const fixing = run(`sed -i 's/\\$1 - \\$2/$1 + $2/' sum.sh`, 'the sign is wrong');
    await approveByKey('sed -i');
    expect((await fixing).value.exitCode).toBe(0);
    const checking = run('sh check.sh', 'to see that it passes');
    await goTo('sh check.sh');
    await page.keyboard.press('s');
    expect((await checking).value).toMatchObject({ exitCode: 0, untrustedOutput: 'all is well\n' });
    expect((await run('sh check.sh', 'once more')).value.exitCode).toBe(0);
    expect(readFileSync(join(folder, 'sum.sh'), 'utf8')).toContain('$1 + $2');
  });

  test('a person takes over in the middle by typing, and gives back', async () => {
    await typeIntoTerminal(page, 'echo "ann was here" >> notes\n');
    await control('mine');
    const waiting = await run('sh check.sh', 'again');
    expect(waiting.error ?? '').toMatch(/ann/);
    await releaseControl();
    expect((await run('sh check.sh', 'again')).value.exitCode).toBe(0);
  });

  test('the history says who did what', async () => {
    const who = (await historyOf(world, session)).map(({ text, submitter }) => [submitter?.name, text]);
    expect(who).toEqual([
      ['fixer', 'sh check.sh'],
      ['ann', 'echo ann-types-on'],
      ['ann', 'echo ann-2-types'],
      ['fixer', 'cat sum.sh'],
      ['fixer', `sed -i 's/\\$1 - \\$2/$1 + $2/' sum.sh`],
      ['fixer', 'sh check.sh'],
      ['fixer', 'sh check.sh'],
      ['ann', 'echo "ann was here" >> notes'],
      ['fixer', 'sh check.sh'],
    ]);
  });

  test('who ran a line is told in the margin and by a right click, with how they came and who allowed it, and leads to the history', async () => {
    await page.locator('.bar[aria-label^="fixer: sh check.sh"]').last().hover();
    await page
      .getByRole('tooltip')
      .filter({ hasText: /over MCP, .+; approved by ann/ })
      .waitFor();
    await page.locator('[data-testid="terminal"]:visible').click({ button: 'right', position: await placeOf('all is well') });
    await page.getByRole('menuitem', { name: 'Who ran this?' }).click();
    const dialog = page.getByTestId('who-ran');
    await expect.poll(() => dialog.textContent()).toMatch(/sh check\.sh.*fixer.*an agent, over MCP.*Proof.+Approval.*by ann/);
    await lookAt('who-ran');
    await dialog.getByRole('button', { name: 'Show in history' }).click();
    await expect.poll(async () => (await focused(page)).name).toContain('sh check.sh');
    await page.keyboard.press('Control+Shift+H');
  });
});

describe('stopping', () => {
  test('one key stops every agent: what waits is dropped, what comes is refused, and everybody sees it', async () => {
    const running = run('echo never', 'to try');
    await cardWith('echo never');
    await page.keyboard.press('Control+Shift+X');
    await page.getByTestId('paused-mark').waitFor();
    expect((await running).error).toMatch(/paused/);
    await page.getByTestId('approval-card').waitFor({ state: 'hidden' });
    expect((await run('echo never', 'again')).error).toMatch(/paused/);
    await lookAt('paused');
    await page.getByTestId('resume-agents').click();
    await page.getByTestId('paused-mark').waitFor({ state: 'hidden' });
    expect((await run('sh check.sh', 'on')).value.exitCode).toBe(0);
    expect((await screenRows(page)).join('\n')).not.toContain('never');
  });
});

describe('many questions', () => {
  test('an agent asks a person, who answers with a digit', async () => {
    const asking = agent.ok('ask_human', { session, question: 'Which branch?', choices: ['main', 'next'] });
    await goTo('Which branch?');
    await badge('waiting-input');
    await lookAt('question');
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
    await expect.poll(told).toEqual([{ title: 'fixer asks in fix', body: 'Shall I go on?' }]);
    await desktop.app.evaluate(() => {
      (globalThis as unknown as { shown: { emit(name: string): void }[] }).shown[0]?.emit('click');
    });
    await goTo('Shall I go on?');
    await page.keyboard.press('2');
    expect((await asking).text).toContain('go on');
  });

  test('the panel has them all, grouped, with the rule that one of them could become', async () => {
    const running = run('echo "as a rule"', 'to save questions');
    await cardWith('echo "as a rule"');
    await page.keyboard.press('Control+Shift+L');
    const panel = page.getByRole('complementary', { name: 'Approvals' });
    await panel.getByTestId('approval-card').waitFor();
    await expect.poll(() => page.getByTestId('asked-today').textContent()).toMatch(/Asked \d+ times today/);
    await expect.poll(() => panel.getByTestId('decided').count()).toBeGreaterThan(5);
    await goTo('echo "as a rule"');
    await page.keyboard.press('r');
    await expect.poll(() => page.getByTestId('approval-rule').textContent()).toMatch(/"do": ?"allow".*echo/);
    await lookAt('approvals-panel');
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
    await lookAt('policy');
    await text.fill(right.replace('"rules": [', '"rules": [\n    { "do": "deny", "command": "shutdown *" },'));
    await editor.getByTestId('policy-mistake').waitFor({ state: 'hidden' });
    await editor.getByRole('button', { name: 'Save policy' }).click();
    await editor.waitFor({ state: 'hidden' });
    expect((await run('shutdown now', 'to rest')).error).toMatch(/policy|rule|denied|forbid/i);
  });
});

const run = (command: string, reason: string): Promise<Given> => agent.call('run', { session, command, reason });

/** The card that is about this text, over the terminal or in the panel. */
async function cardWith(text: string | RegExp) {
  const card = page.locator('[data-approval-card]').filter({ hasText: text });
  await card.waitFor();
  return card;
}

/** Gives the card the keyboard, by its key, once it takes answers. */
async function goTo(text: string | RegExp): Promise<void> {
  const card = await cardWith(text);
  await page.keyboard.press('Control+Shift+Y');
  await expect
    .poll(() => card.evaluate((element) => element === document.activeElement && element.getAttribute('data-armed')))
    .toBe('true');
}

async function approveByKey(text: string | RegExp): Promise<void> {
  await goTo(text);
  await page.keyboard.press('a');
}

async function releaseControl(): Promise<void> {
  await page.getByRole('button', { name: 'Release', exact: true }).click();
  await control('none');
}

const control = (is: string) => expect.poll(() => page.getByTestId('control-bar').getAttribute('data-control')).toBe(is);
const badge = (is: string) => page.locator(`[data-testid="session-row"] [data-is="${is}"]`).waitFor();

/** Where a line of the terminal in front is, within it. */
async function placeOf(text: string): Promise<{ x: number; y: number }> {
  const row = (await screenRows(page)).findLastIndex((line) => line.includes(text));
  const box = await page.locator('[data-testid="terminal"]:visible .xterm-screen').boundingBox();
  const rows = (await screenRows(page)).length;
  return { x: 20, y: ((row + 0.5) * (box?.height ?? 0)) / rows };
}

async function choose(typed: string, entry: RegExp): Promise<void> {
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type(typed);
  await page.getByRole('option', { name: entry, selected: true }).waitFor();
  await page.keyboard.press('Enter');
}

/** As it is now, in both schemes: pictures, names, contrast. */
async function lookAt(name: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-scheme="${scheme}"]`).waitFor();
    await takePicture(page, `agents-${name}-${scheme}`);
    expect.soft(await contrastFaults(page), `${name}, ${scheme}`).toEqual([]);
    expect.soft(await accessibilityFaults(page), `${name}, ${scheme}`).toEqual([]);
  }
}
