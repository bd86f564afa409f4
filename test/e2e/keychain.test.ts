/** The app's key in a real keychain: GNOME's, over a session bus of its own. Where Debian's gnome-keyring is not installed, not run. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { electronPath, PATIENCE_MS, projectDir, startWorld, takePicture, type World, whenConnected } from './launch.ts';

const isOnPath = (program: string) => (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
const hasKeychain = isOnPath('gnome-keyring-daemon') && isOnPath('dbus-daemon');

let world: World;
const started: ChildProcess[] = [];
beforeAll(() => {
  world = startWorld();
});
afterAll(async () => {
  await world?.dispose();
  for (const child of started) child.kill();
});

const keyFile = () => join(world.home, 'state', 'app-key.json');
const lineOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => child.stdout?.once('data', (bytes: Buffer) => resolve(bytes.toString().split('\n')[0] ?? '')));

/** A desktop's session bus with its keychain, unlocked; what it keeps is in `name`. */
async function startKeychain(name: string): Promise<Record<string, string>> {
  const data = join(world.home, name);
  for (const folder of [data, join(data, 'run')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], { env: world.env, stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(bus);
  const address = { DBUS_SESSION_BUS_ADDRESS: await lineOf(bus) };
  const env = { ...world.env, ...address, XDG_DATA_HOME: data, XDG_RUNTIME_DIR: join(data, 'run') };
  const keychain = spawn('gnome-keyring-daemon', ['--unlock', '--foreground', '--components=secrets'], {
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  started.push(keychain);
  keychain.stdin?.end('a password');
  const owner = ['--session', '--print-reply', '--dest=org.freedesktop.DBus', '/', 'org.freedesktop.DBus.GetNameOwner'];
  const isThere = () =>
    promisify(execFile)('dbus-send', [...owner, 'string:org.freedesktop.secrets'], { env }).then(
      () => existsSync(join(data, 'keyrings', 'login.keyring')),
      () => false,
    );
  await expect.poll(isThere, { timeout: PATIENCE_MS }).toBe(true);
  return address;
}

/** What *Key of this app* says, in an app that is started for it: by hand, since Playwright's own start takes the keychain away. */
async function keyDialog(store: string, more: Record<string, string>): Promise<string> {
  const args = [`--password-store=${store}`, '--remote-debugging-port=0', projectDir];
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const child = spawn(electronPath(), [...sandbox, ...args], { env: { ...world.env, ...more }, stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(child);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const chrome = await chromium.connectOverCDP(await debuggerOf(child));
  const page = chrome.contexts()[0]?.pages()[0] ?? (await chrome.contexts()[0]?.waitForEvent('page'));
  if (!page) throw new Error('the app has no window');
  page.setDefaultTimeout(PATIENCE_MS);
  await whenConnected(page);
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type('Key of this app');
  await page.keyboard.press('Enter');
  const dialog = page.getByTestId('app-key-dialog');
  await dialog.getByTestId('app-public-key').or(dialog.getByRole('alert')).waitFor();
  const text = await dialog.innerText();
  await takePicture(page, `keychain-${store}`);
  child.kill();
  await exited;
  return text;
}

const debuggerOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    let said = '';
    child.stderr?.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      const url = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
      if (url) resolve(url);
    });
  });

test.runIf(hasKeychain)(
  'it is sealed by the keychain, had again from it, and never replaced where it cannot be',
  { timeout: 90_000 },
  async () => {
    const desktop = await startKeychain('keyring');
    const first = await keyDialog('gnome-libsecret', desktop);
    expect(first).toContain('the keychain of this desktop (gnome_libsecret)');
    const stored = readFileSync(keyFile(), 'utf8');
    expect(JSON.parse(stored)).toMatchObject({ kept: 'sealed', by: 'gnome_libsecret' });
    expect(stored).not.toContain('PRIVATE KEY');
    expect(Buffer.from(JSON.parse(stored).sealed, 'base64').toString('latin1')).not.toContain('PRIVATE KEY');

    expect(await keyDialog('gnome-libsecret', desktop)).toBe(first);
    expect(await keyDialog('basic', desktop)).toMatch(
      /is sealed by gnome_libsecret, and this desktop offers no keychain: start the app where you joined/,
    );
    const another = await startKeychain('another');
    expect(await keyDialog('gnome-libsecret', another)).toMatch(/is not opened by gnome_libsecret: unlock it/);
    expect(readFileSync(keyFile(), 'utf8')).toBe(stored);
    expect(await keyDialog('gnome-libsecret', desktop)).toBe(first);
  },
);
