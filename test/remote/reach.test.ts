/** A session on another machine, over a real sshd, by the command line: as here, and what is said where it cannot be. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JournalEvent, SessionSummary } from '#protocol/shapes.ts';
import { type Far, startFar } from './far.ts';

describe('with cmdop over there', () => {
  let far: Far;
  beforeAll(async () => {
    far = await startFar();
    await far.near.ok('new', 'work', '-H', 'devbox', '--detach');
  });
  afterAll(() => far.dispose());

  test('every command takes the host by -H or in the address of the session, and the session is over there', async () => {
    expect(await far.near.ok('run', 'cmdop://devbox/work', '--', 'echo "$CMDOP_HOME"; pwd')).toBe(`${far.home}\n${far.home}\n`);
    const [work] = await far.near.json<SessionSummary[]>('-H', 'devbox', 'ls');
    expect(work?.address).toBe('cmdop://devbox/work');
    expect(await far.near.json<SessionSummary[]>('ls')).toEqual([]);
    const address = /cmdop:\/\/\S+/.exec(await far.near.ok('ls', '-H', 'devbox'))?.[0] ?? '';
    expect(await far.near.ok('run', address, '--', 'echo by address')).toBe('by address\n');
    expect(await far.near.run('restart', address, '--detach')).toMatchObject({
      stderr: expect.stringContaining('`cmdop -H devbox attach'),
    });
  });

  test('-H that contradicts the address is refused', async () => {
    const outcome = await far.near.run('-H', 'local', 'screen', 'cmdop://devbox/work');
    expect(outcome).toMatchObject({ code: 2, stderr: expect.stringContaining('cmdop://devbox/work is not on local') });
  });

  test('the journal over there names where the client came from, and its key', async () => {
    await far.near.ok('send', 'cmdop://devbox/work', 'x');
    const events = await far.near.json<JournalEvent[]>('-H', 'devbox', 'log', '--events');
    const attach = events.filter(({ kind }) => kind === 'attach').at(-1);
    expect(attach?.payload).toMatchObject({ origin: { kind: 'ssh', from: '127.0.0.1', key: far.sshd.clientKey.fingerprint } });
    await far.near.ok('send', 'cmdop://devbox/work', '\x03');
  });

  test('an attached terminal goes on after the host is killed there, and after the connection is cut', async () => {
    const terminal = far.near.terminal(['attach', 'work', '-H', 'devbox']);
    await terminal.until(/^\$/m);
    terminal.type('echo one-$((1 + 1))\r');
    await terminal.until('one-2');
    expect(await far.near.ok('who', 'cmdop://devbox/work')).toMatch(/^ann +human +cli +\w+ +yes +127\.0\.0\.1 +\d/m);
    const { pid } = await far.near.json<{ pid: number }>('host', 'status', '-H', 'devbox');
    process.kill(pid, 'SIGKILL');
    terminal.type('echo two-$((1 + 1))\r');
    await terminal.until(/one-2[\s\S]*two-2/);
    far.sshd.cutConnections();
    terminal.type('echo three-$((1 + 1))\r');
    await terminal.until(/one-2[\s\S]*two-2[\s\S]*three-2/);
    await far.sshd.kill();
    await terminal.until(/devbox is gone since \d\d:\d\d:\d\d, connecting again/);
    await far.sshd.start();
    terminal.type('echo four-$((1 + 1))\r');
    await terminal.until(/three-2[\s\S]*four-2/);
    expect(terminal.text().match(/four-2/g)).toHaveLength(1);
    const events = await far.near.json<JournalEvent[]>('-H', 'devbox', 'log', '--events');
    const attaches = events.filter(({ kind, actorName }) => kind === 'attach' && actorName === 'ann');
    expect(attaches.at(-1)?.payload).toMatchObject({ origin: { kind: 'ssh', key: far.sshd.clientKey.fingerprint } });
    terminal.type('\x1c');
    expect(await terminal.exited).toMatchObject({ code: 0 });
  });

  test('the host is stopped, said to be absent, and started from here', async () => {
    expect(await far.near.ok('host', 'stop', '-H', 'devbox')).toContain('1 session goes on');
    const absent = await far.near.run('host', 'status', '-H', 'devbox');
    expect(absent).toMatchObject({ code: 69, stderr: 'cmdop: no host runs on devbox: start it with `cmdop -H devbox host start`\n' });
    expect(await far.near.ok('host', 'start', '-H', 'devbox')).toMatch(/the host runs, pid \d+/);
    expect((await far.near.json<SessionSummary[]>('ls', '-H', 'devbox')).map(({ name, state }) => [name, state])).toEqual([
      ['work', 'running'],
    ]);
  });

  test('it is listed with when it was reached', async () => {
    const hosts = await far.near.json<{ name: string; by: string; reachedAt: number | null }[]>('hosts');
    expect(hosts).toMatchObject([
      { name: 'local', by: 'local', reachedAt: null },
      { name: 'devbox', by: 'ssh', reachedAt: expect.any(Number) },
    ]);
  });

  test('a login script that prints, or asks, is no obstacle', async () => {
    far.bashrc('echo "Welcome to devbox"; echo "have a nice day" >&2; printf "cmdop\\000"; read -r answer; echo "$answer"\n');
    expect(await far.near.ok('run', 'cmdop://devbox/work', '--', 'echo still-here')).toBe('still-here\n');
  });
});

describe('where the server lets no stream reach a socket', () => {
  let far: Far;
  beforeAll(async () => {
    far = await startFar({ config: ['AllowStreamLocalForwarding no'] });
    await far.near.ok('new', 'work', '-H', 'devbox', '--detach');
  });
  afterAll(() => far.dispose());

  test('the bridge carries the bytes, 8 MB of them whole', async () => {
    const numbers = (await far.near.ok('run', 'cmdop://devbox/work', '--', 'seq 1 1000000')).trim().split('\n');
    expect([numbers.length, numbers.at(-1)]).toEqual([1_000_000, '1000000']);
  });

  test('what a login prints before the host’s bytes is skipped', async () => {
    far.bashrc('head -c 45000 /dev/urandom | base64; echo "Welcome"\n');
    expect(await far.near.ok('run', 'cmdop://devbox/work', '--', 'echo whole')).toBe('whole\n');
  });
});

describe('where something is missing', () => {
  let far: Far;
  beforeAll(async () => {
    far = await startFar({ hasCmdop: false });
  });
  afterAll(() => far.dispose());

  test('no cmdop over there: the remedy is named', async () => {
    const outcome = await far.near.run('ls', '-H', 'devbox');
    expect(outcome).toMatchObject({ code: 69, stderr: 'cmdop: devbox has no cmdop: `cmdop hosts install devbox` brings it there\n' });
  });

  test('a host nobody answers at, and a name that can be none', async () => {
    expect(await far.near.run('ls', '-H', '127.0.0.1:1')).toMatchObject({ code: 69, stderr: expect.stringMatching(/^cmdop: [^\n]+\n$/) });
    expect(await far.near.run('ls', '-H', 'a b')).toMatchObject({ code: 2, stderr: expect.stringContaining('"a b" is no host') });
  });

  test('a login script that ends the login is told, with what it said', async () => {
    far.bashrc('echo "no more disk quota"; exit 3\n');
    const { stderr } = await far.near.run('ls', '-H', 'devbox');
    expect(stderr).toMatch(/^cmdop: devbox: its bridge ended without a word \(exit code 3\); it said "no more disk quota": a login script/);
    far.bashrc('');
  });

  test('an account that may only run the bridge is served by it', async () => {
    far.giveCmdop();
    const line = `command="${far.home}/.local/bin/cmdop bridge",restrict`;
    const keys = `${far.sshd.folder}/authorized_keys`;
    writeFileSync(keys, `${line} ${readFileSync(keys, 'utf8')}`);
    expect(await far.near.ok('new', 'work', '-H', 'devbox', '--detach')).toBe('work\n');
    expect(await far.near.ok('run', 'cmdop://devbox/work', '--', 'echo served')).toBe('served\n');
  });
});
