/** Sessions outlive the window and the host: nothing is lost, nothing is doubled, and the window says what happens. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { readShown, shownIn } from './cells.ts';
import {
  appearance,
  type Desktop,
  numberedSteps,
  startWorld,
  tabNames,
  typeIntoTerminal,
  type World,
  waitForScreen,
  whenConnected,
} from './launch.ts';
import { connectEngine, historyOf, mirrorSession } from './people.ts';

/** Colours of all three kinds, attributes, wide, combining and joined characters, drawn by vim on the alternate screen. */
const PAINTING = [
  String.raw`\033[1;31mred \033[0;3;38;5;208morange\033[0m \033[38;2;20;180;90;4mgreen\033[0m \033[7minverse\033[0m`,
  String.raw`wide 漢字かな, combining e\u0301 n\u0303, emoji 🚀 👩‍💻, box ┌─┐, \033[9mstruck\033[0m`,
].join(String.raw`\n`);

describe('a window that is closed and opened again', () => {
  let world: World;
  let first: Desktop;
  let second: Desktop;

  beforeAll(async () => {
    world = startWorld();
    first = await world.desktop();
    await first.page.keyboard.press('Control+Shift+T');
    await waitForScreen(first.page, '$ ');
  });
  afterAll(() => world.dispose());

  test('leaves its programs running', async () => {
    await world.cmdop('rename', await tabNames(first.page).then(([name]) => name ?? ''), 'counter');
    await typeIntoTerminal(first.page, `sh -c 'i=0; while :; do i=$((i + 1)); echo "count $i"; sleep 0.05; done'\n`);
    await waitForScreen(first.page, /count 5$/m);
    await world.cmdop('new', 'painting', '--detach', '--cwd', world.home);
    await first.page.getByTestId('session-row').filter({ hasText: 'painting' }).getByRole('button').click();
    await waitForScreen(first.page, '$ ');
    await typeIntoTerminal(first.page, `clear; printf '${PAINTING}\\n'\n`);
    await waitForScreen(first.page, /struck/);
    await first.app.close();

    const then = lastCount(await world.cmdop('screen', 'counter'));
    await expect.poll(async () => lastCount(await world.cmdop('screen', 'counter'))).toBeGreaterThan(then + 5);
  });

  test('finds its tabs again, in order, and the one in front', async () => {
    second = await world.desktop();
    await waitForScreen(second.page, /struck/);
    expect(await tabNames(second.page)).toEqual(['counter', 'painting']);
    await expect.poll(() => second.page.getByRole('tab', { selected: true }).textContent()).toBe('painting');
  });

  test('shows what the host has, cell for cell', async () => {
    await expectSameAsHost('painting');
    await second.page.keyboard.press('Control+Shift+Tab');
    await second.page.keyboard.press('Control+C');
    await waitForScreen(second.page, /\^C[\s\S]*\$ $/m);
    await expectSameAsHost('counter');
  });

  async function expectSameAsHost(session: string): Promise<void> {
    const engine = await connectEngine(world, 'witness');
    try {
      const { outputEnd } = (await engine.request('session.inspect', { session })).session;
      const mirror = mirrorSession(engine, session);
      await mirror.parsedUpTo(outputEnd);
      const ofHost = readShown({ cmdopTerminal: mirror.terminal }, 50);
      await expect.poll(() => shownIn(second.page, 50)).toEqual(ofHost);
      const told = await engine.request('session.screen', { session });
      expect(told.lines.join('\n').trimEnd()).toBe(mirror.screenText());
    } finally {
      engine.close();
    }
  }
});

