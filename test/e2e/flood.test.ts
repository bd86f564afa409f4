/**
 * A program that prints as fast as it can: the window stays smooth, and Ctrl-C acts at once.
 * CMDOP_FULL=1 lets it print for 60 s instead of 5, and takes the required figures on a machine that does nothing else.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorld, type World, waitForScreen } from './launch.ts';

const IS_FULL = process.env.CMDOP_FULL === '1';
const FLOOD_S = IS_FULL ? 60 : 5;
/** Each of a new flood; the median counts. */
const INTERRUPTS = IS_FULL ? 9 : 3;
/** Required on a quiet machine; beside other builds and tests a frame waits for them too. */
const REQUIRED = IS_FULL ? { framesPerSecond: 30, interruptMs: 100 } : { framesPerSecond: 15, interruptMs: 5_000 };

let world: World;
let page: Page;

beforeAll(async () => {
  world = startWorld();
  ({ page } = await world.desktop());
  await page.keyboard.press('Control+Shift+T');
  await waitForScreen(page, /^\$ $/m);
});
afterAll(() => world?.dispose());

test(`while \`yes\` prints for ${FLOOD_S} s, every second has its frames`, { timeout: (FLOOD_S + 30) * 1000 }, async () => {
  await flood();
  const frames = await framesInSeconds(page, FLOOD_S);
  console.log(`frames in each second: ${frames.join(' ')}`);
  const sorted = frames.toSorted((a, b) => a - b);
  // The slowest second counts; beside others' work, the middle one.
  expect(IS_FULL ? sorted[0] : sorted[sorted.length >> 1]).toBeGreaterThanOrEqual(REQUIRED.framesPerSecond);
  await interrupt(page);
});

test('Ctrl-C in a flood: the prompt is there at once', { timeout: 60_000 }, async () => {
  const times: number[] = [];
  for (let n = 0; n < INTERRUPTS; n++) {
    await flood();
    await framesInSeconds(page, 1);
    times.push(await interrupt(page));
  }
  console.log(`from the key to the prompt: ${times.map((ms) => ms.toFixed(0)).join(' ')} ms`);
  const middle = times.toSorted((a, b) => a - b)[INTERRUPTS >> 1];
  expect(middle).toBeLessThanOrEqual(REQUIRED.interruptMs);
});

async function flood(): Promise<void> {
  await page.keyboard.type('yes\n');
  await waitForScreen(page, /^y\ny\ny$/m);
}

/** How many frames the page draws in each of the next seconds. */
async function framesInSeconds(of: Page, seconds: number): Promise<number[]> {
  return of.evaluate(
    (count) =>
      new Promise<number[]>((resolve) => {
        const frames: number[] = Array(count).fill(0);
        const begin = performance.now();
        const draw = () => {
          const second = Math.floor((performance.now() - begin) / 1000);
          if (second >= count) return resolve(frames);
          frames[second] = (frames[second] ?? 0) + 1;
          requestAnimationFrame(draw);
        };
        requestAnimationFrame(draw);
      }),
    seconds,
  );
}

/** Presses Ctrl-C, and says how long after the key the terminal showed the prompt, milliseconds. */
async function interrupt(of: Page): Promise<number> {
  const seen = await of.evaluateHandle(() => {
    type Buffer = { baseY: number; cursorY: number; getLine(row: number): { translateToString(trim: boolean): string } | undefined };
    const element = [...document.querySelectorAll('[data-testid="terminal"]')].find((each) => each.checkVisibility());
    if (!element || !('cmdopTerminal' in element)) throw new Error('no terminal is shown');
    const { buffer } = element.cmdopTerminal as { buffer: { active: Buffer } };
    return {
      promise: new Promise<number>((resolve) => {
        const pressed = ({ key, timeStamp }: KeyboardEvent) => {
          if (key !== 'c') return;
          removeEventListener('keydown', pressed, { capture: true });
          const look = () => {
            const { active } = buffer;
            const line = active.getLine(active.baseY + active.cursorY)?.translateToString(true);
            if (line === '$ ') resolve(performance.now() - timeStamp);
            else requestAnimationFrame(look);
          };
          look();
        };
        addEventListener('keydown', pressed, { capture: true });
      }),
    };
  });
  await of.keyboard.press('Control+c');
  return seen.evaluate(({ promise }) => promise);
}
