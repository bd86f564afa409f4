/** Starts the real app, the real command line and a real browser for end-to-end tests, each world with its own CMDOP_HOME. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium, type ElectronApplication, _electron as electron, type Page } from 'playwright-core';
import { endEverythingOf } from '../process/end-everything.ts';

export const projectDir = resolve(fileURLToPath(import.meta.url), '..', '..', '..');
/** Pictures that tests take: pictures of the README and evidence of failures. Not kept in the repository. */
export const picturesDir = join(projectDir, 'test-results');

/** How long anything a person waits for may take here, milliseconds: a hundred times what it should. */
export const PATIENCE_MS = 20_000;

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export type Desktop = { readonly app: ElectronApplication; readonly page: Page };

/** Every page of a world that was opened and not closed, for pictures of failures. */
export const openPages = new Set<Page>();

/** A machine's worth of cmdop below one temporary folder: one host, any number of windows and commands. */
export type World = {
  readonly home: string;
  readonly env: Record<string, string>;
  /** Opens the app and waits until its page has the host's sessions. */
  desktop(options?: { args?: readonly string[]; env?: Record<string, string>; link?: string }): Promise<Desktop>;
  /** Opens a page of the browser interface by a fresh one-time URL of `cmdop web`. */
  browser(): Promise<Page>;
  /** Runs `cmdop …` to its end. Rejects if it fails. */
  cmdop(...args: string[]): Promise<string>;
  /** The host's process id, or null if none runs. */
  hostPid(): Promise<number | null>;
  /** Closes the windows, ends every session and the host, and removes the folder. */
  dispose(): Promise<void>;
};

export function startWorld(): World {
  const home = mkdtempSync(join(tmpdir(), 'cmdop-e2e-'));
  writeFileSync(join(home, '.bashrc'), "PS1='$ '\n");
  writeFileSync(join(home, '.bash_profile'), '. ~/.bashrc\n');
  const env = ownEnvironment(home);
  const desktops: ElectronApplication[] = [];
  let chrome: Browser | null = null;

  const cmdop = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(projectDir, 'build', 'cmdop.mjs'), ...args], { env, cwd: home });
    return stdout;
  };

  const desktop: World['desktop'] = async ({ args = [], env: more = {}, link } = {}) => {
    // Where Electron is, is left to Playwright, which asks the package `electron`: only then does it hold the app back
    // until it listens. An app that opens its window while Playwright connects is lost to it, one time in ten.
    process.env.ELECTRON_OVERRIDE_DIST_PATH = dirname(electronPath());
    const app = await electron.launch({
      // Chromium's sandbox refuses to run as root; only tests run as root.
      args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), ...args, projectDir, ...(link ? [link] : [])],
      env: { ...env, ...more },
      timeout: PATIENCE_MS,
    });
    desktops.push(app);
    app.process().stderr?.on('data', (bytes: Buffer) => {
      const text = bytes.toString();
      if (text.includes('cmdop:')) process.stderr.write(text);
    });
    const page = await app.firstWindow({ timeout: PATIENCE_MS });
    remember(page);
    await whenConnected(page);
    return { app, page };
  };

  const browser = async () => {
    const url = /https?:\/\/\S+/.exec(await cmdop('web'))?.[0];
    if (!url) throw new Error('`cmdop web` printed no URL');
    chrome ??= await chromium.launch({
      executablePath: chromiumPath(),
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
      timeout: PATIENCE_MS,
    });
    const page = await (await chrome.newContext({ viewport: { width: 1180, height: 760 } })).newPage();
    remember(page);
    await page.goto(url);
    await whenConnected(page);
    return page;
  };

  const hostPid = async () => {
    try {
      const status: unknown = JSON.parse(await cmdop('host', 'status', '--json'));
      return typeof status === 'object' && status !== null && 'pid' in status && typeof status.pid === 'number' ? status.pid : null;
    } catch {
      return null; // `host status` fails where no host runs
    }
  };

  const dispose = async () => {
    await Promise.allSettled(desktops.map((app) => app.close()));
    await chrome?.close();
    endEverythingOf(home);
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  };

  return { home, env, desktop, browser, cmdop, hostPid, dispose };
}

/** Its picture is taken when a test fails. */
export function remember(page: Page): void {
  page.setDefaultTimeout(PATIENCE_MS);
  openPages.add(page);
  page.on('close', () => openPages.delete(page));
}

