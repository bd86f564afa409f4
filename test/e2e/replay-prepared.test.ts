/** A replay of a session that kept no screens, as older hosts left them: any place is soon as it was, and until then said to be a guess. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { generateMonth } from '../bench/month.ts';
import { newTerminal } from '../contract/terminals.ts';
import { startWorld, takePicture, type World } from './launch.ts';
import { connectEngine } from './people.ts';

/** Of its output: a guess begins 1 MB back. */
const OUTPUT_BYTES = 24e6;

let world: World;
let page: Page;
beforeAll(async () => {
  world = startWorld();
  const lines = Array.from({ length: 2_000 }, (_, n) => `line \x1b[3${n % 8}m${n}\x1b[m of a long build\r\n`).join('');
  await generateMonth(world.home, { sessions: 2, outputBytes: OUTPUT_BYTES, commands: 2_000, actors: 3 }, Buffer.from(lines), () => {});
  ({ page } = await world.desktop());
});
afterAll(() => world?.dispose());

test('a seek far into it is a guess with its progress, and then exact, cell for cell', async () => {
  const replay = page.getByTestId('replay');
  const note = replay.locator('.replay-buttons output.dim');
  await page.getByTestId('session-row').filter({ hasText: 'session-1' }).getByRole('button').first().click();
  await page.getByRole('button', { name: 'Replay', exact: true }).click();
  await replay.locator('[data-state="paused"]').waitFor();
  const begun = performance.now();
  await page.keyboard.press('End');
  await replay.locator('[data-state="paused"]').waitFor();
  const shownAfter = performance.now() - begun;
  const said = await note.allTextContents();
  if (said.length > 0) await takePicture(page, 'replay-guess');
  await expect.poll(() => note.count()).toBe(0);
  process.stdout.write(
    `shown after ${shownAfter.toFixed(0)} ms (${said.join('')}), exact after ${(performance.now() - begun).toFixed(0)} ms\n`,
  );
  for (const text of said) expect(text).toMatch(/^A guess, until its screens are made: \d+ %$/);

  const client = await connectEngine(world, 'reader');
  const { session } = await client.request('session.inspect', { session: 'session-1' });
  const exact = newTerminal(session.size);
  for (let from = 0; from < session.outputEnd; ) {
    const read = await client.request('output.read', { session: 'session-1', from: from as Offset, max: 512 * 1024 });
    exact.write(Buffer.from(read.bytes, 'base64'));
    from = read.to;
  }
  client.close();
  const { active } = exact.terminal.buffer;
  const rows = Array.from({ length: session.size.rows }, (_, row) => active.getLine(active.baseY + row)?.translateToString(true));
  await expect.poll(() => page.getByTestId('replay-terminal').evaluate(rowsOf)).toEqual(rows);
});

function rowsOf(element: HTMLElement): string[] {
  if (!('cmdopTerminal' in element)) return [];
  type Line = { translateToString(trim: boolean): string };
  const { buffer, rows } = element.cmdopTerminal as {
    rows: number;
    buffer: { active: { baseY: number; getLine(row: number): Line | undefined } };
  };
  return Array.from({ length: rows }, (_, row) => buffer.active.getLine(buffer.active.baseY + row)?.translateToString(true) ?? '');
}
