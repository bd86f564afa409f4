/** Who logs in: keys, agents, passphrases and their order, against a real sshd. */
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SshLink } from '../../main/remote/ssh/link.ts';
import { newSecrets, type Secrets } from '../../main/remote/ssh/secrets.ts';
import { openSshLink } from '../../main/remote/ssh-link.ts';
import { type Answers, answering } from './answers.ts';
import { type Agent, clientFolder, type KeyFile, newKey, type Sshd, startAgent, startSshd } from './sshd.ts';

let sshd: Sshd;
let agent: Agent;
let keys: { plain: KeyFile; locked: KeyFile; rsa: KeyFile; ecdsa: KeyFile; stranger: KeyFile; lockedStranger: KeyFile };
let secrets: Secrets;
const links: SshLink[] = [];
const homes: string[] = [];

beforeAll(async () => {
  sshd = await startSshd();
  agent = await startAgent();
  const { folder } = sshd;
  keys = {
    plain: newKey({ folder, name: 'plain' }),
    locked: newKey({ folder, name: 'locked', passphrase: 'open sesame' }),
    rsa: newKey({ folder, name: 'rsa', type: 'rsa' }),
    ecdsa: newKey({ folder, name: 'ecdsa', type: 'ecdsa', passphrase: 'open sesame' }),
    stranger: newKey({ folder, name: 'stranger' }),
    lockedStranger: newKey({ folder, name: 'locked-stranger', passphrase: 'nobody knows' }),
  };
  for (const key of [keys.plain, keys.locked, keys.rsa, keys.ecdsa]) sshd.authorize(key);
});

beforeEach(() => {
  secrets = newSecrets();
});

afterEach(() => {
  for (const link of links.splice(0)) link.close();
  for (const home of homes.splice(0)) rmSync(home, { recursive: true });
});

afterAll(async () => {
  await sshd.dispose();
  await agent.dispose();
});

async function login(lines: readonly string[], ask: Answers = answering(), host = 'devbox'): Promise<SshLink> {
  const { folder, configFile } = clientFolder(sshd, { lines });
  homes.push(folder);
  const link = await openSshLink({ host, configFile, ask, secrets });
  links.push(link);
  return link;
}

const file = ({ path }: KeyFile) => `IdentityFile ${path}`;

describe('what the configuration wants of a key', () => {
  const offers = () => sshd.log().split('publickey for').length;

  test.each([
    ['plain', 'PubkeyAcceptedAlgorithms -ssh-ed25519', 'not offered: PubkeyAcceptedAlgorithms has no ssh-ed25519'],
    ['rsa', 'PubkeyAcceptedAlgorithms ssh-ed25519', 'not offered: PubkeyAcceptedAlgorithms has no rsa-sha2-512'],
    ['rsa', 'PubkeyAcceptedKeyTypes ecdsa-*', 'not offered: PubkeyAcceptedAlgorithms has no rsa-sha2-512'],
    ['rsa', 'RequiredRSASize 2049', 'not offered: it has 2048 bits, and RequiredRSASize is 2049'],
  ] as const)('%s is not offered with %s, and the reason is told', async (name, line, reason) => {
    const before = offers();
    await expect(login([line, file(keys[name])])).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining(`key ${keys[name].path} (${reason})`),
    });
    expect(offers()).toBe(before);
  });

  test.each([
    ['plain', 'PubkeyAcceptedAlgorithms -rsa*'],
    ['rsa', 'PubkeyAcceptedAlgorithms rsa-sha2-*'],
    ['rsa', 'RequiredRSASize 2048'],
  ] as const)('%s logs in with %s', async (name, line) => {
    const link = await login([line, file(keys[name])]);
    expect(link.login.proof.fingerprint).toBe(keys[name].fingerprint);
  });

  test('a signature of a kind that was not wanted is never made', async () => {
    await expect(login(['PubkeyAcceptedAlgorithms rsa-sha2-512', file(keys.rsa)])).rejects.toMatchObject({
      message: expect.stringContaining('PubkeyAcceptedAlgorithms has no rsa-sha2-256, which is tried with this host'),
    });
  });
});

