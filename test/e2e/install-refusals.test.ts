/** Machines that cmdop cannot be brought to: the window says in a sentence why and what to do, and nothing of it is over there. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { giveCmdop } from '../remote/far.ts';
import { buildRealArchive } from '../remote/real-archive.ts';
import { type Desktop, projectDir, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';
import { type RemoteMachine, startRemoteMachine } from './remote-machine.ts';

let world: World;
let far: RemoteMachine;
let desktop: Desktop;
/** Where an installation goes, and the programs of that machine that are not what they should be. */
let share: string;
let odd: string;

beforeAll(async () => {
  buildRealArchive();
  world = startWorld();
  far = await startRemoteMachine({ hasCmdop: false });
  share = join(far.home, '.local', 'share', 'cmdop');
  odd = join(far.home, 'odd');
  const ssh = join(world.home, '.ssh');
  mkdirSync(ssh, { mode: 0o700 });
  writeFileSync(join(ssh, 'known'), `${far.sshd.knownHostsLines.join('\n')}\n`);
  const always = ['HostName 127.0.0.1', `Port ${far.sshd.port}`, `User ${far.sshd.user}`, 'IdentityAgent none'];
  const own = [`IdentityFile ${far.sshd.clientKey.path}`, `UserKnownHostsFile ${join(ssh, 'known')}`];
  const names = ['bare', 'ending', 'chatty'];
  const config = names.map((name) => `Host ${name}\n  ${[...always, ...own].join('\n  ')}\n`);
  writeFileSync(join(ssh, 'config'), config.join(''), { mode: 0o600 });
  desktop = await world.desktop();
});
beforeEach(() => {
  rmSync(odd, { recursive: true, force: true });
  mkdirSync(odd);
  loginScript('');
});
afterAll(async () => {
  await world?.dispose();
  await far?.dispose();
});

const loginScript = (text: string) => writeFileSync(join(far.home, '.bashrc'), `PS1='far$ '\nPATH=${odd}:$PATH\n${text}`);
const oddProgram = (name: string, script: string) => writeFileSync(join(odd, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

const groupOf = (name: string) => desktop.page.locator(`[data-testid="host-group"][data-host="${name}"]`);
const troubleOf = (name: string) => groupOf(name).getByTestId('host-trouble');

async function add(name: string): Promise<void> {
  const { page } = desktop;
  await page.getByRole('button', { name: 'Add host' }).click();
  await page.keyboard.type(name);
  await page.getByRole('option', { name: new RegExp(`^${name}`), selected: true }).waitFor();
  await page.keyboard.press('Enter');
}

/** Says yes to the installation on `bare`, and waits for what is said instead. */
async function expectRefusal(sentence: RegExp, picture: string): Promise<void> {
  const { page } = desktop;
  const group = groupOf('bare');
  await group.getByRole('button', { name: 'Install cmdop…' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Install' }).click();
  await expect.poll(() => troubleOf('bare').textContent()).toMatch(sentence);
  await look(picture);
  await group.getByRole('button', { name: 'Dismiss' }).click();
}

async function look(picture: string): Promise<void> {
  const { page } = desktop;
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(await contrastFaults(page)).toEqual([]);
  await takePicture(page, picture);
}

test('no room: how much there is and how much is needed, before anything is sent', async () => {
  oddProgram('df', 'echo "disk 9 0 2048 0% /"');
  await add('bare');
  await desktop.page.getByRole('alertdialog').getByText('Install cmdop on bare?').waitFor();
  await desktop.page.keyboard.press('Escape');
  await expectRefusal(/has 2 MB of room and needs \d+ MB: make room there/, 'install-no-room');
  expect(existsSync(join(far.home, '.local'))).toBe(false);
});

test('a system that it is not made for: which it is, and which it would have to be', async () => {
  oddProgram('uname', '[ "$1" = -m ] && echo riscv64 || echo Linux');
  await expectRefusal(
    /it is Linux on riscv64, which cmdop is not made for: it needs Linux or macOS on x64 or arm64/,
    'install-unsupported',
  );
  expect(existsSync(join(far.home, '.local'))).toBe(false);
});

test('a disk that fills up on the way: what was sent is taken back', async (context) => {
  mkdirSync(share, { recursive: true });
  // Only who may mount can make a disk that small.
  context.skip(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'cmdop-test', share]).status !== 0, 'needs the right to mount');
  try {
    oddProgram('df', 'echo "disk 9 0 99999999 0% /"');
    await expectRefusal(/the archive cannot be written there \(.+\), and what was sent is removed: make room/, 'install-disk-full');
    expect(readdirSync(share)).toEqual([]);
  } finally {
    spawnSync('umount', [share]);
  }
});

test('a login script that ends the login: what it said, and that it is in the way', async () => {
  loginScript('echo "no more disk quota"; exit 3\n');
  await add('ending');
  await expect.poll(() => troubleOf('ending').textContent()).toMatch(/exit code 3.*it said "no more disk quota": a login script/);
  await look('login-script-ends');
});

test('a login script that prints and asks is no obstacle', async () => {
  const { page } = desktop;
  giveCmdop(far.home, { node: process.execPath, program: join(projectDir, 'build', 'cmdop.mjs') });
  loginScript('[ -t 0 ] || { echo "Welcome to far"; echo "have a nice day" >&2; read -r answer; echo "hello $answer"; }\n');
  await add('chatty');
  await expect.poll(() => groupOf('chatty').getAttribute('data-link')).toBe('connected');
  await groupOf('chatty').getByRole('button', { name: 'New session on chatty' }).click();
  await waitForScreen(page, 'far$ ');
  await typeIntoTerminal(page, 'echo in $((6 * 7))\n');
  await waitForScreen(page, /^in 42$/m);
  await look('login-script-asks');
});
