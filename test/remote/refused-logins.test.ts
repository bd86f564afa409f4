/** A lasting command whose login is refused when it comes back: it says so and ends, and the server sees no second try. */
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthContext } from 'ssh2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { endEverythingOf } from '../process/end-everything.ts';
import { serverCommand } from '../process/port-world.ts';
import { startCmdop, type TestCmdop } from '../process/start-cmdop.ts';
import { giveCmdop } from './far.ts';
import { type OddServer, oddHostLine, runningPrograms, startOddServer } from './odd-server.ts';

let near: TestCmdop;
let home: string;
let server: OddServer;
/** What the server does with whoever comes. */
let authenticate: (attempt: AuthContext) => void;

const letsIn = (attempt: AuthContext) => attempt.accept();
const letsNobodyIn = (attempt: AuthContext) => attempt.reject(['publickey']);
/** As a second factor is asked for: another answer each time. */
const asksCode = (attempt: AuthContext) => {
  if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
  attempt.prompt([{ prompt: 'Code: ', echo: true }], ([code]) => (code === '42' ? attempt.accept() : attempt.reject()));
};

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'cmdop-refusing-'));
  giveCmdop(home);
  writeFileSync(join(home, '.bashrc'), "PS1='far$ '\n");
  writeFileSync(join(home, '.bash_profile'), '. ~/.bashrc\n');
  const far = { PATH: process.env.PATH ?? '', HOME: home, CMDOP_HOME: join(home, 'c'), SHELL: '/bin/bash', LANG: 'C.UTF-8' };
  server = await startOddServer({ authenticate: (attempt) => authenticate(attempt), opened: runningPrograms(far) });
  near = await startCmdop({ actor: 'ann' });
  mkdirSync(join(near.home, '.ssh'), { mode: 0o700 });
  const lines = [
    'Host box',
    'HostName 127.0.0.1',
    `Port ${server.port}`,
    'User ann',
    'IdentityAgent none',
    `UserKnownHostsFile ${join(near.home, '.ssh', 'known')}`,
  ];
  writeFileSync(join(near.home, '.ssh', 'known'), `${oddHostLine(server.port)}\n`);
  writeFileSync(join(near.home, '.ssh', 'config'), `${lines.join('\n  ')}\n`);
});
beforeEach(() => {
  authenticate = letsIn;
});
afterEach(() => cut());
afterAll(async () => {
  await near.dispose();
  await server.dispose();
  endEverythingOf(join(home, 'c'));
  rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
});

function cut(): void {
  for (const connection of server.connections) connection.end();
}

test('attach asks nobody over a session: it gives the terminal back, says what is in the way, and attaching again asks', async () => {
  authenticate = asksCode;
  const shell = near.shell();
  await shell.until(/^#/m);
  shell.type('cmdop new work -H box; echo "code $?"; stty -a | grep -ow -- "-*icanon"\r');
  await shell.until('Code:');
  shell.type('42\r');
  await shell.until(/^far\$/m);
  const logins = server.connections.length;
  cut();
  await shell.until(/^code 3$/m);
  await shell.until(/^icanon$/m);
  expect(shell.lines().join('')).toMatch(
    /given up: nobody answered what was asked; work goes on, and `cmdop -H box attach work` logs in anew/,
  );
  expect(server.connections.length).toBe(logins + 1);

  shell.type('clear; cmdop -H box attach work\r');
  await shell.until('Code:');
  shell.type('42\r');
  await shell.until(/^far\$/m);
  shell.type('\x1c');
  await shell.until(/detached from work/);
});

describe('a command that lasts', () => {
  let port: number;
  beforeAll(async () => {
    authenticate = letsIn;
    await near.ok('new', 'web', '-H', 'box', '--detach', '--', ...serverCommand('http', "response.end('served')"));
    await near.ok('new', 'shell', '-H', 'box', '--detach');
    await near.ok('run', 'cmdop://box/shell', '--', 'echo logged');
    let ports: { port: number }[] = [];
    while (ports.length === 0) ports = await near.json('ports', 'cmdop://box/web');
    port = ports[0]?.port ?? 0;
  });

  const started = (args: readonly string[]) => {
    const child = near.start(...args);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += bytes.toString();
    });
    child.stderr.on('data', (bytes: Buffer) => {
      stderr += bytes.toString();
    });
    return { exited: once(child, 'close'), stdout: () => stdout, stderr: () => stderr };
  };

  test.each([
    ['log --follow', () => ['log', '--follow', '-H', 'box'], 'logged'],
    ['forward', () => ['forward', 'cmdop://box/web', String(port), '--json'], '"is":"open"'],
  ])('%s ends with the refusal of its next login', async (_name, args, said) => {
    const command = started(args());
    await expect.poll(command.stdout, { timeout: 20_000 }).toContain(said);
    await expectToEnd(command);
  });

  test('run, too, though its command goes on over there', async () => {
    const command = started(['run', 'cmdop://box/shell', '--', 'touch ~/began; sleep 1000']);
    await expect.poll(() => existsSync(join(home, 'began')), { timeout: 20_000 }).toBe(true);
    await expectToEnd(command);
  });

  async function expectToEnd({ exited, stderr }: ReturnType<typeof started>): Promise<void> {
    const logins = server.connections.length;
    authenticate = letsNobodyIn;
    cut();
    expect((await exited)[0]).toBe(3);
    expect(stderr()).toMatch(/ann@127\.0\.0\.1 does not let you in/);
    expect(server.connections.length).toBe(logins + 1);
  }
});
