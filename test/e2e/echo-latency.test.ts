/**
 * How long a typed character takes to be seen at 50, 150 and 300 ms of round trip, with and without prediction of the
 * echo. Measured, printed and bounded only with `CMDOP_FULL=1`.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Desktop, startWorld, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { type RemoteMachine, startRemoteMachine } from './remote-machine.ts';

const TEXT = 'the quick brown fox jumps over the lazy dog and runs';
/** A fast typist's time between keys, milliseconds. */
const EVERY_MS = 110;

describe.runIf(process.env.CMDOP_FULL === '1')('a character typed into a shell far away', () => {
  let world: World;
  let far: RemoteMachine;
  let desktop: Desktop;

  beforeAll(async () => {
    world = startWorld();
    far = await startRemoteMachine();
    Object.assign(world.env, far.env);
    desktop = await world.desktop();
    const { page } = desktop;
    await page.getByRole('button', { name: 'Add host' }).click();
    await page.keyboard.type(far.name);
    await page.keyboard.press('Enter');
    await page.getByTestId('host-key-dialog').getByRole('button', { name: 'Trust and remember' }).click();
    await page.getByRole('button', { name: `New session on ${far.name}` }).click();
    await waitForScreen(page, 'far$ ');
    await watchKeys(page);
  });
  afterAll(async () => {
    await world?.dispose();
    await far?.dispose();
  });

  test.each([50, 150, 300])('is seen at once at %i ms', async (roundTripMs) => {
    const { page } = desktop;
    far.network.setDelay(roundTripMs / 2);
    const without = await seenAfter(page, 'never');
    const withIt = await seenAfter(page, 'always');
    console.log(`round trip ${roundTripMs} ms: seen after ${figures(without)}; foretold: ${figures(withIt)}`);
    expect(median(withIt)).toBeLessThan(50);
    expect(median(without)).toBeGreaterThan(roundTripMs * 0.9);
  });
});

async function seenAfter(page: Page, choice: 'never' | 'always'): Promise<number[]> {
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type(`echo of typing: ${choice}`);
  await page.keyboard.press('Enter');
  await page.locator('.palette').waitFor({ state: 'detached' });
  await typeIntoTerminal(page, ''); // gives it the keyboard
  await page.keyboard.press('Control+C');
  await waitForScreen(page, /far\$ $/m);
  await page.keyboard.type('echo ', { delay: 400 });
  await waitForScreen(page, /far\$ echo$/m); // the link has nothing under way: each measurement begins alike
  await page.evaluate(() => Reflect.set(window, 'seenAfter', []));
  await page.keyboard.type(TEXT, { delay: EVERY_MS });
  await waitForScreen(page, TEXT);
  return await page.evaluate(() => Reflect.get(window, 'seenAfter'));
}

/** Times from each key to the first picture that shows one character more in the cursor's row, drawn over or parsed. */
async function watchKeys(page: Page): Promise<void> {
  await page.evaluate(() => {
    const pressedAt: { at: number; length: number }[] = [];
    const shownLength = (): number => {
      const terminal = document.querySelector<HTMLElement & { cmdopTerminal?: unknown }>('[data-testid="terminal"]')?.cmdopTerminal;
      if (!terminal) return 0;
      const { active } = (terminal as { buffer: { active: Buffer } }).buffer;
      const parsed = active.cursorX;
      const foretold = document.querySelectorAll('.echo-layer .foretold').length;
      return parsed + foretold;
    };
    type Buffer = { cursorX: number };
    window.addEventListener(
      'keydown',
      ({ key }) => {
        if (key.length !== 1) return;
        const last = pressedAt.at(-1);
        pressedAt.push({ at: performance.now(), length: Math.max(shownLength(), last?.length ?? 0) + 1 });
      },
      { capture: true },
    );
    const look = () => {
      const length = shownLength();
      for (let first = pressedAt[0]; first && first.length <= length; first = pressedAt[0]) {
        const seen: unknown = Reflect.get(window, 'seenAfter');
        if (Array.isArray(seen)) seen.push(performance.now() - first.at);
        pressedAt.shift();
      }
      if (length < 6) pressedAt.length = 0; // a new line
      requestAnimationFrame(look);
    };
    look();
  });
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function figures(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN)}`;
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, longest ${at(1)} ms of ${values.length} keys`;
}
