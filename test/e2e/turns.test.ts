/** Who may type: one at a time, seen by all, and taken over by a key; an observer never. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Epoch, Seq } from '#protocol/ids.ts';
import type { TestTerminal } from '../process/test-terminal.ts';
import { type Desktop, startWorld, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { atTerminal, connectByHand, journalOf } from './people.ts';

/** The key that takes control at a terminal: Ctrl-^. */
const TAKE_KEY = '\x1e';

let world: World;
let desktop: Desktop;
let page: Page;

beforeAll(async () => {
  world = startWorld();
  await world.cmdop('new', 'work', '--detach', '--cwd', world.home);
  desktop = await world.desktop();
  ({ page } = desktop);
  await page.getByTestId('session-row').getByRole('button').click();
  await waitForScreen(page, /^\$ /m);
});
afterAll(() => world?.dispose());

describe('turns', () => {
  let ben: TestTerminal;
  let stopTyping: () => Promise<void> = async () => {};

  beforeEach(async () => {
    ben = atTerminal(world, ['--as', 'ben', 'attach', 'work']);
    await ben.until(/^\$/m);
  });
  afterEach(async () => {
    await stopTyping();
    ben.dispose();
    await page.keyboard.press('Control+C');
  });

  test('while ann types, ben is refused, and told who has control and which key takes it', async () => {
    stopTyping = keepTyping(page);
    await ben.until('x');
    ben.type('ben-was-here');
    await ben.until('ann has control: not typed; Ctrl-^ takes control');
    await stopTyping();
    expect((await waitForScreen(page, '$ ')).join('\n')).not.toContain('ben-was-here');
    const refused = (await journalOf(world, 'work')).filter(({ kind, actorName }) => kind === 'refused' || actorName === 'ben');
    expect(refused.filter(({ kind }) => kind === 'input')).toEqual([]);
  });

  test('his key takes control at once, and her window says who has it', async () => {
    stopTyping = keepTyping(page);
    await ben.until('x');
    ben.type(TAKE_KEY);
    await page.getByTestId('control-bar').getByText('ben').first().waitFor();
    await stopTyping();
    await expect.poll(() => controlOf(page)).toBe('other');
    await page.locator('[data-testid="actor-row"][data-control="true"]').filter({ hasText: 'ben' }).waitFor();
    ben.type('\x15echo took-'); // Ctrl-U: what ann had begun
    ben.type('over\r');
    await waitForScreen(page, /^took-over$/m);
  });

  test('what she types then is not typed, and the window says why and what to press', async () => {
    ben.type(TAKE_KEY);
    await expect.poll(() => controlOf(page)).toBe('other');
    ben.type('\x15');
    await typeIntoTerminal(page, 'z');
    const alert = page.getByTestId('control-bar').getByRole('alert');
    await expect.poll(() => alert.textContent()).toMatch(/^(ben is typing|not typed: ben)/);
    await page
      .getByTestId('control-bar')
      .getByRole('button', { name: /^Take control.*Ctrl\+Shift\+Enter/ })
      .waitFor();
    expect(ben.text()).not.toMatch(/\$ z/);
  });

  test('her key and the button give and take it back', async () => {
    ben.type(TAKE_KEY);
    await expect.poll(() => controlOf(page)).toBe('other');
    await page.keyboard.press('Control+Shift+Enter');
    await expect.poll(() => controlOf(page)).toBe('mine');
    await page.getByTestId('control-bar').getByText('You have control').waitFor();
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => controlOf(page)).toBe('none');
    await page.getByTestId('control-bar').getByText('Nobody has control').waitFor();
    ben.type('echo free-to-');
    ben.type('type\r');
    await waitForScreen(page, /^free-to-type$/m);
    await expect.poll(() => controlOf(page)).toBe('other');
    await page.getByRole('button', { name: 'Take control' }).click();
    await expect.poll(() => controlOf(page)).toBe('mine');
    await page.keyboard.type('echo mine-again\n'); // the terminal has the focus again
    await waitForScreen(page, /^mine-again$/m);
  });

  test('every change of hands is in the journal, with who did it', async () => {
    const moves = (await journalOf(world, 'work')).filter(({ kind }) => kind === 'control');
    expect(moves.some(({ actorName, payload }) => actorName === 'ben' && payload.by === 'take-over')).toBe(true);
    expect(moves.some(({ actorName, payload }) => actorName === 'ann' && payload.by === 'release')).toBe(true);
    const epochs = moves.map(({ payload }) => Number(payload.epoch));
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
  });
});

