/** Cards of approvals in a window, as a person meets them: found by their text, gone to and answered by keys. */
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { takePicture } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';

/** The card that is about this text, over the terminal or in the panel. */
export async function cardWith(page: Page, text: string | RegExp): Promise<Locator> {
  const card = page.locator('[data-approval-card]').filter({ hasText: text });
  await card.waitFor();
  return card;
}

/** Gives the card the keyboard, by its key, once it takes answers. */
export async function goTo(page: Page, text: string | RegExp): Promise<void> {
  const card = await cardWith(page, text);
  await page.keyboard.press('Control+Shift+Y');
  await expect
    .poll(() => card.evaluate((element) => element === document.activeElement && element.getAttribute('data-armed')))
    .toBe('true');
}

export async function approveByKey(page: Page, text: string | RegExp): Promise<void> {
  await goTo(page, text);
  await page.keyboard.press('a');
}

/** As the window is now, in both schemes: pictures, names, contrast. */
export async function lookAt(page: Page, name: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-scheme="${scheme}"]`).waitFor();
    await takePicture(page, `agents-${name}-${scheme}`);
    expect.soft(await contrastFaults(page), `${name}, ${scheme}`).toEqual([]);
    expect.soft(await accessibilityFaults(page), `${name}, ${scheme}`).toEqual([]);
  }
}
