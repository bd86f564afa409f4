/** Files in the window: looking around, viewing, saving, uploading by choice and by drop, in the app and in a browser. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ElectronApplication, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Desktop, projectDir, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';

const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let world: World;
/** Another machine, for all the window knows. */
let far: World;
let desktop: Desktop;
let work = '';
let elsewhere = '';
beforeAll(async () => {
  world = startWorld();
  far = startWorld();
  work = join(world.home, 'api');
  elsewhere = join(world.home, 'elsewhere');
  for (const folder of [work, join(work, 'src'), elsewhere]) mkdirSync(folder);
  writeFileSync(join(work, 'notes.txt'), 'first line\nsecond line, with \u202egnihtyna\u202c in it\n');
  writeFileSync(join(work, 'photo.png'), PIXEL);
  writeFileSync(join(work, 'data.bin'), Buffer.from([0, 1, 2, 250, 251]));
  writeFileSync(join(work, 'invoice\u202efdp.exe'), 'x');
  writeFileSync(join(work, '.hidden'), 'x');
  writeFileSync(join(work, 'src', 'main.ts'), 'export {};\n');
  await world.cmdop('new', 'api', '--detach', '--cwd', work);
  desktop = await world.desktop();
});
afterAll(async () => {
  await world?.dispose(); // first: the window would start a host over there again
  await far?.dispose();
});

const rows = (page: Page) => page.locator('.file-name').allTextContents();
const row = (page: Page, name: string) => page.getByTestId('file-row').filter({ hasText: name });
const openApi = async (page: Page) => {
  await page.getByTestId('session-row').filter({ hasText: 'api' }).locator('.session-open').click();
  await waitForScreen(page, '$ ');
  await page.keyboard.press('Control+Shift+E');
  await row(page, 'notes.txt').waitFor();
};
/** The system drags files of the disk onto the element. */
const drag = async (page: Page, selector: string, files: readonly string[]) => {
  const box = await page.locator(selector).first().boundingBox();
  if (!box) throw new Error(`${selector} is not there`);
  const cdp = await page.context().newCDPSession(page);
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2, data: { items: [], files: [...files], dragOperationsMask: 1 } };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await cdp.send('Input.dispatchDragEvent', { type, ...at });
  await cdp.detach();
};
/** However a terminal breaks it into rows. */
const wrapped = (text: string) => {
  const characters = [...text].map((character) => (character === ' ' ? '\\s+' : character.replace(/[$.()[\]{}+*?|^\\]/, '\\$&')));
  return new RegExp(characters.join('\\n?'));
};
/** Saves without a dialog, to `path`. */
const saveTo = (app: ElectronApplication, path: string) =>
  app.evaluate(({ session }, to) => {
    session.defaultSession.once('will-download', (_event, item) => item.setSavePath(to));
  }, path);
const whenSaved = async (page: Page, path: string, size: number) => {
  while (!existsSync(path) || readFileSync(path).length < size)
    await page.evaluate(() => new Promise((painted) => requestAnimationFrame(painted)));
};

