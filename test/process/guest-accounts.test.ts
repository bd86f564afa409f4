/**
 * Two Unix accounts on one machine: a second person comes to a session by the shared socket, with a key, and has what the
 * invite says; the owner's own socket stays shut to them. Makes and removes the accounts; skipped without root, without
 * useradd, and where other accounts cannot read this folder.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { giveCmdop } from '../remote/far.ts';
import { clientFolder, startSshd } from '../remote/sshd.ts';
import { closeOf, serverCommand, socketTo } from './port-world.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';
import { makeAccount, makeGroup, type UnixAccount, whyNoAccounts } from './unix-accounts.ts';

const isPossible = whyNoAccounts() === null;
/** Of this run: another one may be at it beside. */
const suffix = String(process.pid);
const GROUP = `cmdopg${suffix}`;

let owner: TestCmdop;
let group: { remove(): void };
let bob: UnixAccount;
let eve: UnixAccount;

beforeAll(async () => {
  if (!isPossible) return;
  group = makeGroup(GROUP);
  bob = makeAccount(`cmdopb${suffix}`, { group: GROUP });
  eve = makeAccount(`cmdope${suffix}`);
  owner = await startCmdop({ actor: 'ann' });
  chmodSync(owner.home, 0o711); // as /tmp, where the folder is without CMDOP_HOME, others may pass through
});

afterAll(async () => {
  if (!isPossible) return;
  bob?.remove();
  eve?.remove();
  group?.remove();
  await owner?.dispose();
});

test.runIf(isPossible)(
  'a second account joins by the shared socket, and gets its session and nothing else',
  { timeout: 60_000 },
  async () => {
    await owner.ok('new', 'build', '--detach');
    await owner.ok('new', 'payroll', '--detach');
    const { socket } = await owner.json<{ socket: string }>('host', 'share-socket', '--group', GROUP);
    expect([statSync(socket).mode & 0o777, statSync(dirname(socket)).mode & 0o777]).toEqual([0o660, 0o710]);

    // The owner's socket is shut to them, and the shared one to who is not of the group.
    const invited = await owner.json<{ code: string }>('share', 'build', '--with', 'bob', '--role', 'operator');
    const own = spawnSync('runuser', ['-u', bob.user, '--', 'test', '-r', join(owner.home, 'run', 'host.sock')]);
    expect(own.status).not.toBe(0);
    const outside = eve.run('join', invited.code);
    expect(outside).toMatchObject({ code: 69, stderr: expect.stringContaining('is for a group that this account is not in') });

    const joined = bob.run('join', invited.code, '--name', 'box');
    expect(joined).toMatchObject({ code: 0, stdout: 'cmdop attach -H box build\n' });
    expect(bob.run('-H', 'box', 'ls', '--json').stdout).toContain('"build"');
    expect(bob.run('-H', 'box', 'ls', '--json').stdout).not.toContain('payroll');
    expect(bob.run('screen', '-H', 'box', 'payroll')).toMatchObject({ code: 4 });
    expect(bob.run('-H', 'box', 'kill', 'build')).toMatchObject({ code: 3, stderr: expect.stringContaining('bob is a guest of build') });
    expect(bob.run('-H', 'box', 'share', 'build', '--with', 'mallory')).toMatchObject({ code: 3 });

    const terminal = bob.terminal('attach', '-H', 'box', 'build');
    await terminal.until(/^\$/m);
    terminal.type('id -un\r');
    await owner.untilSession('build', ({ attached }) => attached.some(({ actor }) => actor.name === 'bob'));
    await terminal.until('root');
    const log = await owner.json<{ text: string; submitter: { name: string; guest?: string } }[]>('log', 'build');
    expect(log.at(-1)).toMatchObject({ text: 'id -un', submitter: { name: 'bob', guest: expect.any(String) } });
    expect(await owner.ok('blame', 'build', '--text', 'root')).toMatch(/proved the key SHA256:\S{43}, invite/);

    // The host is replaced under it, and it is still there.
    await owner.ok('host', 'upgrade', '--force');
    await owner.untilSession('build', ({ attached }) => attached.some(({ actor }) => actor.name === 'bob'));
    terminal.type('echo still-here\r');
    await terminal.until(/^still-here/m);

    const [{ id }] = (await owner.json<{ id: string }[]>('invites')) as [{ id: string }];
    await owner.ok('revoke', id);
    await terminal.until('may not be here any more');
    expect(await terminal.exited).toMatchObject({ code: 3 });
    expect(bob.run('-H', 'box', 'ls')).toMatchObject({ code: 3, stderr: expect.stringContaining('was revoked by the owner') });
    expect(readFileSync(join(owner.home, 'state', 'invites.json'), 'utf8')).not.toContain(invited.code.slice(-20));
  },
);

