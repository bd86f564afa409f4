/**
 * The picture of the README, of the real app with two people at work. Taken at every run, looked at for being one;
 * written to build/screenshot.png only with CMDOP_WRITE_SCREENSHOT=1.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestTerminal } from '../process/test-terminal.ts';
import { type Desktop, picturesDir, projectDir, startWorld, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { atTerminal } from './people.ts';

const WIDTH = 1400;
const HEIGHT = 900;
const isWritten = process.env.CMDOP_WRITE_SCREENSHOT === '1';

let world: World;
let desktop: Desktop;
let ben: TestTerminal;
/** Of the picture: `~/shop` reads better than a test's folder. */
let home: string;
let isHomeOurs = false;

beforeAll(async () => {
  world = startWorld();
  home = isWritten ? '/home/ann' : world.home;
  if (isWritten) {
    mkdirSync(home); // throws where somebody has it
    isHomeOurs = true;
  }
  makeProject(join(home, 'shop'));
  writeFileSync(join(world.home, '.bashrc'), `PS1='\\[\\e[34m\\]\\W\\[\\e[0m\\] $ '\nalias ls='ls --color'\nexport NO_UPDATE_NOTIFIER=1\n`);
  for (const [name, folder] of [
    ['logs', home],
    ['release', join(home, 'shop')],
    ['shop', join(home, 'shop')],
  ] as const) {
    await world.cmdop('new', name, '--detach', '--cwd', folder);
  }
  await world.cmdop('send', 'logs', 'tail -f shop/server.log', '--enter');
  await world.cmdop('send', 'release', 'make -j4 all', '--enter');
  desktop = await world.desktop({ args: ['--force-device-scale-factor=2'] });
  await desktop.page.emulateMedia({ colorScheme: 'dark' });
  await desktop.app.evaluate(({ BrowserWindow }, [width, height]) => BrowserWindow.getAllWindows()[0]?.setContentSize(width, height), [
    WIDTH,
    HEIGHT,
  ] as const);
});
afterAll(async () => {
  ben?.dispose();
  await world?.dispose();
  if (isHomeOurs) rmSync(home, { recursive: true, force: true });
});

test('two people at work in one session make the picture of the README', async () => {
  const { page } = desktop;
  await page.getByTestId('session-row').filter({ hasText: 'release' }).getByRole('button').click();
  await waitForScreen(page, /cc/);
  await page.getByTestId('session-row').filter({ hasText: /^shop/ }).getByRole('button').click();
  await page.keyboard.press('Control+Shift+H');
  await waitForScreen(page, /shop \$ /);
  await run('git log --oneline --graph --decorate -4', /A shop/);
  await run('./check', /got 105/);
  const { session } = JSON.parse(await world.cmdop('inspect', 'shop', '--json'));
  ben = atTerminal(world, ['--as', 'ben', 'attach', 'shop'], session.size);
  await ben.until('got 105');
  await page.getByRole('button', { name: 'Release', exact: true }).click();
  await runAs(ben, 'grep -n 100 cart.js', /return/);
  await runAs(ben, "sed -i 's/> 100/>= 100/' cart.js; git diff", /\+.*>= 100/);
  await runAs(ben, './check', /✓ shipping/);
  await page.keyboard.press('Control+Shift+Enter');
  await run('git commit -qam "Free shipping from 100 on"; git log --oneline -1', /\w{7} .*100 on/);
  await page.getByRole('button', { name: 'Release', exact: true }).click();
  ben.type('git push');
  await page.getByTestId('control-bar').getByText('ben has control').waitFor();
  await waitForScreen(page, /git push$/m);
  await page.mouse.move(WIDTH / 2, HEIGHT - 60);
  await expect.poll(() => page.getByTestId('history-row').count()).toBe(6);

  const picture = await page.screenshot();
  mkdirSync(picturesDir, { recursive: true });
  writeFileSync(join(picturesDir, 'screenshot.png'), picture);
  if (isWritten) writeFileSync(join(projectDir, 'build', 'screenshot.png'), picture);
  expect(await colorsIn(picture)).toBeGreaterThan(100);
});

/** Ann types it in her window. */
async function run(command: string, until: RegExp): Promise<void> {
  await typeIntoTerminal(desktop.page, `${command}\n`);
  await waitForScreen(desktop.page, new RegExp(`${until.source}[\\s\\S]*shop \\$ $`, 'm'));
}

async function runAs(person: TestTerminal, command: string, until: RegExp): Promise<void> {
  person.type(`${command}\r`);
  await waitForScreen(
    desktop.page,
    new RegExp(`${command.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\n[\\s\\S]*${until.source}[\\s\\S]*shop \\$ $`, 'm'),
  );
}

/** How many colours a picture has: a blank one has one, a broken one a handful. */
function colorsIn(picture: Buffer): Promise<number> {
  return desktop.app.evaluate(({ nativeImage }, encoded) => {
    const bitmap = nativeImage.createFromBuffer(Buffer.from(encoded, 'base64')).toBitmap();
    const colors = new Set<number>();
    for (let at = 0; at < bitmap.length; at += 4) colors.add(bitmap.readUInt32LE(at));
    return colors.size;
  }, picture.toString('base64'));
}

/** A small real project: its history, its tests, and a build that takes its time. */
function makeProject(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const git = (...args: string[]) => {
    const people = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.org', '-c', 'init.defaultBranch=main'];
    execFileSync('git', [...people, ...args], { cwd: folder, stdio: 'ignore' });
  };
  file('package.json', '{ "name": "shop", "type": "module" }\n');
  git('init');
  git('config', 'user.name', 'Ann');
  git('config', 'user.email', 'ann@example.org');
  git('config', 'core.pager', 'cat');
  const commit = (subject: string) => {
    git('add', '.');
    git('commit', '-m', subject);
  };
  commit('A shop');
  file(
    'Makefile',
    `all: ${[...'abcdefgh'].map((each) => `${each}.o`).join(' ')}\n%.o:\n\t@echo "cc -O2 -c src/$*.c"; sleep 2; sleep 600\n`,
  );
  commit('A native part for prices');
  file('server.log', Array.from({ length: 30 }, (_, i) => `GET /cart/${i} 200\n`).join(''));
  file('.gitignore', '*.log\n');
  commit('Logs are not ours to keep');
  file(
    'cart.js',
    `export function total(items) {\n  const total = items.reduce((sum, { price, count }) => sum + price * count, 0);\n  return total > 100 ? total : total + 5;\n}\n`,
  );
  file('check', CHECK);
  chmodSync(join(folder, 'check'), 0o755);
  commit('The cart');
}

/** The project's tests. */
const CHECK = `#!/usr/bin/env node
import { total } from './cart.js';

const paint = (color, text) => process.stdout.write(\`\\x1b[\${color}m\${text}\\x1b[0m\\n\`);
const check = (what, got, wanted) => {
  if (got === wanted) return paint(32, \`✓ \${what}\`);
  paint(31, \`✗ \${what}: wanted \${wanted}, got \${got}\`);
  process.exitCode = 1;
};
check('an empty cart costs its shipping', total([]), 5);
check('two of one cost twice as much', total([{ price: 10, count: 2 }]), 25);
check('the third mug is free', total([{ price: 8, count: 2 }]), 21);
check('shipping is free from 100 on', total([{ price: 100, count: 1 }]), 100);
`;
