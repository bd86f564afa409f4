/** An agent works beside a person in the app: asked, allowed, edited, refused, taken over, stopped; and who did what is told. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Given, startAgent, type TestAgent } from '../process/mcp-client.ts';
import { approveByKey, cardWith, goTo, lookAt } from './approval-cards.ts';
import { screenRows, startWorld, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { focused } from './looks.ts';
import { historyOf } from './people.ts';

const session = 'fix';

let world: World;
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
  ({ page } = await world.desktop());
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
    await approveByKey(page, /join/);
    const card = await cardWith(page, 'sh check.sh');
    await expect.poll(() => card.textContent()).toContain('“to find the failing test”');
    await expect.poll(() => card.getByTestId('approval-text').textContent()).toBe('sh check.sh‹Enter›');
    await expect.poll(() => card.textContent()).toMatch(/Folder.*project.*Asked by.*the default for agents/);
    await badge('waiting-approval');
    expect(await page.title()).toMatch(/^\(1\) fix/);
    await lookAt(page, 'approval');
    await approveByKey(page, 'sh check.sh');
    expect((await first).value).toMatchObject({ state: 'done', exitCode: 1 });
    await waitForScreen(page, 'FAIL sum 2 3');
    expect(await page.title()).toBe('fix – cmdop');
  });

  test('who types has control at once: what waits is withdrawn, and her Enter says yes to nothing', async () => {
    const running = run('touch by-accident', 'to see');
    await cardWith(page, 'touch by-accident');
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
    const card = await cardWith(page, 'May I?');
    await page.keyboard.type('-2-types\n');
    await waitForScreen(page, /^ann-2-types$/m);
    expect((await focused(page)).name).toBe('terminal');
    expect(await card.isVisible()).toBe(true);
    await goTo(page, 'May I?');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Space');
    expect(await card.isVisible()).toBe(true);
    await page.keyboard.press('2');
    expect((await asking).text).toContain('yes');
    await releaseControl();
  });

  test('a person edits what the agent sent, and that runs', async () => {
    const reading = run('cat sum.sh check.sh', 'to read the source');
    await goTo(page, 'cat sum.sh');
    await page.keyboard.press('e');
    const field = page.getByLabel('Run this instead of what fixer sent');
    await expect.poll(() => field.inputValue()).toBe('cat sum.sh check.sh');
    await lookAt(page, 'approval-edit');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('cat sum.sh');
    await page.keyboard.press('Enter');
    const { value } = await reading;
    expect(value.untrustedOutput).toContain('$1 - $2');
    expect(value.approval).toMatchObject({ ranInstead: 'cat sum.sh', by: 'ann' });
  });

  test('a person says no with a reason, and the agent gets it', async () => {
    const removing = run('rm sum.sh', 'to write it anew');
    await goTo(page, 'rm sum.sh');
    await page.keyboard.press('x');
    await page.keyboard.type('repair it instead');
    await page.keyboard.press('Enter');
    expect((await removing).error).toContain('repair it instead');
    await expect.poll(async () => (await focused(page)).name).toBe('terminal');
  });

  test('the fix is allowed, and the check for the whole session: it is not asked again', async () => {
    const fixing = run(`sed -i 's/\\$1 - \\$2/$1 + $2/' sum.sh`, 'the sign is wrong');
    await approveByKey(page, 'sed -i');
    expect((await fixing).value.exitCode).toBe(0);
    const checking = run('sh check.sh', 'to see that it passes');
    await goTo(page, 'sh check.sh');
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
    await lookAt(page, 'who-ran');
    await dialog.getByRole('button', { name: 'Show in history' }).click();
    await expect.poll(async () => (await focused(page)).name).toContain('sh check.sh');
    await page.keyboard.press('Control+Shift+H');
  });
});

describe('stopping', () => {
  test('one key stops every agent: what waits is dropped, what comes is refused, and everybody sees it', async () => {
    const running = run('echo never', 'to try');
    await cardWith(page, 'echo never');
    await page.keyboard.press('Control+Shift+X');
    await page.getByTestId('paused-mark').waitFor();
    expect((await running).error).toMatch(/paused/);
    await page.getByTestId('approval-card').waitFor({ state: 'hidden' });
    expect((await run('echo never', 'again')).error).toMatch(/paused/);
    await lookAt(page, 'paused');
    await page.getByTestId('resume-agents').click();
    await page.getByTestId('paused-mark').waitFor({ state: 'hidden' });
    expect((await run('sh check.sh', 'on')).value.exitCode).toBe(0);
    expect((await screenRows(page)).join('\n')).not.toContain('never');
  });
});

const run = (command: string, reason: string): Promise<Given> => agent.call('run', { session, command, reason });

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
