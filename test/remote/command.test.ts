/** Hosts that any command reaches: a container of its own namespaces entered as `docker exec -i` does, and another account. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import type { JournalEvent, SessionSummary } from '#protocol/shapes.ts';
import { endEverythingOf } from '../process/end-everything.ts';
import { startCmdop, type TestCmdop } from '../process/start-cmdop.ts';

const isRoot = process.getuid?.() === 0;
/** Processes, hostname, mounts and network of its own, as a container has. */
const UNSHARE = ['--pid', '--mount', '--uts', '--ipc', '--net', '--fork', '--kill-child', '--mount-proc'];
/** Root of a container may not make another one. */
const mayUnshare = isRoot && spawnSync('unshare', [...UNSHARE, 'true']).status === 0;

let near: TestCmdop;
beforeAll(async () => {
  near = await startCmdop({ actor: 'ann' });
});
afterAll(() => near.dispose());

describe('the hosts file', () => {
  test('is written by `hosts add`, and a mistake in it is named with its place', async () => {
    await near.ok('hosts', 'add', 'box', '--', 'docker', 'exec', '-i', 'box', 'cmdop', 'bridge');
    const file = join(near.home, 'config', 'hosts.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      hosts: { box: { command: ['docker', 'exec', '-i', 'box', 'cmdop', 'bridge'] } },
    });
    expect((await near.run('hosts', 'add', 'box', '--', 'x')).stderr).toContain('box is in ');
    expect(await near.run('hosts', 'add', 'local', '--', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('that is this machine'),
    });
    await near.ok('hosts', 'remove', 'box');
    for (const [text, why] of [
      ['{"hosts": {"a": {"command": []}}}', 'hosts.a.command: needs at least a program'],
      ['{"hosts": {"a": {"command": ["x"], "shell": true}}}', 'hosts.a: Unrecognized key: "shell"'],
      ['{"hosts": {"a": {}}}', 'hosts.a: must be {"command"'],
      ['{"hosts": {"a b": {"ssh": "x"}}}', 'hosts.a b: write letters'],
      ['{"hosts": [1,]}', 'is no JSON'],
    ]) {
      writeFileSync(file, text ?? '');
      expect(await near.run('ls', '-H', 'a')).toMatchObject({ code: 2, stderr: expect.stringContaining(`${file} ${why}`) });
    }
    rmSync(file);
  });

  test('a command that cannot be started, or says why it ends, is one sentence', async () => {
    await near.ok('hosts', 'add', 'absent', '--', 'no-such-program', 'bridge');
    await near.ok('hosts', 'add', 'refusing', '--', 'sh', '-c', 'echo hello; echo "Error: No such container: web" >&2; exit 1');
    expect(await near.run('ls', '-H', 'absent')).toMatchObject({
      code: 69,
      stderr: 'cmdop: absent: no-such-program cannot be started: there is no such program in PATH\n',
    });
    expect(await near.run('ls', '-H', 'refusing')).toMatchObject({
      code: 69,
      stderr: 'cmdop: refusing: Error: No such container: web (exit code 1); it said "hello"\n',
    });
  });

  const runc = 'OCI runtime exec failed: exec failed: unable to start container process: exec: ';
  test.each([
    ['docker', 126, '', `${runc}"cmdop": executable file not found in $PATH: unknown`],
    ['later', 127, '', `${runc}"cmdop": executable file not found in $PATH`],
    ['anew', 126, '', `${runc}"/root/.local/bin/cmdop": stat /root/.local/bin/cmdop: no such file or directory: unknown`],
    ['pod', 1, '>&2', `error: Internal error occurred: ${runc}"cmdop": executable file not found in $PATH: unknown`],
    ['podman', 127, '>&2', 'Error: crun: executable file `cmdop` not found in $PATH: No such file or directory'],
  ])('that %s has no cmdop is seen in what starts its programs', async (host, code, to, said) => {
    await near.ok('hosts', 'add', host, '--', 'sh', '-c', `printf '%s\\n' "$0" ${to}; exit ${code}`, said);
    expect((await near.run('ls', '-H', host)).stderr).toBe(
      `cmdop: ${host} has no cmdop: \`cmdop hosts install ${host}\` brings it there\n`,
    );
  });

  test('what docker says on stdout is why, what kubectl says last is not; a bridge without an input says what to do', async () => {
    await near.ok('hosts', 'add', 'user', '--', 'sh', '-c', 'echo unable to find user web; exit 126');
    expect((await near.run('ls', '-H', 'user')).stderr).toBe('cmdop: user: unable to find user web (exit code 126)\n');
    await near.ok('hosts', 'add', 'deaf', '--', 'sh', '-c', 'exec cmdop bridge </dev/null');
    expect((await near.run('ls', '-H', 'deaf')).stderr).toMatch(
      /^cmdop: deaf: no input is passed on to the bridge: .* with -i \(exit code 1\)\n$/,
    );
    const byKubectl = 'cmdop bridge </dev/null; echo command terminated with exit code $? >&2; exit 1';
    await near.ok('hosts', 'add', 'deaf-pod', '--', 'sh', '-c', byKubectl);
    expect((await near.run('ls', '-H', 'deaf-pod')).stderr).toMatch(/^cmdop: deaf-pod: no input is passed on/);
  });
});