/** Writes test-results/NAME.png and returns its path. */
export async function takePicture(page: Page, name: string): Promise<string> {
  mkdirSync(picturesDir, { recursive: true });
  const path = join(picturesDir, `${name}.png`);
  await page.screenshot({ path });
  return path;
}

/** Resolves when the window says that it is connected: from then on it listens to keys. */
export async function whenConnected(page: Page): Promise<void> {
  await page.locator('[data-testid="status-bar"][data-link="connected"]').waitFor();
}

/** Resolves once the window shows the element, however briefly: what comes and goes is missed by looking now and then. */
export async function appearance(page: Page, testId: string): Promise<void> {
  await page.evaluate(
    (selector) =>
      new Promise<void>((resolve) => {
        const observer = new MutationObserver(() => look());
        const look = () => {
          if (!document.querySelector(selector)) return;
          observer.disconnect();
          resolve();
        };
        observer.observe(document, { childList: true, subtree: true, attributes: true });
        look();
      }),
    `[data-testid="${testId}"]`,
  );
}

/** The rows the terminal in front shows, without trailing blanks, top to bottom. */
export async function screenRows(page: Page): Promise<string[]> {
  return await page
    .locator('[data-testid="terminal"]:visible')
    .first()
    .evaluate((element) => {
      if (!('cmdopTerminal' in element)) return [];
      const { buffer, rows } = element.cmdopTerminal as { buffer: { active: TerminalBuffer }; rows: number };
      const { active } = buffer;
      return Array.from({ length: rows }, (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '');
    });
}

/** Resolves with the screen once it holds `text`; looks again whenever the page paints. Throws with the last screen. */
export async function waitForScreen(page: Page, text: string | RegExp, timeoutMs = PATIENCE_MS): Promise<string[]> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const rows = await screenRows(page).catch(() => []); // no terminal yet
    const screen = rows.join('\n');
    if (typeof text === 'string' ? screen.includes(text) : text.test(screen)) return rows;
    if (performance.now() > until) throw new Error(`the screen never showed ${text}; it shows:\n${screen}`);
    await page.evaluate(() => new Promise((painted) => requestAnimationFrame(painted)));
  }
}

/** Types into the terminal in front, a key at a time, as a person does. */
export async function typeIntoTerminal(page: Page, text: string): Promise<void> {
  await page.locator('[data-testid="terminal"]:visible').first().click();
  await page.keyboard.type(text);
}

/** The terminal has the keyboard again two frames after a menu or a dialog; no person is at the next one before that. */
export async function keyboardIsBack(page: Page): Promise<void> {
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(resolve)))),
  );
}

/** Names on the tabs, left to right. */
export async function tabNames(page: Page): Promise<string[]> {
  return await page.getByRole('tab').allTextContents();
}

/** The numbers of `step 12 of 400`, in the order they were printed. */
export function numberedSteps(text: string): number[] {
  return [...text.matchAll(/step (\d+) of \d+/g)].map(([, step]) => Number(step));
}

type TerminalBuffer = { viewportY: number; getLine(row: number): { translateToString(trim: boolean): string } | undefined };

/** Electron for tests: given by build/test.mjs, or the package's own. */
export function electronPath(): string {
  const folder = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(projectDir, 'node_modules', 'electron', 'dist');
  const path = join(folder, 'electron');
  if (!existsSync(path)) throw new Error(`no Electron in ${folder}: run \`npm test\`, or set ELECTRON_OVERRIDE_DIST_PATH`);
  return path;
}

export function chromiumPath(): string {
  const path = CHROMIUM.find((candidate) => existsSync(candidate));
  if (!path) throw new Error('no Chromium here: install it (Debian: apt-get install chromium)');
  return path;
}

/** The user's environment without what the test runner adds, and with a home of its own. */
function ownEnvironment(home: string): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_|TEST$|NO_COLOR$|FORCE_COLOR$|CMDOP_|XDG_)/.test(name));
  const env: Record<string, string> = {};
  for (const [name, value] of kept) if (value !== undefined) env[name] = value;
  return { ...env, CMDOP_HOME: home, HOME: home, SHELL: '/bin/bash', LANG: 'C.UTF-8', CMDOP_ACTOR: 'ann' };
}
