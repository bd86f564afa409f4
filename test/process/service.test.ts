/**
 * `cmdop host enable` and `disable`. Here no systemd of a user runs: its manager's socket is stood in for by a script that
 * makes links as the real one does; that the unit is right, the real systemd says, and that it starts a host, we do.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { launchdAgent, systemdUnit } from '../../main/local/service-files.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
const unit = () => join(cmdop.home, '.config/systemd/user/cmdop.service');
const asked = () => readFileSync(join(cmdop.home, 'asked'), 'utf8').trim().split('\n');
const standIn = (name: string, script: string) =>
  writeFileSync(join(cmdop.home, 'bin', name), `#!/bin/bash\necho "${name} $*" >> "$HOME/asked"\n${script}\n`, { mode: 0o755 });

beforeAll(async () => {
  cmdop = await startCmdop();
  standIn('loginctl', 'echo Linger=no');
});
afterAll(() => cmdop.dispose());

const isLinux = process.platform === 'linux';
const hasSystemd = isLinux && spawnSync('systemd-analyze', ['--version']).status === 0;
const LINKS = 'case $2 in enable|disable) SYSTEMD_OFFLINE=1 exec /usr/bin/systemctl "$@" 2>/dev/null ;; esac';

/** What the real systemd says of a unit of a user. */
function verified(file: string) {
  const env = { PATH: process.env.PATH ?? '', HOME: cmdop.home, XDG_RUNTIME_DIR: cmdop.home };
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['--user', '--man=no', 'verify', file], { env, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

test.runIf(isLinux)('without a systemd of this user it says so, and changes nothing', async () => {
  standIn('systemctl', 'echo "Failed to connect to bus: No medium found" >&2; exit 1');
  const { code, stderr } = await cmdop.run('host', 'enable');
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/^cmdop: no systemd of yours answers here \(Failed to connect to bus: No medium found\): log in/),
  ]);
  expect(existsSync(unit())).toBe(false);
});

test.runIf(hasSystemd)('the unit is one that systemd takes, also below a folder with every odd character', () => {
  const folder = join(cmdop.home, 'a "b" %h $HOME \\n c');
  mkdirSync(folder);
  for (const name of ['node', 'host.mjs']) writeFileSync(join(folder, name), '#!/bin/sh\n', { mode: 0o755 });
  const file = join(cmdop.home, 'cmdop.service');
  writeFileSync(file, systemdUnit({ command: [join(folder, 'node'), '--flag', join(folder, 'host.mjs')], env: { CMDOP_HOME: folder } }));
  expect(verified(file)).toEqual({ status: 0, said: '' });
  writeFileSync(file, readFileSync(file, 'utf8').replace('KillMode=process', 'KillMode=everything'));
  expect(verified(file).said).toMatch(/kill ?mode/i);
});

test.runIf(hasSystemd)('enable writes it, twice as once; another build is told and put right; disable leaves sessions alone', async () => {
  standIn('systemctl', LINKS);
  await cmdop.ok('new', 'work', '--detach');
  const first = await cmdop.run('host', 'enable');
  expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^enabled: the host starts when you log in/) });
  expect(first.stderr).toContain('loginctl enable-linger');
  expect(asked().slice(-4)).toEqual([
    'systemctl --user daemon-reload',
    'systemctl --user enable cmdop.service',
    'systemctl --user start cmdop.service',
    expect.stringMatching(/^loginctl show-user/),
  ]);
  expect(lstatSync(join(cmdop.home, '.config/systemd/user/default.target.wants/cmdop.service')).isSymbolicLink()).toBe(true);
  expect(await cmdop.ok('host', 'enable')).toMatch(/^enabled already/);
  writeFileSync(unit(), readFileSync(unit(), 'utf8').replaceAll('host.mjs', 'moved.mjs'));
  expect(await cmdop.ok('host', 'status')).toContain('starts another build: `cmdop host enable` changes that');
  expect(await cmdop.ok('host', 'enable')).toMatch(/^enabled anew, for this build/);
  expect(await cmdop.json('host', 'status')).toMatchObject({
    service: { kind: 'systemd', file: unit(), isEnabled: true, isCurrent: true },
  });
  expect(await cmdop.ok('host', 'disable')).toMatch(/^disabled/);
  expect([existsSync(unit()), await cmdop.ok('host', 'disable')]).toEqual([false, 'it was not enabled\n']);
  expect((await cmdop.json<{ state: string }[]>('ls'))[0]?.state).toBe('running');
});