describe('a key', () => {
  test.each(['plain', 'rsa'] as const)('%s logs in, and the link says with what', async (name) => {
    const link = await login([file(keys[name])]);
    expect(link.describe()).toBe(`${sshd.user}@127.0.0.1:${sshd.port}, key ${keys[name].path} (${keys[name].fingerprint})`);
    expect(link.login.proof).toEqual({ method: 'publickey', label: `key ${keys[name].path}`, fingerprint: keys[name].fingerprint });
  });

  test.each(['locked', 'ecdsa'] as const)('%s with a passphrase asks for it once in the life of the process', async (name) => {
    const ask = answering({ secrets: ['open sesame'] });
    await login([file(keys[name])], ask);
    expect(ask.secrets).toEqual([
      { kind: 'passphrase', host: 'devbox', user: sshd.user, prompt: `Passphrase for ${keys[name].path}`, isEchoed: false },
    ]);
    const again = answering();
    await login([file(keys[name])], again);
    expect(again.secrets).toEqual([]);
  });

  test('takes three tries at its passphrase', async () => {
    const ask = answering({ secrets: ['open', 'sesame', 'open sesame'] });
    await login([file(keys.locked)], ask);
    expect(ask.secrets.map(({ prompt }) => prompt)).toEqual([
      `Passphrase for ${keys.locked.path}`,
      `That was not the passphrase for ${keys.locked.path}: once more`,
      `That was not the passphrase for ${keys.locked.path}: once more`,
    ]);
  });

  test('with a passphrase that was wrong three times is passed over, and the error says so', async () => {
    const ask = answering({ secrets: ['a', 'b', 'c', 'd'] });
    await expect(login([file(keys.locked)], ask)).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringMatching(/the passphrase was wrong 3 times.*Try again with the right passphrase/),
    });
    expect(ask.secrets).toHaveLength(3);
  });

  test('that the server does not take costs nobody a passphrase', async () => {
    const ask = answering({ secrets: ['open sesame'] });
    await login([file(keys.lockedStranger), file(keys.locked)], ask);
    expect(ask.secrets.map(({ prompt }) => prompt)).toEqual([`Passphrase for ${keys.locked.path}`]);
  });

  test('an empty passphrase goes on to the next key; none at all ends the attempt', async () => {
    const link = await login([file(keys.locked), file(keys.plain)], answering({ secrets: [''] }));
    expect(link.login.proof.fingerprint).toBe(keys.plain.fingerprint);
    await expect(login([file(keys.locked), file(keys.plain)], answering({ secrets: [null] }))).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('given up'),
    });
  });

  test('in an old format, of which nothing is known without its passphrase, is passed over or ends the attempt just so', async () => {
    const old = newKey({ folder: sshd.folder, name: 'old', type: 'rsa', passphrase: 'open sesame', isOld: true });
    rmSync(`${old.path}.pub`);
    sshd.authorize(old);
    const link = await login([file(old), file(keys.plain)], answering({ secrets: [''] }));
    expect(link.login.proof.fingerprint).toBe(keys.plain.fingerprint);
    const ask = answering({ secrets: [null] });
    await expect(login([file(old), file(keys.plain)], ask)).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('given up'),
    });
    expect(ask.secrets).toHaveLength(1);
    expect((await login([file(old), file(keys.plain)], answering({ secrets: ['open sesame'] }))).login.proof.fingerprint).toBe(
      old.fingerprint,
    );
  });

  test('that the server refuses: the error names every key that was tried, what is accepted and what to do', async () => {
    const failure = await login([file(keys.stranger), file(keys.lockedStranger)]).catch((error: Error) => error.message);
    expect(failure).toContain(`${sshd.user}@127.0.0.1 does not let you in`);
    expect(failure).toContain(`key ${keys.stranger.path} (${keys.stranger.fingerprint})`);
    expect(failure).toContain(`key ${keys.lockedStranger.path} (${keys.lockedStranger.fingerprint})`);
    expect(failure).toContain('it accepts publickey');
    expect(failure).toContain('authorized_keys');
  });

  test('that does not exist, that others may read, that is none: each is named', async () => {
    const open = newKey({ folder: sshd.folder, name: 'open' });
    chmodSync(open.path, 0o644);
    const rubbish = join(sshd.folder, 'rubbish');
    writeFileSync(rubbish, 'no key\n', { mode: 0o600 });
    const failure = await login([`IdentityFile /nonexistent`, file(open), `IdentityFile ${rubbish}`]).catch(
      (error: Error) => error.message,
    );
    expect(failure).toContain('there was nothing to try');
    expect(failure).toContain('/nonexistent does not exist');
    expect(failure).toContain(`${open.path} is not used: others may read it (mode 644): run \`chmod 600 ${open.path}\``);
    expect(failure).toContain(`${rubbish} is not used`);
  });

  test('and IdentitiesOnly, when the server has enough of them, are advised', async () => {
    const strict = await startSshd({ config: ['MaxAuthTries 2'] });
    const { folder, configFile } = clientFolder(strict, { lines: [keys.stranger, keys.plain, keys.rsa].map(file) });
    homes.push(folder);
    const failure = await openSshLink({ host: 'devbox', configFile, ask: answering(), secrets }).catch((error: Error) => error.message);
    expect(failure).toMatch(/too many.*IdentitiesOnly yes/i);
    await strict.dispose();
  });
});

