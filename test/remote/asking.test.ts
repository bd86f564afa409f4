/** What the command line asks before it is on another machine: in the terminal, once, never of a pipe, and no secret is shown. */
import { execFile } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { type Far, startFar } from './far.ts';
import { newKey } from './sshd.ts';

let far: Far;
let knownHosts: string;
beforeAll(async () => {
  far = await startFar();
  const key = newKey({ folder: far.near.home, name: 'locked', passphrase: 'open sesame' });
  far.sshd.authorize(key);
  const config = join(far.near.home, '.ssh', 'config');
  const text = readFileSync(config, 'utf8');
  knownHosts = /UserKnownHostsFile (.*)/.exec(text)?.[1] ?? '';
  writeFileSync(knownHosts, '');
  appendFileSync(
    config,
    `\n${text.replace('Host devbox', 'Host locked').replace(/IdentityFile .*/, `IdentityFile ${key.path}\n  IdentitiesOnly yes`)}`,
  );
});
afterAll(() => far.dispose());

test('without a terminal nothing is asked: the sentence says what to do, and no host is trusted', async () => {
  const run = promisify(execFile)('setsid', ['-w', nodePath(), resolve('dist/cli.mjs'), 'ls', '-H', 'devbox'], { env: far.near.env });
  await expect(run).rejects.toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/^cmdop: there is no terminal to ask in \([^\n]*known_hosts\)\n$/),
  });
  expect(readFileSync(knownHosts, 'utf8')).toBe('');
});

test('an unknown host is asked about with its fingerprint; no is no', async () => {
  const terminal = far.near.terminal(['ls', '-H', 'devbox'], { cols: 120 });
  await terminal.until(far.sshd.hostKeys[0]?.fingerprint ?? '');
  await terminal.until('[yes/no]');
  terminal.type('no\r');
  expect((await terminal.exited).code).not.toBe(0);
  expect(readFileSync(knownHosts, 'utf8')).toBe('');
});

test('yes is remembered, and the answer of a command is on stdout alone', async () => {
  const terminal = far.near.terminal(['new', 'work', '--detach', '-H', 'devbox'], { cols: 120 });
  await terminal.until('[yes/no]');
  terminal.type('yes\r');
  expect(await terminal.exited).toMatchObject({ code: 0 });
  expect(readFileSync(knownHosts, 'utf8')).not.toBe('');
  expect(await far.near.ok('run', 'cmdop://devbox/work', '--', 'echo known')).toBe('known\n');
});

test('a passphrase is asked once, also for the attach after it and when the line breaks, and never shown', async () => {
  const terminal = far.near.terminal(['new', 'mine', '-H', 'locked'], { cols: 120 });
  await terminal.until(/passphrase/i);
  terminal.type('wrong\r');
  await terminal.until((lines) => lines.join('\n').match(/passphrase/gi)?.length === 2);
  terminal.type('open sesame\r');
  await terminal.until(/^\$/m);
  terminal.type('echo one-$((1 + 1))\r');
  await terminal.until('one-2');
  far.sshd.cutConnections();
  terminal.type('echo two-$((1 + 1))\r');
  await terminal.until('two-2');
  terminal.type('\x1c');
  expect(await terminal.exited).toMatchObject({ code: 0 });
  expect(terminal.raw()).not.toContain('sesame');
});