test('the app shows, views, saves and takes files', async () => {
  const { app, page } = desktop;
  await openApi(page);
  expect(await rows(page)).toEqual(['src', 'data.bin', 'invoice‹U+202E›fdp.exe', 'notes.txt', 'photo.png']);
  await takePicture(page, 'files-panel');
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(await contrastFaults(page)).toEqual([]);

  await page.getByRole('button', { name: 'Show hidden files' }).click();
  await row(page, '.hidden').waitFor();
  await page.getByRole('button', { name: 'Leave out hidden files' }).click();

  // By keyboard alone: into a folder, and back.
  await row(page, 'src').locator('.file-open').focus();
  await page.keyboard.press('Enter');
  await row(page, 'main.ts').waitFor();
  await row(page, 'main.ts').locator('.file-open').focus();
  await page.keyboard.press('Backspace');
  await row(page, 'notes.txt').waitFor();

  await row(page, 'notes.txt').locator('.file-open').click();
  const text = page.getByTestId('file-text');
  expect(await text.textContent()).toBe('first line\nsecond line, with ‹U+202E›gnihtyna‹U+202C› in it\n');
  await takePicture(page, 'files-view');
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await row(page, 'photo.png').locator('.file-open').click();
  await page.getByRole('img', { name: 'photo.png' }).waitFor();
  expect(
    await page.getByRole('img', { name: 'photo.png' }).evaluate((image) => image instanceof HTMLImageElement && image.naturalWidth),
  ).toBe(1);
  await page.keyboard.press('Escape');
  await row(page, 'data.bin').locator('.file-open').click();
  expect(await text.textContent()).toMatch(/^000000 {2}00 01 02 fa fb/);
  await page.keyboard.press('Escape');

  // Up, by choice.
  const large = randomBytes(3_000_000);
  writeFileSync(join(elsewhere, 'large file.bin'), large);
  await page.getByTestId('upload-files').setInputFiles(join(elsewhere, 'large file.bin'));
  await page.locator('[data-testid="transfer"][data-state="done"]').waitFor();
  await row(page, 'large file.bin').waitFor();
  expect(sha256(readFileSync(join(work, 'large file.bin')))).toBe(sha256(large));

  // Again: nothing is overwritten before somebody says so.
  writeFileSync(join(elsewhere, 'notes.txt'), 'new');
  await drag(page, '[data-testid="file-list"]', [join(elsewhere, 'notes.txt')]);
  const asked = page.locator('[data-testid="transfer"][data-state="exists"]');
  await asked.waitFor();
  expect(readFileSync(join(work, 'notes.txt'), 'utf8')).toContain('first line');
  await page.evaluate(() => document.documentElement.setAttribute('data-scheme', 'dark'));
  expect(await contrastFaults(page)).toEqual([]);
  await takePicture(page, 'files-exists-dark');
  await page.evaluate(() => document.documentElement.setAttribute('data-scheme', 'light'));
  await takePicture(page, 'files-exists');
  expect(await contrastFaults(page)).toEqual([]);
  await asked.getByRole('button', { name: 'Overwrite' }).click();
  await page.locator('[data-testid="transfer"][data-state="done"]').filter({ hasText: 'notes.txt' }).waitFor();
  expect(readFileSync(join(work, 'notes.txt'), 'utf8')).toBe('new');

  // Down.
  const saved = join(elsewhere, 'saved');
  await saveTo(app, saved);
  await row(page, 'large file.bin').hover();
  await page.getByRole('button', { name: 'Download large file.bin' }).click();
  await whenSaved(page, saved, large.length);
  expect(sha256(readFileSync(saved))).toBe(sha256(large));

  // A session of this machine: the path of what is dropped is typed, and nothing else.
  await drag(page, '[data-testid="terminal"]', [join(elsewhere, 'large file.bin'), join(elsewhere, 'notes.txt')]);
  await waitForScreen(page, wrapped(`'${elsewhere}/large file.bin' ${elsewhere}`));
  await page.keyboard.press('Control+U');

  // A program that ends may have made files: they are there.
  await typeIntoTerminal(page, 'touch made-by-hand\r');
  await row(page, 'made-by-hand').waitFor();

  // Only owners open the folder to observers.
  await page.getByRole('checkbox', { name: /Observers may read/ }).click();
  await page.locator('.file-observers code').waitFor();
  expect(await page.locator('.file-observers code').textContent()).toBe(work);
  const events = JSON.parse(await world.cmdop('log', 'api', '--events', '--json')) as {
    kind: string;
    payload: { is: string; path?: string };
  }[];
  const said = events.filter(({ kind }) => kind === 'file').map(({ payload }) => `${payload.is} ${basename(payload.path ?? '')}`);
  expect(said).toEqual([
    ...['viewed notes.txt', 'viewed photo.png', 'viewed data.bin'],
    ...['written large file.bin', 'written notes.txt', 'read large file.bin', 'open to observers '],
  ]);
});

test('what is dropped on a terminal of another machine is sent there first, and its path there is typed; a cancelled one is not', async () => {
  await far.cmdop('new', 'far-work', '--detach');
  const reach = ['env', `HOME=${far.home}`, `CMDOP_HOME=${far.home}`, process.execPath, join(projectDir, 'build', 'cmdop.mjs'), 'bridge'];
  await world.cmdop('hosts', 'add', 'far', '--', ...reach);
  const { page } = desktop;
  await page.getByRole('button', { name: 'Add host' }).click();
  await page.keyboard.type('far');
  await page.keyboard.press('Enter');
  await page.getByTestId('session-row').filter({ hasText: 'far-work' }).locator('.session-open').click();
  const terminal = `[data-testid="terminal"]:visible`;
  await page.locator(terminal).waitFor();
  await waitForScreen(page, '$ ');
  writeFileSync(join(elsewhere, 'for far.txt'), 'far');
  await drag(page, terminal, [join(elsewhere, 'for far.txt')]);
  await waitForScreen(page, `'${join(far.home, 'for far.txt')}'`);
  expect(readFileSync(join(far.home, 'for far.txt'), 'utf8')).toBe('far');

  const endless = join(elsewhere, 'endless');
  writeFileSync(endless, '');
  truncateSync(endless, 2_000_000_000); // a hole: it takes no room
  await drag(page, terminal, [endless]);
  const running = page.locator('[data-testid="transfer"][data-state="running"]').filter({ hasText: 'endless' });
  await running.waitFor();
  await takePicture(page, 'files-running');
  await running.getByRole('button', { name: 'Cancel endless' }).click();
  await page.locator('[data-testid="transfer"][data-state="cancelled"]').waitFor();
  expect(existsSync(join(far.home, 'endless'))).toBe(false);
});