test.runIf(isLinux)('a unit that somebody else wrote stays theirs', async () => {
  mkdirSync(join(cmdop.home, '.config/systemd/user'), { recursive: true });
  writeFileSync(unit(), '[Service]\nExecStart=/bin/true\n');
  for (const verb of ['enable', 'disable']) expect((await cmdop.run('host', verb)).stderr).toContain('was not made by cmdop');
  expect(readFileSync(unit(), 'utf8')).toContain('/bin/true');
});

test.runIf(hasSystemd)('what the unit starts is a host that takes over the sessions, and one that finds another ends with 0', async () => {
  writeFileSync(unit(), '# made by `cmdop host enable`');
  await cmdop.ok('host', 'enable');
  const [, words = ''] = /^ExecStart=(.*)$/m.exec(readFileSync(unit(), 'utf8')) ?? [];
  // As systemd reads it.
  const read = (word: string) =>
    word
      .replaceAll(/\\(.)/g, '$1')
      .replaceAll('$$', () => '$')
      .replaceAll('%%', '%');
  const [program = '', ...args] = [...words.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => read(word));
  const start = () =>
    spawn(program, args, {
      env: { HOME: cmdop.home, CMDOP_HOME: cmdop.home, PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const late = start();
  expect(await once(late, 'exit')).toEqual([0, null]);
  await cmdop.ok('host', 'stop');
  const service = start();
  await once(service.stdout, 'data');
  expect(await cmdop.hostPid()).toBe(service.pid);
  expect((await cmdop.json<{ state: string }[]>('ls'))[0]?.state).toBe('running');
  // As systemd stops it: the main process alone.
  service.kill('SIGTERM');
  expect(await once(service, 'exit')).toEqual([0, null]);
  expect((await cmdop.json<{ state: string }[]>('ls'))[0]?.state).toBe('running');
});

test('the launchd agent is a property list with what it starts', () => {
  const text = launchdAgent({ command: ['/opt/a & b/node', '--flag', '/opt/<c>/host.mjs'], env: { CMDOP_HOME: '/h' } });
  // Python reads property lists as macOS does.
  const read = 'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))';
  const { stdout, stderr } = spawnSync('python3', ['-c', read], { input: text, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({
    Label: 'dev.cmdop.host',
    ProgramArguments: ['/opt/a & b/node', '--flag', '/opt/<c>/host.mjs'],
    EnvironmentVariables: { CMDOP_HOME: '/h' },
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    AbandonProcessGroup: true,
  });
});

/** Takes datagrams as systemd does: prints them, and lets whoever waits until they are taken go on. */
const LISTENER = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True:
    words, fds, _, _ = socket.recv_fds(s, 4096, 4)
    print(words.decode(), flush=True)
    for fd in fds: os.close(fd)
`;

test.runIf(hasSystemd)('after every upgrade systemd is told which process is the service; no session can speak for it', async () => {
  const other = await startCmdop();
  const socket = join(other.home, 'notify');
  const listener = spawn('python3', ['-c', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  listener.stdout.on('data', (bytes: Buffer) => {
    told += bytes;
  });
  const hears = async (words: string) => {
    while (!told.includes(words)) await once(listener.stdout, 'data');
  };
  await hears('listening');
  const host = spawn(nodePath(), [resolve('dist/host.mjs')], {
    env: { ...other.env, NOTIFY_SOCKET: socket },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(host.stdout, 'data');
  await other.ok('new', 'work', '--detach');
  expect(await other.ok('run', 'work', '--', 'env | grep -c -e NOTIFY -e CMDOP_SUCCESSOR; true')).toBe('0\n');
  for (let turn = 0; turn < 2; turn++) {
    await other.ok('host', 'upgrade', '--force');
    await hears(`MAINPID=${await other.hostPid()}\n`);
  }
  expect(await other.ok('run', 'work', '--', 'echo goes on')).toBe('goes on\n');
  listener.kill();
  await other.dispose();
});