describe('an observer', () => {
  test('at a terminal types, and nothing reaches the program', async () => {
    const olga = atTerminal(world, ['--as', 'olga', 'attach', 'work', '--observe']);
    try {
      await olga.until(/^\$/m);
      await page.getByTestId('actor-row').filter({ hasText: 'olga' }).getByText('observer').waitFor();
      olga.type('echo olga-was-here\r');
      await olga.until('nothing you type reaches work');
      await typeIntoTerminal(page, 'echo ann-was-here\n');
      await olga.until(/^ann-was-here/m);
      expect(await world.cmdop('screen', 'work')).not.toContain('olga-was-here');
    } finally {
      olga.dispose();
    }
  });

  test('who sends input by hand is refused by the host, and the journal says so', async () => {
    const { connection, nextEvent } = await connectByHand(world, 'oscar');
    try {
      const { channel, control, role } = await connection.request('session.attach', { session: 'work', role: 'observer' });
      expect(role).toBe('observer');
      const bytes = new TextEncoder().encode('echo oscar-was-here\r');
      // Under every epoch that could be right.
      connection.sendInput(channel, { seq: 1 as Seq, epoch: control.epoch, bytes });
      connection.sendInput(channel, { seq: 2 as Seq, epoch: (control.epoch + 1) as Epoch, bytes });
      expect(await nextEvent('input.refused')).toMatchObject({ params: { seq: 1, reason: 'observer' } });
      expect(await nextEvent('input.refused')).toMatchObject({ params: { seq: 2 } });
      await expect(connection.request('control.take', { channel, force: true })).rejects.toMatchObject({ code: 'observer' });
    } finally {
      connection.close();
    }
    await typeIntoTerminal(page, 'echo still-ann\n');
    await waitForScreen(page, /^still-ann$/m);
    expect(await world.cmdop('screen', 'work')).not.toContain('oscar-was-here');
    const his = (await journalOf(world, 'work')).filter(({ actorName }) => actorName === 'oscar');
    expect(his.map(({ kind }) => kind)).toEqual(['attach', 'refused', 'refused', 'detach']);
    expect(his[1]?.payload).toMatchObject({ reason: 'observer', bytes: 20 });
  });

  test("has a window of another size, and nobody's terminal changes", async () => {
    const before = await page.getByTestId('status-bar').getByTitle("Size of the session's terminal").textContent();
    const olga = atTerminal(world, ['--as', 'olga', 'attach', 'work', '--observe'], { cols: 60, rows: 12 });
    try {
      await olga.until('the size');
      const { session } = JSON.parse(await world.cmdop('inspect', 'work', '--json'));
      expect(`${session.size.cols}×${session.size.rows}`).toBe(before);
    } finally {
      olga.dispose();
    }
  });
});

/** Types on and on, as somebody who is at it, until the returned function is called. */
function keepTyping(window: Page): () => Promise<void> {
  let isOn = true;
  const typing = (async () => {
    await typeIntoTerminal(window, '');
    while (isOn) {
      await window.keyboard.press('x', { delay: 20 });
      await window.keyboard.press('Backspace', { delay: 20 });
    }
  })();
  return async () => {
    isOn = false;
    await typing;
  };
}

const controlOf = (window: Page) => window.getByTestId('control-bar').getAttribute('data-control');