test('a folder that is dropped is sent with all that is in it; what is left out is named, and what is there is asked about once', async () => {
  const { page } = desktop;
  const site = join(elsewhere, 'site');
  mkdirSync(join(site, 'css'), { recursive: true });
  writeFileSync(join(site, 'index.html'), '<p>hello');
  writeFileSync(join(site, 'css', 'main.css'), 'p {}');
  symlinkSync(work, join(site, 'shortcut'));
  const terminal = `[data-testid="terminal"]:visible`;
  await page.locator(terminal).click();
  await page.keyboard.press('Control+U');
  await drag(page, terminal, [site]);
  const sent = page.getByTestId('folder-transfer');
  await sent.and(page.locator('[data-state="done"]')).waitFor();
  expect(await sent.innerText()).toMatch(/site\s+2 files[\s\S]*1 remark[\s\S]*shortcut is left out: it is a link to a folder/);
  await waitForScreen(page, join(far.home, 'site'));
  expect(readFileSync(join(far.home, 'site', 'css', 'main.css'), 'utf8')).toBe('p {}');
  await takePicture(page, 'files-folder-done');
  await sent.getByRole('button', { name: 'Dismiss site' }).click();
  await sent.waitFor({ state: 'detached' });

  // Again, with other things in two of them, and one that never ends.
  await page.keyboard.press('Control+U');
  writeFileSync(join(site, 'index.html'), '<p>hello again');
  writeFileSync(join(site, 'css', 'main.css'), 'p { color: red }');
  writeFileSync(join(site, 'endless'), '');
  truncateSync(join(site, 'endless'), 2_000_000_000); // a hole: it takes no room
  await drag(page, terminal, [site]);
  await sent.and(page.locator('[data-state="running"]')).waitFor();
  await expect.poll(() => sent.innerText()).toMatch(/of 3 files, \d.* of 1\.9 GiB/);
  await takePicture(page, 'files-folder-running');
  await sent.getByRole('button', { name: 'Cancel site' }).click();
  await sent.and(page.locator('[data-state="cancelled"]')).waitFor();
  rmSync(join(site, 'endless'));
  await sent.getByRole('button', { name: 'Go on' }).click();
  await sent.and(page.locator('[data-state="asks"]')).waitFor();
  for (const scheme of ['dark', 'light'] as const) {
    await page.evaluate((wanted) => document.documentElement.setAttribute('data-scheme', wanted), scheme);
    await takePicture(page, `files-folder-asks-${scheme}`);
    expect.soft(await contrastFaults(page)).toEqual([]);
    expect.soft(await accessibilityFaults(page)).toEqual([]);
  }
  expect(readFileSync(join(far.home, 'site', 'index.html'), 'utf8')).toBe('<p>hello');
  await sent.getByRole('button', { name: 'Overwrite all 2' }).click();
  await sent.and(page.locator('[data-state="done"]')).waitFor();
  expect(readFileSync(join(far.home, 'site', 'index.html'), 'utf8')).toBe('<p>hello again');
});

test('a browser gets and takes the same files; what is dropped on its terminal is sent to the session’s folder first', async () => {
  const page = await world.browser();
  await openApi(page);
  const download = page.waitForEvent('download');
  await row(page, 'photo.png').hover();
  await page.getByRole('button', { name: 'Download photo.png' }).click();
  const got = await download;
  expect(got.suggestedFilename()).toBe('photo.png');
  expect(readFileSync(await got.path())).toEqual(PIXEL);

  await page.keyboard.press('Control+Shift+E');
  writeFileSync(join(elsewhere, 'it’s here.txt'), 'dropped');
  await drag(page, '[data-testid="terminal"]', [join(elsewhere, 'it’s here.txt')]);
  await page.locator('[data-testid="transfers"].over [data-state="done"]').filter({ hasText: 'it’s here.txt' }).waitFor();
  expect(readFileSync(join(work, 'it’s here.txt'), 'utf8')).toBe('dropped');
  await takePicture(page, 'files-dropped');
  await waitForScreen(page, wrapped(`'${join(work, 'it’s here.txt')}'`));
});