test.runIf(isPossible)(
  'a key that others may read is not used, and a file closed to the user that the host serves is refused in a sentence',
  { timeout: 60_000 },
  () => {
    const { home, run } = eve;
    expect(run('key')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ssh-ed25519 /) });
    const key = join(home, 'state', 'key.pem');
    expect(statSync(key).mode & 0o777).toBe(0o600);
    chmodSync(key, 0o644);
    expect(run('key')).toMatchObject({ stdout: '', stderr: expect.stringContaining(`others may read it: \`chmod 600 ${key}\``) });

    const folder = join(home, 'of-root');
    mkdirSync(folder, { mode: 0o755 });
    writeFileSync(join(folder, 'payroll'), 'secret', { mode: 0o600 });
    try {
      expect(run('new', 'mine', '--detach', '--cwd', folder)).toMatchObject({ code: 0 });
      const closed = 'is closed to the user that asked: change its permissions, or choose another place';
      for (const args of [
        ['cp', 'mine:payroll', '-'],
        ['cp', join('/etc', 'hostname'), 'mine:new-file'],
        ['files', 'mine', '/root'],
      ]) {
        const said = run(...args);
        expect(said, args.join(' ')).toMatchObject({ stdout: '', stderr: expect.stringContaining(closed) });
        expect(said.code).not.toBe(0);
      }
      expect(readdirSync(folder)).toEqual(['payroll']);
    } finally {
      run('kill', 'mine');
      run('host', 'stop');
    }
  },
);

test.runIf(isPossible).each([
  ['a channel to the socket', []],
  ['a bridge, where the server forbids that', ['AllowStreamLocalForwarding no']],
])('from another machine over SSH, as the guest’s own account, through %s', { timeout: 60_000 }, async (_way, config) => {
  const { socket } = await owner.json<{ socket: string }>('host', 'share-socket', '--group', GROUP);
  expect(socket).toContain(owner.home);
  await owner.run('new', 'far', '--detach');
  const name = config.length === 0 ? 'carl' : 'dora';
  const { code } = await owner.json<{ code: string }>('share', 'far', '--with', name, '--role', 'operator');
  const there = mkdtempSync(join(tmpdir(), 'cmdop-v-'));
  chmodSync(there, 0o755);
  giveCmdop(there);
  execFileSync('chown', ['-R', `${bob.user}:`, there]);
  const sshd = await startSshd({ config: [`SetEnv HOME=${there} CMDOP_HOME=${there}`, 'StrictModes no', 'ExposeAuthInfo yes', ...config] });
  chmodSync(sshd.folder, 0o755);
  chmodSync(join(sshd.folder, 'authorized_keys'), 0o644); // read as the account that logs in
  const laptop = await startCmdop({ actor: 'whoever' });
  const ssh = clientFolder(sshd);
  cpSync(join(ssh.folder, '.ssh'), join(laptop.home, '.ssh'), { recursive: true });
  try {
    const joined = await laptop.run('join', code, '--ssh', `${bob.user}@devbox`, '--name', 'box');
    expect(joined, joined.stderr + sshd.log()).toMatchObject({ code: 0, stdout: 'cmdop attach -H box far\n' });
    await laptop.ok('-H', 'box', 'send', 'far', 'echo over-ssh', '--enter');
    await owner.untilSession('far', ({ running }) => running === null);
    const { events } = {
      events: await owner.json<{ kind: string; actorName: string; payload: { authentication?: unknown } }[]>('log', 'far', '--events'),
    };
    const attach = events.findLast(({ kind, actorName }) => kind === 'attach' && actorName === name);
    expect(attach?.payload).toMatchObject({
      authentication: { by: 'key', key: expect.stringMatching(/^SHA256:/) },
      origin: { kind: 'ssh', user: bob.user, isClaimed: true }, // by the guest's programs: nobody vouches for it
    });
  } finally {
    await laptop.dispose();
    await sshd.dispose();
    for (const folder of [there, ssh.folder]) rmSync(folder, { recursive: true, force: true });
  }
});

test.runIf(isPossible)(
  'a forward of another account ends at once with their right to it, which their command says',
  { timeout: 60_000 },
  async () => {
    await owner.ok('host', 'share-socket', '--group', GROUP);
    const body = "socket.pipe(socket); socket.on('close', () => console.log('far end closed'));";
    await owner.ok('new', 'web', '--detach', '--', ...serverCommand('net', body));
    let ports: { port: number }[] = [];
    while (ports.length === 0) ports = await owner.json('ports', 'web');
    const { code, invite } = await owner.json<{ code: string; invite: { id: string } }>(
      'share',
      'web',
      '--with',
      'gil',
      '--role',
      'operator',
    );
    expect(bob.run('join', code, '--name', 'gilbox')).toMatchObject({ code: 0 });

    const endings: [string[], RegExp][] = [
      [['role', 'web', 'gil', 'observer'], /gil is an observer of web/],
      [['kick', 'web', 'gil'], /gil was removed from web by its owner/],
      [['revoke', invite.id], /ann has revoked the invite/],
    ];
    for (const [n, [ending, sentence]] of endings.entries()) {
      if (n > 0) await owner.ok('role', 'web', 'gil', 'operator');
      const forward = bob.terminal('forward', '-H', 'gilbox', 'web', String(ports[0]?.port));
      await forward.until(/127\.0\.0\.1:\d+ +→/);
      const socket = await socketTo(Number(/127\.0\.0\.1:(\d+)/.exec(forward.raw())?.[1]));
      socket.write('x');
      await once(socket, 'data');
      const closed = closeOf(socket);
      await owner.ok(...ending);
      await closed;
      await forward.until(sentence);
      expect((await forward.exited).code).toBe(3);
    }
    expect((await owner.ok('screen', 'web')).match(/far end closed/g)).toHaveLength(endings.length);
  },
);
