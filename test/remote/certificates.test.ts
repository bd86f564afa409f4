/** A server that takes certificates alone: cmdop says what to do, and the person's own ssh, with a real authority's, carries it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyIn } from '../../main/cli/bridge-origin.ts';
import { type Far, startFar } from './far.ts';
import { type KeyType, newKey } from './sshd.ts';

let far: Far;
let folder: string;
let certificate: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-ca-'));
  const authority = newKey({ folder, name: 'ca' });
  far = await startFar({ config: ['AuthorizedKeysFile none', `TrustedUserCAKeys ${authority.path}.pub`] });
  const { user, clientKey } = far.sshd;
  // Where OpenSSH looks for it: beside the key.
  execFileSync('ssh-keygen', ['-q', '-s', authority.path, '-I', 'ann', '-n', user, '-V', '+1h', `${clientKey.path}.pub`]);
  certificate = `${clientKey.path}-cert.pub`;
});
afterAll(async () => {
  await far?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test('what cannot be offered is named, with the way that can', async () => {
  expect(await far.near.run('ls', '-H', 'devbox')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining(
      `${certificate} is a certificate, which cmdop cannot offer: \`cmdop hosts add NAME -- ssh devbox cmdop bridge\` goes through your own ssh`,
    ),
  });
});

test('that way reaches the host, and starts it', async () => {
  const { sshd, near } = far;
  const known = join(folder, 'known_hosts');
  writeFileSync(known, `${sshd.knownHostsLines.join('\n')}\n`);
  const options = ['-F', 'none', '-o', `UserKnownHostsFile=${known}`, '-o', 'IdentityAgent=none', '-i', sshd.clientKey.path];
  const ssh = ['ssh', ...options, '-p', String(sshd.port), `${sshd.user}@${sshd.address}`];
  await near.ok('hosts', 'add', 'office', '--', ...ssh, `${far.home}/.local/bin/cmdop`, 'bridge');
  expect(await near.ok('new', 'work', '-H', 'office', '--detach')).toBe('work\n');
  expect(await near.ok('run', 'cmdop://office/work', '--', 'echo "$((40 + 2))"')).toBe('42\n');
  expect(sshd.log()).toMatch(/Accepted publickey for \S+ from \S+ port \d+ ssh2: \S+-CERT .* ID ann .* CA /);
});

test.each<KeyType>(['ed25519', 'rsa', 'ecdsa'])('who came with a certificate of an %s key is named by that key', (type) => {
  const key = newKey({ folder, name: `own_${type}`, type });
  execFileSync('ssh-keygen', ['-q', '-s', join(folder, 'ca'), '-I', 'ann', '-n', 'ann', `${key.path}.pub`]);
  const [certified, blob] = readFileSync(`${key.path}-cert.pub`, 'utf8').split(' ');
  expect(certified).toContain('-cert-v01@openssh.com');
  expect(keyIn(`publickey ${certified} ${blob}\n`)).toBe(key.fingerprint);
  expect(keyIn(`publickey ${key.publicLine.split(' ').slice(0, 2).join(' ')}\n`)).toBe(key.fingerprint);
});
