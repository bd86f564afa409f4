/**
 * The history of a month in the window: it scrolls to any place as one scrolls a short list. `CMDOP_FULL=1`: 100 000 commands,
 * and every frame is measured, beside the same window idle.
 */
import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateMonth } from '../bench/month.ts';
import { percentile } from '../bench/statistics.ts';
import { startWorld, takePicture, type World } from './launch.ts';

const isFull = process.env.CMDOP_FULL === '1';
const COMMANDS = isFull ? 100_000 : 8_000;
const SESSIONS = isFull ? 200 : 4;

let world: World;
let page: Page;
let devtools: CDPSession;
const rows = () => page.getByTestId('history-row');
const list = () => page.locator('.history-list');

beforeAll(async () => {
  world = startWorld();
  const plan = { sessions: SESSIONS, outputBytes: COMMANDS * 200, commands: COMMANDS, actors: 12 };
  await generateMonth(world.home, plan, Buffer.alloc(4096, 'a line of a log\r\n'), () => {});
  ({ page } = await world.desktop());
  devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  if ((await list().count()) === 0) await page.keyboard.press('Control+Shift+H');
  await rows().first().waitFor();
}, 180_000);
afterAll(() => world?.dispose());

/** Numbers of the commands that are seen, as their texts tell; every row that is seen has one. */
async function seen(): Promise<number[]> {
  const texts = await list().evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return [...element.querySelectorAll('.history-row')].flatMap((row) => {
      const box = row.getBoundingClientRect();
      return box.bottom > top && box.top < bottom ? [row.querySelector('code')?.textContent ?? 'a row without a command'] : [];
    });
  });
  return texts.map((text) => Number.parseInt(/--id=(\w+)$/.exec(text)?.[1] ?? '', 36)).sort((a, b) => a - b);
}

/** They follow each other, without a gap and without a row that waits. */
async function settledAt(first: number): Promise<void> {
  await expect.poll(async () => (await seen())[0]).toBe(first);
  await expect.poll(async () => (await seen()).every((number, at) => number === first + at)).toBe(true);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

test('it begins at the newest; Home shows the oldest command soon, End the newest, and anything between', async () => {
  await expect.poll(async () => (await seen()).at(-1)).toBe(COMMANDS - 1);
  await takePicture(page, 'history-month');
  await rows().last().getByRole('button').focus();
  const [oldest, newest] = [
    await timed(async () => {
      await page.keyboard.press('Home');
      await settledAt(0);
    }),
    await timed(async () => {
      await page.keyboard.press('End');
      await expect.poll(async () => (await seen()).at(-1)).toBe(COMMANDS - 1);
    }),
  ];
  process.stdout.write(`of ${COMMANDS} commands: the oldest after ${oldest.toFixed(0)} ms, the newest after ${newest.toFixed(0)}\n`);
  expect(oldest).toBeLessThan(2_000);
  const middle = Math.floor(COMMANDS / 2);
  await list().evaluate((element, row) => {
    element.scrollTop = row * 46;
  }, middle);
  await settledAt(middle);
});

test('pages and wheel go through it without a blank row, once it stands', async () => {
  for (const key of ['PageUp', 'PageUp', 'PageDown']) await page.keyboard.press(key);
  const [first = Number.NaN] = await seen();
  await settledAt(first);
  const box = await list().boundingBox();
  if (box) await page.mouse.move(box.x + 50, box.y + 100);
  for (let turn = 0; turn < 30; turn++) await page.mouse.wheel(0, -460);
  await expect.poll(async () => (await seen())[0]).toBeLessThan(first - 200);
  const [now = Number.NaN] = await seen();
  await settledAt(now);
});

test('a filter shows what fits, from its newest on', async () => {
  const last = COMMANDS - 1;
  await page.getByLabel('Part of the command').fill(`--ID=${last.toString(36)}`);
  await expect.poll(seen).toEqual([last]);
  await page.getByLabel('Part of the command').fill('never typed by anyone');
  await page.getByText('No command fits').waitFor();
  await page.getByLabel('Part of the command').fill('');
  await expect.poll(async () => (await seen()).length).toBeGreaterThan(5);
});

test.runIf(isFull)('every frame is in time while it scrolls', { timeout: 120_000 }, async () => {
  const idle = await frames(3_000, async () => {});
  await page.keyboard.press('End');
  const box = await list().boundingBox();
  if (box) await page.mouse.move(box.x + 50, box.y + 100);
  const wheel = await frames(6_000, async () => await page.mouse.wheel(0, -300));
  const pages = await frames(6_000, async () => {
    await list().focus();
    await page.keyboard.press('PageUp');
  });
  const dragged = await frames(6_000, async () => {
    await list().evaluate((element) => {
      element.scrollTop = ((element.scrollTop + element.scrollHeight * 0.0137) % element.scrollHeight) - element.clientHeight;
    });
  });
  for (const [what, { p50, p95, longest, perSecond, busyMs }] of Object.entries({ idle, wheel, pages, dragged })) {
    const figures = [p50, p95, longest].map((each) => each.toFixed(1)).join(' ');
    process.stdout.write(
      `frames, ${what}: ${perSecond.toFixed(1)} a second; ms p50, p95, longest: ${figures}; of work: ${busyMs.toFixed(1)}\n`,
    );
  }
});

/** What the page's thread has worked so far, seconds. */
async function worked(): Promise<number> {
  const { metrics } = await devtools.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
}

/** Times between frames while `act` is done again and again. */
async function frames(durationMs: number, act: () => Promise<void>) {
  const measured = page.evaluate(
    (ms) =>
      new Promise<number[]>((resolve) => {
        const times: number[] = [];
        const begun = performance.now();
        const frame = (at: number) => {
          times.push(at);
          if (performance.now() - begun < ms) requestAnimationFrame(frame);
          else resolve(times);
        };
        requestAnimationFrame(frame);
      }),
    durationMs,
  );
  const before = await worked();
  let isOver = false;
  void measured.then(() => {
    isOver = true;
  });
  while (!isOver) {
    await act();
    await new Promise((resolve) => setTimeout(resolve, 16)); // one a frame, as a wheel that turns
  }
  const times = await measured;
  const busyMs = (((await worked()) - before) * 1000) / times.length;
  const between = times.slice(1).map((at, index) => at - (times[index] ?? at));
  const total = between.reduce((sum, each) => sum + each, 0);
  between.sort((a, b) => a - b);
  return {
    p50: percentile(between, 50),
    p95: percentile(between, 95),
    longest: between.at(-1) ?? 0,
    perSecond: (between.length / total) * 1000,
    /** Work of the page's thread for each frame: what counts where other work delays them all. */
    busyMs,
  };
}
