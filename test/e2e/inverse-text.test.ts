/** Inverse text where no graphics card draws the terminal: what is drawn on the inverse has the background's colour. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Desktop, startWorld, typeIntoTerminal, type World, waitForScreen } from './launch.ts';

let world: World;
let desktop: Desktop;
beforeAll(async () => {
  world = startWorld();
  desktop = await world.desktop();
  await desktop.page.keyboard.press('Control+Shift+T');
  await waitForScreen(desktop.page, '$ ');
  await typeIntoTerminal(desktop.page, `${String.raw`printf '\033[7m<inverse>\033[0m \033[7;31m<on red>\033[0m \033[m<plain>\n'`}\n`);
  await waitForScreen(desktop.page, /^<inverse> <on red> <plain>$/m);
});
afterAll(() => world?.dispose());

test.each(['light', 'dark'] as const)('%s', async (scheme) => {
  const { page } = desktop;
  await page.emulateMedia({ colorScheme: scheme });
  const colors = () =>
    page.evaluate(() => {
      const spans = [...document.querySelectorAll<HTMLElement>('.xterm-rows span')];
      return ['<inverse>', '<on red>', '<plain>'].map((text) => {
        const found = spans.find((span) => span.textContent?.trim() === text);
        return found && { text: getComputedStyle(found).color, on: getComputedStyle(found).backgroundColor };
      });
    });
  const isDrawnInDom = await page.evaluate(() => document.querySelector('.xterm-rows span') !== null);
  if (!isDrawnInDom) return; // a graphics card draws it
  const background = scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(16, 17, 20)';
  await expect.poll(async () => (await colors())[0]?.text).toBe(background);
  const [inverse, onRed, plain] = await colors();
  expect(inverse?.on).toBe(plain?.text);
  expect(onRed?.text).toBe(background);
});
