/** The packaged app works: native modules, archives and fuses break only there, so that very app is made and started. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { electronPath, PATIENCE_MS, projectDir, startWorld, type World, waitForScreen } from './launch.ts';

/** Connecting takes a tenth of a second, milliseconds. */
const CONNECT_MS = 10_000;

let folder: string;
let world: World;
let app: PackagedApp;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-packaged-'));
  const env = { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: join(electronPath(), '..') };
  await promisify(execFile)(process.execPath, ['build/package.ts', '--out', folder], { cwd: projectDir, env });
  world = startWorld();
  app = await startPackaged(join(folder, 'linux-unpacked', 'cmdop'), world.env);
});

afterAll(async () => {
  await app?.close();
  await world?.dispose();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

test('it opens a session and shows what a command prints', async () => {
  await app.page.getByTestId('new-session').first().click();
  await waitForScreen(app.page, /[#$] $|[#$]$/m);
  await app.page.keyboard.type('echo packaged-"ok"\n');
  await waitForScreen(app.page, /^packaged-ok$/m);
});

test('its host runs under the Node it brought along, not under Electron', async () => {
  const { stdout } = await packagedCommand('host', 'status', '--json');
  const { pid }: { pid: number } = JSON.parse(stdout);
  expect(readlinkSync(`/proc/${pid}/exe`)).toBe(join(folder, 'linux-unpacked', 'resources', 'node', 'node'));
});

test('its own command line sees the session of its window', async () => {
  const { stdout } = await packagedCommand('ls', '--json');
  expect(stdout).toContain('"desktop"');
});

test('its host serves the page to a browser', async () => {
  const url = (await packagedCommand('web')).stdout.trim();
  const opened = await fetch(url, { redirect: 'manual' });
  const cookie = opened.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const page = await fetch(new URL('/', url), { headers: { cookie } });
  expect(await page.text()).toContain('id="root"');
});

test('it cannot be borrowed as a Node to run something else', async () => {
  const run = promisify(execFile)(join(folder, 'linux-unpacked', 'cmdop'), ['-e', 'console.log("borrowed")'], {
    env: { ...world.env, ELECTRON_RUN_AS_NODE: '1', DISPLAY: '' },
    timeout: PATIENCE_MS,
  });
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  expect(stdout).not.toContain('borrowed');
});

function packagedCommand(...args: string[]): Promise<{ stdout: string }> {
  return promisify(execFile)(join(folder, 'linux-unpacked', 'resources', 'bin', 'cmdop'), args, { env: world.env, cwd: world.home });
}

type PackagedApp = { readonly page: Page; close(): Promise<void> };

/** Over Chromium's debugging port: a fuse shuts Node's inspector, which Playwright's own way of starting Electron needs. */
async function startPackaged(executable: string, env: Record<string, string>): Promise<PackagedApp> {
  const args = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--remote-debugging-port=0'];
  const child = spawn(executable, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const endpoint = await new Promise<string>((resolve, reject) => {
    let words = '';
    child.stderr.on('data', (bytes: Buffer) => {
      words += bytes;
      const found = /DevTools listening on (ws:\S+)/.exec(words)?.[1];
      if (found) resolve(found);
    });
    child.once('close', (code) => reject(new Error(`the packaged app ended with ${code}:\n${words}`)));
    child.once('error', reject);
  });
  const browser = await connect(endpoint);
  const context = browser.contexts()[0];
  const page = context?.pages()[0] ?? (await context?.waitForEvent('page', { timeout: PATIENCE_MS }));
  if (!page) throw new Error('the packaged app has no page');
  page.setDefaultTimeout(PATIENCE_MS);
  const close = async () => {
    await browser.close();
    child.kill('SIGTERM');
    await ended;
  };
  return { page, close };
}

/** A window that opens while Playwright connects can be lost to it, and then nothing answers: a second try finds it open. */
async function connect(endpoint: string): Promise<Browser> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await chromium.connectOverCDP(endpoint, { timeout: CONNECT_MS });
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}