describe('an agent', () => {
  test('signs with what it holds, though the file is locked', async () => {
    agent.add(keys.plain);
    const ask = answering();
    const link = await login([`IdentityAgent ${agent.socket}`, file(keys.stranger)], ask);
    expect(link.login.proof.fingerprint).toBe(keys.plain.fingerprint);
    expect(link.describe()).toContain('agent key plain');
    agent.add(keys.rsa);
    const named = await login([`IdentityAgent ${agent.socket}`, file(keys.rsa)], ask);
    expect(named.login.proof.fingerprint).toBe(keys.rsa.fingerprint);
    expect(ask.secrets).toEqual([]);
  });

  test('of which IdentitiesOnly allows only what is named, by its public half if that is all there is', async () => {
    agent.add(keys.plain);
    await expect(login([`IdentityAgent ${agent.socket}`, 'IdentitiesOnly yes', file(keys.stranger)])).rejects.toMatchObject({
      message: expect.not.stringContaining(keys.plain.fingerprint),
    });
    const away = join(sshd.folder, 'away');
    agent.add(keys.rsa);
    renameSync(keys.rsa.path, away);
    try {
      const link = await login([`IdentityAgent ${agent.socket}`, 'IdentitiesOnly yes', file(keys.rsa)]);
      expect(link.login.proof.fingerprint).toBe(keys.rsa.fingerprint);
    } finally {
      renameSync(away, keys.rsa.path);
    }
  });

  test('is found by SSH_AUTH_SOCK, by a variable, and not used with none', async () => {
    agent.add(keys.plain);
    const before = process.env.SSH_AUTH_SOCK;
    process.env.SSH_AUTH_SOCK = agent.socket;
    process.env.CMDOP_TEST_AGENT = agent.socket;
    try {
      for (const value of ['SSH_AUTH_SOCK', '$CMDOP_TEST_AGENT', `\${CMDOP_TEST_AGENT}`]) {
        const link = await login([`IdentityAgent ${value}`, file(keys.stranger)]);
        expect(link.login.proof.fingerprint).toBe(keys.plain.fingerprint);
      }
      await expect(login(['IdentityAgent none', file(keys.stranger)])).rejects.toMatchObject({ code: 'unauthorized' });
    } finally {
      if (before === undefined) delete process.env.SSH_AUTH_SOCK;
      else process.env.SSH_AUTH_SOCK = before;
      delete process.env.CMDOP_TEST_AGENT;
    }
  });

  test('that is gone is named, and the files are tried', async () => {
    const link = await login(['IdentityAgent /nonexistent/agent', file(keys.plain)]);
    expect(link.login.proof.fingerprint).toBe(keys.plain.fingerprint);
    await expect(login(['IdentityAgent /nonexistent/agent', file(keys.stranger)])).rejects.toMatchObject({
      message: expect.stringContaining('the agent at /nonexistent/agent cannot be asked'),
    });
  });
});

describe('what may be used', () => {
  test('nothing is asked with BatchMode', async () => {
    const ask = answering({ secrets: ['open sesame'] });
    await expect(login(['BatchMode yes', file(keys.locked)], ask)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(ask.secrets).toEqual([]);
  });

  test('a key is not tried where PreferredAuthentications leaves it out', async () => {
    await expect(login(['PreferredAuthentications password', file(keys.plain)])).rejects.toMatchObject({
      message: expect.stringContaining('there was nothing to try; it accepts publickey'),
    });
  });

  test('a certificate is named as unsupported, and the plain key logs in', async () => {
    const ask = answering();
    await login([`CertificateFile ${keys.plain.path}-cert.pub`, file(keys.plain)], ask);
    expect(ask.notices.join()).toContain('cmdop does not support certificatefile');
  });

  test('two keys where the server wants two', async () => {
    const both = await startSshd({ config: ['AuthenticationMethods publickey,publickey'] });
    both.authorize(keys.plain);
    both.authorize(keys.rsa);
    const { folder, configFile } = clientFolder(both, { lines: [keys.stranger, keys.plain, keys.rsa].map(file) });
    homes.push(folder);
    const link = await openSshLink({ host: 'devbox', configFile, ask: answering(), secrets });
    links.push(link);
    expect(link.describe()).toContain(`key ${keys.plain.path} and key ${keys.rsa.path}`);
    await both.dispose();
  });
});
