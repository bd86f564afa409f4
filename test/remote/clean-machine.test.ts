/**
 * The first hour of somebody new: a machine with nothing but a system and sshd, as a namespace in which neither this checkout
 * nor a Node nor a compiler is to be seen, and an ordinary account. Makes and removes the account; Linux, as root.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import { startCmdop, type TestCmdop } from '../process/start-cmdop.ts';
import { buildRealArchive } from './real-archive.ts';
import { type ClientFolder, clientFolder, type Sshd, startSshd } from './sshd.ts';

const USER = `cmdopn${process.pid}`;
const NAMESPACE = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc'];
const why = reasonAgainst();
let home: string;
let far: Sshd;
let near: TestCmdop;
let ssh: ClientFolder;

beforeAll(async () => {
  if (why !== null) return;
  buildRealArchive();
  home = mkdtempSync(join(tmpdir(), 'cmdop-new-'));
  execFileSync('useradd', ['--no-create-home', '--home-dir', home, '--user-group', '--password', '*', '--shell', '/bin/bash', USER]);
  execFileSync('chown', [`${USER}:`, home]);
  far = await startSshd({ config: [`SetEnv HOME=${home}`], within: [...NAMESPACE, 'sh', '-ec', `${hiding()} exec "$@"`, 'sh'] });
  chmodSync(far.folder, 0o755);
  chmodSync(join(far.folder, 'authorized_keys'), 0o644); // read as the account that logs in
  near = await startCmdop({ actor: 'ann' });
  ssh = clientFolder({ ...far, user: USER });
  cpSync(join(ssh.folder, '.ssh'), join(near.home, '.ssh'), { recursive: true });
});

afterAll(async () => {
  if (why !== null) return;
  await near?.dispose();
  await far?.dispose();
  const uid = spawnSync('id', ['-u', USER], { encoding: 'utf8' }).stdout.trim();
  spawnSync('userdel', ['--force', USER]);
  for (const folder of [home, ssh?.folder ?? home, `/tmp/cmdop-${uid}`]) rmSync(folder, { recursive: true, force: true });
});

test('cmdop comes to it, works without a Node or a compiler, and touches nothing but its folders', async (context) => {
  context.skip(why !== null, why ?? '');
  expect(await near.run('new', 'first', '-H', 'devbox', '--detach')).toMatchObject({
    code: 69,
    stderr: 'cmdop: devbox has no cmdop: `cmdop hosts install devbox` brings it there\n',
  });
  const terminal = near.terminal(['new', 'first', '-H', 'devbox'], { cols: 160 });
  await terminal.until(/devbox has no cmdop yet\s+Install cmdop \S+ for \S+ on devbox, \d+ MB, into .*\? \[y\/N\]/);
  terminal.type('y\r');
  await terminal.until(/cmdop \S+ is on devbox, in /);
  await terminal.until(new RegExp(`${USER}@.*[$]`));
  terminal.type('\x1c');
  expect(await terminal.exited).toMatchObject({ code: 0 });
  const look = `id -un; for p in node cc gcc g++; do $p --version 2>/dev/null; done; ls -A '${process.cwd()}'`;
  const looked = await near.run('run', 'cmdop://devbox/first', '--', look);
  expect(looked.stdout).toBe(`${USER}\n`);
  expect(await near.ok('log', '-H', 'devbox', '--json')).toContain('id -un');
  expect(readdirSync(home).sort()).toEqual(['.cache', '.config', '.local']);
});

test('it goes down and comes back: the session is listed as ended by that, and one command opens a shell below its output', async (context) => {
  context.skip(why !== null, why ?? '');
  await near.ok('run', 'cmdop://devbox/first', '--', 'echo before the reboot');
  await far.kill();
  await far.start();
  const [session] = await near.json<SessionSummary[]>('ls', '-H', 'devbox');
  expect(session).toMatchObject({ name: 'first', state: 'ended', end: { reason: 'machine-restarted' } });
  await near.ok('restart', '-H', 'devbox', 'first', '--detach');
  expect(await near.ok('run', 'cmdop://devbox/first', '--', 'echo after it')).toBe('after it\n');
  expect(await near.ok('export', '-H', 'devbox', 'first', '--format', 'text')).toMatch(/before the reboot.*new shell.*after it/s);
});

/** Commands that cover this checkout, what it was installed with, and every Node and compiler of the path. */
function hiding(): string {
  const programs = ['node', 'npm', 'cc', 'gcc', 'g++', 'c++', 'clang', 'make'].flatMap((name) =>
    spawnSync('which', ['-a', name], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean),
  );
  const files = [...new Set([...programs, nodePath()].map((path) => realpathSync(path)))];
  // Elsewhere where the checkout shares what is installed; else below it, and covered first.
  const folders = [...new Set([realpathSync('node_modules'), process.cwd()])];
  const covered = files.map((path) => `mount --bind /dev/null '${path}';`);
  return [...covered, ...folders.map((path) => `mount -t tmpfs none '${path}';`)].join(' ');
}

/** Why this system cannot stand for another machine; null if it can. */
function reasonAgainst(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux, and root to make an account and namespaces';
  if (!existsSync('/usr/sbin/useradd')) return 'needs useradd';
  const [program = '', ...args] = NAMESPACE;
  const tried = spawnSync(program, [...args, 'mount', '-t', 'tmpfs', 'none', dirname(process.cwd())], { encoding: 'utf8' });
  return tried.status === 0 ? null : `namespaces are not allowed here (${tried.stderr?.trim() ?? tried.error?.message})`;
}