describe('a host that is killed while a build prints', () => {
  let world: World;
  let desktop: Desktop;
  /** Lines of the build: fewer than the window keeps, more than a second's worth. */
  const STEPS = 4_000;

  beforeAll(async () => {
    world = startWorld();
    await world.cmdop('new', 'build', '--detach', '--cwd', world.home);
    desktop = await world.desktop();
    await desktop.page.getByTestId('session-row').getByRole('button').click();
    await waitForScreen(desktop.page, '$ ');
    const pid = await world.hostPid();
    if (pid === null) throw new Error('no host runs');
    const banner = appearance(desktop.page, 'offline-banner');
    await typeIntoTerminal(
      desktop.page,
      `for i in $(seq ${STEPS}); do echo "step $i of ${STEPS}"; ((i % 40)) || sleep 0.02; done; echo 'all is 'built\n`,
    );
    await waitForScreen(desktop.page, /step \d{3} of/);
    process.kill(pid, 'SIGKILL');
    await banner;
  });
  afterAll(() => world.dispose());

  test('is missed by the window, which says so and comes back by itself', async () => {
    await desktop.page.getByTestId('offline-banner').waitFor({ state: 'hidden' });
    await waitForScreen(desktop.page, /^all is built$/m);
    expect(await world.hostPid()).not.toBeNull();
  });

  test('costs no line and repeats none, in the window and in the record', async () => {
    const wanted = Array.from({ length: STEPS }, (_, i) => i + 1);
    const shown = await shownIn(desktop.page, STEPS + 100);
    expect(numberedSteps(shown.rows.join('\n'))).toEqual(wanted);
    expect(numberedSteps(await recordOf('build'))).toEqual(wanted);
  });

  test('does not stop what was typed before from being the last word', async () => {
    await typeIntoTerminal(desktop.page, "echo 'goes 'on\n");
    await waitForScreen(desktop.page, /^goes on$/m);
  });

  test('costs no author: a line that was half typed when it died names both who typed it', async () => {
    await typeIntoTerminal(desktop.page, 'echo half-');
    await waitForScreen(desktop.page, /\$ echo half-$/m);
    const banner = appearance(desktop.page, 'offline-banner');
    process.kill((await world.hostPid()) ?? Number.NaN, 'SIGKILL');
    await banner;
    await whenConnected(desktop.page);
    await desktop.page.getByRole('button', { name: 'Release', exact: true }).click();
    await desktop.page.getByTestId('control-bar').getByText('Nobody has control').waitFor();
    await world.cmdop('--as', 'ben', 'send', 'build', 'typed', '--enter');
    await waitForScreen(desktop.page, /^half-typed$/m);
    const command = (await historyOf(world, 'build')).at(-1);
    expect(command).toMatchObject({ text: 'echo half-typed', submitter: { name: 'ben' } });
    expect(command?.authors.map(({ name }) => name)).toEqual(['ann', 'ben']);
  });

  async function recordOf(session: string): Promise<string> {
    const engine = await connectEngine(world, 'witness');
    try {
      const parts: Buffer[] = [];
      for (let from = 0; ; ) {
        const { to, end, bytes } = await engine.request('output.read', { session, from: from as Offset });
        parts.push(Buffer.from(bytes, 'base64'));
        if (to >= end) return Buffer.concat(parts).toString();
        from = to;
      }
    } finally {
      engine.close();
    }
  }
});

describe('a host that stands still', () => {
  let world: World;
  let host: number | null = null;

  beforeAll(() => {
    world = startWorld();
  });
  afterAll(async () => {
    if (host !== null) process.kill(host, 'SIGCONT');
    await world.dispose();
  });

  test('does not stop who types alone, and has it all in its record afterwards', async () => {
    await world.cmdop('new', 'alone', '--detach', '--cwd', world.home);
    const { page } = await world.desktop();
    await page.getByTestId('session-row').getByRole('button').click();
    await waitForScreen(page, '$ ');
    // As a person types: each key was seen before the next.
    await page.locator('[data-testid="terminal"]:visible').first().click();
    await page.keyboard.type("echo be''fore\n", { delay: 30 });
    await waitForScreen(page, /^before$/m);
    host = await world.hostPid();
    process.kill(host ?? Number.NaN, 'SIGSTOP');
    await page.keyboard.type("echo mean''while\n", { delay: 30 });
    await waitForScreen(page, /^meanwhile$/m);
    process.kill(host ?? Number.NaN, 'SIGCONT');
    await expect.poll(async () => (await historyOf(world, 'alone')).map(({ text }) => text)).toEqual(["echo be''fore", "echo mean''while"]);
    const [, command] = await historyOf(world, 'alone');
    expect([command?.submitter?.name, command?.authors.map(({ name }) => name)]).toEqual(['ann', ['ann']]);
    await page.getByTestId('control-bar').getByText('You have control').waitFor();
  });
});

describe('a host that begins while a keeper stands still', () => {
  let world: World;
  let keeper: number | null = null;

  beforeAll(() => {
    world = startWorld();
  });
  afterAll(async () => {
    if (keeper !== null) process.kill(keeper, 'SIGCONT');
    await world.dispose();
  });

  test('keeps the tab of its session, says why nothing comes, and goes on with what was typed meanwhile', async () => {
    await world.cmdop('new', 'slow', '--detach', '--cwd', world.home);
    const { page } = await world.desktop();
    const row = page.getByTestId('session-row').filter({ hasText: 'slow' });
    await row.getByRole('button').click();
    await waitForScreen(page, '$ ');
    await typeIntoTerminal(page, "echo be''fore\n");
    await waitForScreen(page, /^before$/m);
    ({ keeperPid: keeper } = JSON.parse(await world.cmdop('inspect', 'slow', '--json')) as { keeperPid: number });
    process.kill(keeper, 'SIGSTOP');
    process.kill((await world.hostPid()) ?? Number.NaN, 'SIGKILL');
    await page.getByTestId('control-bar').getByText('slow goes on, but its keeper does not answer').waitFor();
    await row.getByText('its keeper does not answer').waitFor();
    expect(await tabNames(page)).toEqual(['slow']);
    await page.keyboard.type("echo af''ter\n");
    process.kill(keeper, 'SIGCONT');
    await waitForScreen(page, /^before\n[\s\S]*^after$/m);
    await page.getByTestId('control-bar').getByText('You have control').waitFor();
    await row.getByText('its keeper does not answer').waitFor({ state: 'hidden' });
  });
});

const lastCount = (screen: string): number => Number([...screen.matchAll(/^count (\d+)$/gm)].at(-1)?.[1] ?? 0);
