/** The app around its page: what it remembers, and that a crash or a quit ends nothing but the window. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ElectronApplication } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { electronPath, projectDir, startWorld, type World } from './launch.ts';

let world: World;
beforeEach(() => {
  world = startWorld();
});
afterEach(() => world.dispose());

describe('the app', () => {
  test('loads a page that crashed again', async () => {
    const { app, page } = await world.desktop();
    const isLoadedAgain = app.evaluate(
      ({ BrowserWindow }) =>
        new Promise((resolve) => BrowserWindow.getAllWindows()[0]?.webContents.once('did-finish-load', () => resolve(true))),
    );
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.forcefullyCrashRenderer());
    expect(await isLoadedAgain).toBe(true);
    expect(page.url()).toBe('app://cmdop/index.html');
  });

  test('comes back where its window was', async () => {
    const first = await world.desktop();
    await setBounds(first.app, { x: 40, y: 50, width: 900, height: 600 });
    await first.app.close();
    const second = await world.desktop();
    const bounds = await second.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getBounds());
    expect(bounds).toMatchObject({ width: 900, height: 600 });
  });

  test('starts with defaults when its settings are broken', async () => {
    const folder = join(world.home, 'app');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'preferences.json'), '{"theme": "dar');
    writeFileSync(join(folder, 'window.json'), '{"bounds": {"x": "left"}}');
    const { page } = await world.desktop();
    const preferences = await page.evaluate(() => Reflect.get(globalThis, 'cmdop').preferences());
    expect(preferences).toMatchObject({ theme: 'system', tabs: [] });
  });

  test('started twice is one window', async () => {
    const { app } = await world.desktop();
    const args = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), projectDir];
    const second = spawn(electronPath(), args, { env: world.env, stdio: 'ignore' });
    const [code] = await once(second, 'exit');
    expect(code).toBe(0);
    expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
  });

  test('leaves the host running when it is quit', async () => {
    const { app, page } = await world.desktop();
    await page.getByTestId('status-bar').getByText('Connected').waitFor();
    const pid = await world.hostPid();
    await app.close();
    expect(pid).not.toBeNull();
    expect(existsSync(`/proc/${pid}`)).toBe(true);
  });

  test('hands the host nothing of its own environment', async () => {
    const { page } = await world.desktop();
    await page.getByTestId('status-bar').getByText('Connected').waitFor();
    const environment = readFileSync(`/proc/${await world.hostPid()}/environ`, 'utf8').split('\0');
    expect(environment.filter((each) => /^(ELECTRON|CHROME|GDK_BACKEND|npm_|NODE_)/.test(each))).toEqual([]);
  });
});

/** Resolves when the window manager, or its absence, has settled the window's place. */
async function setBounds(app: ElectronApplication, bounds: { x: number; y: number; width: number; height: number }): Promise<void> {
  await app.evaluate(
    ({ BrowserWindow }, place) =>
      new Promise<void>((resolve) => {
        const window = BrowserWindow.getAllWindows()[0];
        window?.once('resize', () => resolve());
        window?.setBounds(place);
      }),
    bounds,
  );
}