describe.runIf(mayUnshare)('a container', () => {
  let home: string;
  let container: ChildProcess;
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'cmdop-box-'));
    chmodSync(home, 0o700);
    writeFileSync(join(home, '.bash_profile'), "PS1='$ '\n");
    container = await startContainer();
    const enter = ['nsenter', '-t', readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8').trim(), '--all'];
    const env = [`HOME=${home}`, `CMDOP_HOME=${home}`, 'PATH=/usr/bin:/bin', 'SHELL=/bin/bash'];
    await near.ok('hosts', 'add', 'box', '--', ...enter, '--', 'env', '-i', ...env, nodePath(), resolve('dist/cli.mjs'), 'bridge');
  });
  afterAll(async () => {
    const ended = once(container, 'exit');
    process.kill(-(container.pid ?? 0), 'SIGKILL'); // with its first process go all of its processes
    await ended;
    endEverythingOf(home);
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  });

  test('a session lives in its namespaces, and outlives the command that made it', async () => {
    await near.ok('new', 'work', '-H', 'box', '--detach');
    expect(await near.ok('run', 'cmdop://box/work', '--', 'hostname; ls /proc/self/exe; [ "$PPID" -lt 500 ] && echo small-pids')).toBe(
      'box\n/proc/self/exe\nsmall-pids\n',
    );
    const events = await near.json<JournalEvent[]>('log', '-H', 'box', '--events');
    expect(events.find(({ kind }) => kind === 'attach')?.payload).toMatchObject({ origin: { kind: 'command', user: 'root' } });
  });

  test('an attached terminal stays while its bridge is killed, and Ctrl-C is for the program there', async () => {
    const terminal = near.terminal(['attach', 'cmdop://box/work']);
    await terminal.until(/^\$/m);
    terminal.type('sleep 100\r');
    await terminal.until('sleep 100');
    const bridges = childrenOf(terminal.pid);
    expect(bridges.length).toBeGreaterThan(0);
    for (const pid of bridges) process.kill(pid, 'SIGKILL');
    terminal.type('\x03');
    await terminal.until('^C');
    terminal.type('echo status-$?\r');
    await terminal.until('status-130');
    terminal.type('\x1c');
    expect(await terminal.exited).toMatchObject({ code: 0 });
  });

  test('nothing is left of the commands that carried the bytes', async () => {
    await near.ok('ls', '-H', 'box');
    await expect.poll(() => bridgesOf(home), { timeout: 20_000 }).toEqual([]);
  });
});

describe.runIf(isRoot)('another account', () => {
  const account = `cmdop-t${process.pid}`;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cmdop-acc-'));
    execFileSync('useradd', ['--no-create-home', '--home-dir', join(folder, 'home'), '--shell', '/bin/bash', account]);
    const uid = Number(execFileSync('id', ['-u', account], { encoding: 'utf8' }));
    // Where the checkout is, others may not look.
    for (const part of [
      'cli.mjs',
      'host.mjs',
      'keeper.mjs',
      'screen-worker.mjs',
      'search-worker.mjs',
      'sketch-worker.mjs',
      'wal-thread.mjs',
      'replay-worker.mjs',
      'shell',
    ]) {
      cpSync(resolve('dist', part), join(folder, 'cmdop', 'dist', part), { recursive: true });
    }
    cpSync(resolve('node_modules/node-pty'), join(folder, 'cmdop', 'node_modules', 'node-pty'), { recursive: true, dereference: true });
    mkdirSync(join(folder, 'cmdop', 'node'));
    cpSync(nodePath(), join(folder, 'cmdop', 'node', 'node'), { dereference: true });
    mkdirSync(join(folder, 'home'));
    execFileSync('chown', [String(uid), join(folder, 'home')]);
    execFileSync('chmod', ['-R', 'a+rX', folder]);
    const cmdop = [join(folder, 'cmdop', 'node', 'node'), join(folder, 'cmdop', 'dist', 'cli.mjs')];
    const env = ['env', '-i', `HOME=${join(folder, 'home')}`, `CMDOP_HOME=${join(folder, 'home')}`, 'PATH=/usr/bin:/bin', 'SUDO_USER=ann'];
    // What `sudo -nu` does, without a configuration of it.
    await near.ok('hosts', 'add', 'other', '--', 'runuser', '-u', account, '--', ...env, ...cmdop, 'bridge');
  });
  afterAll(() => {
    endEverythingOf(join(folder, 'home'));
    execFileSync('userdel', [account], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  });

  test('its sessions run as that account, and its journal names who came', async () => {
    await near.ok('new', 'theirs', '-H', 'other', '--detach');
    expect(await near.ok('run', 'cmdop://other/theirs', '--', 'id -un')).toBe(`${account}\n`);
    const events = await near.json<JournalEvent[]>('log', '-H', 'other', '--events');
    expect(events.find(({ kind }) => kind === 'attach')?.payload).toMatchObject({ origin: { kind: 'command', user: 'ann' } });
    expect(await near.json<SessionSummary[]>('ls')).toEqual([]);
  });
});

async function startContainer(): Promise<ChildProcess> {
  const child = spawn('unshare', [...UNSHARE, 'sh', '-c', 'hostname box; echo up; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  await once(child.stdout, 'data');
  return child;
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

const bridgesOf = (home: string): string[] =>
  execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(`CMDOP_HOME=${home}`));
