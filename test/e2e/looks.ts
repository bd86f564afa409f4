/** What can be checked of a page's looks without eyes: names, roles, contrast, and that the focus is seen. Runs in pages. */
import type { Page } from 'playwright-core';

/** Faults a screen reader's user would meet, each a sentence; empty if there is none. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const faults: string[] = [];
    const isShown = (element: Element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const describe = (element: Element) => element.outerHTML.slice(0, 140);
    const textOf = (element: Element) => (element.textContent ?? '').trim();
    const nameOf = (element: Element): string => {
      const by = element.getAttribute('aria-labelledby');
      if (by)
        return by
          .split(/\s+/)
          .map((id) => textOf(document.getElementById(id) ?? document.createElement('i')))
          .join(' ');
      const label =
        element instanceof HTMLInputElement || element instanceof HTMLSelectElement || element instanceof HTMLTextAreaElement
          ? element.labels?.[0]
          : null;
      return element.getAttribute('aria-label') || (label ? textOf(label) : '') || textOf(element);
    };
    for (const element of document.querySelectorAll(
      'button, a[href], input, select, textarea, [role=tab], [role=dialog], [role=img], [role=tabpanel]',
    )) {
      if (isShown(element) && nameOf(element) === '') faults.push(`without a name: ${describe(element)}`);
    }
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    for (const id of new Set(ids.filter((each, i) => ids.indexOf(each) !== i))) faults.push(`the id ${id} is there twice`);
    for (const attribute of ['aria-controls', 'aria-labelledby', 'aria-describedby', 'aria-activedescendant']) {
      for (const element of document.querySelectorAll(`[${attribute}]`)) {
        for (const id of (element.getAttribute(attribute) ?? '').split(/\s+/)) {
          if (isShown(element) && id && !document.getElementById(id))
            faults.push(`${attribute} of ${describe(element)} names ${id}, which is not there`);
        }
      }
    }
    // An open dialog or menu hides everything else, and keeps the focus.
    const isModal = document.querySelector('[role=dialog], [role=alertdialog], [role=menu]') !== null;
    for (const element of document.querySelectorAll('[aria-hidden=true] button, [aria-hidden=true] a, [aria-hidden=true] input')) {
      if (!isModal && isShown(element) && !element.closest('.xterm')) faults.push(`can be reached but is hidden: ${describe(element)}`);
    }
    for (const role of ['main', 'nav', 'footer']) if (document.querySelectorAll(role).length !== 1) faults.push(`there is not one ${role}`);
    return faults;
  });
}

/** Texts whose contrast with what is behind them is below what WCAG AA asks, each with its ratio. */
export async function contrastFaults(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    type Color = [number, number, number, number];
    const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    const colorOf = (text: string): Color => {
      if (!canvas) return [0, 0, 0, 1];
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      const [r = 0, g = 0, b = 0, a = 0] = canvas.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = ([r, g, b, a]: Color, [R, G, B]: Color): Color => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
    const behind = (element: Element | null): Color => {
      if (!element) return colorOf(getComputedStyle(document.documentElement).colorScheme === 'dark' ? 'black' : 'white');
      const color = colorOf(getComputedStyle(element).backgroundColor);
      return color[3] === 1 ? color : over(color, behind(element.parentElement));
    };
    const light = ([r, g, b]: Color): number => {
      const [R = 0, G = 0, B = 0] = [r, g, b].map((each) =>
        each / 255 <= 0.03928 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * R + 0.7152 * G + 0.0722 * B;
    };
    const faults = new Set<string>();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const element = node.parentElement;
      const text = node.textContent?.trim();
      if (
        !element ||
        !text ||
        element.closest('.xterm, .hidden-text, [disabled], option') ||
        !element.checkVisibility({ opacityProperty: true })
      )
        continue;
      const back = behind(element);
      const front = over(colorOf(getComputedStyle(element).color), back);
      const [more, less] = [light(front), light(back)].sort((a, b) => b - a);
      const ratio = ((more ?? 0) + 0.05) / ((less ?? 0) + 0.05);
      if (ratio < 4.5) faults.add(`${ratio.toFixed(2)}: ${JSON.stringify(text.slice(0, 40))} (${element.className})`);
    }
    return [...faults];
  });
}

/** What has the focus, and whether that is seen: an outline, a shadow, a border or a terminal's cursor. */
export async function focused(page: Page): Promise<{ name: string; isSeen: boolean }> {
  return await page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return { name: 'nothing', isSeen: false };
    if (element.classList.contains('xterm-helper-textarea'))
      return { name: 'terminal', isSeen: element.closest('.xterm')?.classList.contains('focus') ?? false };
    const { outlineStyle, outlineWidth, boxShadow, borderColor } = getComputedStyle(element);
    const hasOutline = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) > 0;
    if (element instanceof HTMLElement) element.blur();
    const withoutBorder = getComputedStyle(element).borderColor;
    if (element instanceof HTMLElement) element.focus({ preventScroll: true });
    const name = element.getAttribute('aria-label') || element.textContent?.trim() || element.tagName;
    return { name, isSeen: hasOutline || boxShadow !== 'none' || borderColor !== withoutBorder };
  });
}
