/** Who a host is: known_hosts, what is asked of a person, and what is refused whatever the configuration says. Real sshd. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SshLink } from '../../main/remote/ssh/link.ts';
import { openSshLink } from '../../main/remote/ssh-link.ts';
import { type Answers, answering } from './answers.ts';
import { type ClientFolder, clientFolder, type KeyFile, newKey, type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;
let stranger: KeyFile;
const links: SshLink[] = [];
const homes: string[] = [];

beforeAll(async () => {
  sshd = await startSshd({ hostKeyTypes: ['ed25519', 'ecdsa', 'rsa'] });
  stranger = newKey({ folder: sshd.folder, name: 'stranger' });
});

afterEach(() => {
  for (const link of links.splice(0)) link.close();
  for (const home of homes.splice(0)) rmSync(home, { recursive: true });
});

afterAll(() => sshd.dispose());

function home(options: { lines?: string[]; isKnown?: boolean } = {}): ClientFolder {
  const made = clientFolder(sshd, options);
  homes.push(made.folder);
  return made;
}

async function open({ configFile }: ClientFolder, ask: Answers = answering()): Promise<SshLink> {
  const link = await openSshLink({ host: 'devbox', configFile, ask });
  links.push(link);
  return link;
}

const known = ({ knownHostsFile }: ClientFolder) => readFileSync(knownHostsFile, 'utf8');
const place = () => `[127.0.0.1]:${sshd.port}`;
const plainKey = ({ publicLine }: KeyFile) => publicLine.split(' ').slice(0, 2).join(' ');

describe('a host that nobody knows', () => {
  test('is shown by its fingerprint, and kept once a person said yes', async () => {
    const own = home({ isKnown: false });
    const ask = answering({ hostKey: true });
    await open(own, ask);
    const [hostKey] = sshd.hostKeys;
    expect(ask.hostKeys).toEqual([{ host: '127.0.0.1', port: sshd.port, type: 'ssh-ed25519', fingerprint: hostKey?.fingerprint }]);
    expect(known(own)).toBe(`${sshd.knownHostsLines[0]}\n`);
    const again = answering();
    await open(own, again);
    expect(again.hostKeys).toEqual([]);
  });

  test('is not reached if the person says no, and not kept', async () => {
    const own = home({ isKnown: false });
    await expect(open(own)).rejects.toMatchObject({ code: 'host-key', message: expect.stringContaining('was not accepted') });
    expect(known(own)).toBe('');
  });

  test('is kept under a hashed name with HashKnownHosts, and the ssh program finds it', async () => {
    const own = home({ isKnown: false, lines: ['HashKnownHosts yes'] });
    await open(own, answering({ hostKey: true }));
    expect(known(own)).toMatch(/^\|1\|/);
    expect(execFileSync('ssh-keygen', ['-F', place(), '-f', own.knownHostsFile], { encoding: 'utf8' })).toContain('ssh-ed25519');
    const again = answering();
    await open(own, again);
    expect(again.hostKeys).toEqual([]);
  });

  test('is added on a line of its own to a file without an end of line', async () => {
    const own = home({ isKnown: false });
    writeFileSync(own.knownHostsFile, `elsewhere ${plainKey(stranger)}`);
    await open(own, answering({ hostKey: true }));
    expect(known(own).trimEnd().split('\n')).toEqual([`elsewhere ${plainKey(stranger)}`, sshd.knownHostsLines[0]]);
  });

  test('is refused with StrictHostKeyChecking yes, with the command that adds it', async () => {
    const ask = answering({ hostKey: true });
    const message = expect.stringContaining(`ssh-keyscan -p ${sshd.port} 127.0.0.1`);
    await expect(open(home({ isKnown: false, lines: ['StrictHostKeyChecking yes'] }), ask)).rejects.toMatchObject({
      code: 'host-key',
      message,
    });
    expect(ask.hostKeys).toEqual([]);
  });

  test.each(['accept-new', 'no', 'off'])('is asked about with StrictHostKeyChecking %s, which is named', async (value) => {
    const own = home({ isKnown: false, lines: [`StrictHostKeyChecking ${value}`] });
    const refused = answering();
    const message = expect.stringMatching(/was not accepted, and nothing was sent there: .* add it with `ssh-keyscan -p \d+ 127\.0\.0\.1`/);
    await expect(open(own, refused)).rejects.toMatchObject({ code: 'host-key', message });
    expect(refused.hostKeys).toHaveLength(1);
    expect(known(own)).toBe('');
    const ask = answering({ hostKey: true });
    await open(own, ask);
    expect(ask.notices.join()).toContain(`StrictHostKeyChecking ${value === 'off' ? 'no' : value} is not followed`);
    expect(known(own)).toBe(`${sshd.knownHostsLines[0]}\n`);
    const again = answering();
    await open(own, again);
    expect([again.hostKeys, again.notices]).toEqual([[], []]);
  });

  test.each(['accept-new', 'no'])('is refused where nobody can be asked, StrictHostKeyChecking %s or not', async (value) => {
    const own = home({ isKnown: false, lines: [`StrictHostKeyChecking ${value}`, 'BatchMode yes'] });
    const ask = answering({ hostKey: true });
    const message = expect.stringMatching(
      /BatchMode leaves nobody to ask: add it with `ssh-keyscan -p \d+ 127\.0\.0\.1` after checking it/,
    );
    await expect(open(own, ask)).rejects.toMatchObject({ code: 'host-key', message });
    expect([ask.hostKeys, known(own)]).toEqual([[], '']);
  });

  test('is shown with the other name under which its key is known', async () => {
    const own = home({ isKnown: false });
    writeFileSync(own.knownHostsFile, `old-name ${plainKey(sshd.hostKeys[0] ?? stranger)}\n`);
    const ask = answering({ hostKey: true });
    await open(own, ask);
    expect(ask.hostKeys[0]?.remark).toBe(`the same key is known for old-name (${own.knownHostsFile}:1)`);
  });
});

describe('a host with a changed key', () => {
  test.each(['ask', 'no', 'accept-new', 'yes'])(
    'is refused with StrictHostKeyChecking %s, with both fingerprints, the line and the remedy',
    async (value) => {
      const own = home({ lines: [`StrictHostKeyChecking ${value}`] });
      writeFileSync(own.knownHostsFile, `# mine\n${place()} ${plainKey(stranger)}\n`);
      const ask = answering({ hostKey: true });
      const failure = await open(own, ask).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'host-key' });
      const { message } = failure as Error;
      expect(message).toContain('CHANGED');
      expect(message).toContain(sshd.hostKeys[0]?.fingerprint);
      expect(message).toContain(stranger.fingerprint);
      expect(message).toContain(`${own.knownHostsFile}:2`);
      expect(message).toContain(`ssh-keygen -R '${place()}' -f ${own.knownHostsFile}`);
      expect(ask.hostKeys).toEqual([]);
      expect(known(own)).not.toContain(plainKey(sshd.hostKeys[0] ?? stranger));
    },
  );

  test('is refused under a hashed name too', async () => {
    const own = home();
    writeFileSync(own.knownHostsFile, `${place()} ${plainKey(stranger)}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', own.knownHostsFile], { stdio: 'ignore' });
    await expect(open(own)).rejects.toMatchObject({ code: 'host-key', message: expect.stringContaining('CHANGED') });
  });

  test('never gets to see a password or a key', async () => {
    const own = home();
    writeFileSync(own.knownHostsFile, `${place()} ${plainKey(stranger)}\n`);
    const before = sshd.log().length;
    await expect(open(own)).rejects.toMatchObject({ code: 'host-key' });
    expect(sshd.log().slice(before)).not.toMatch(/userauth|Failed|Accepted|publickey/i);
  });
});

test('a host whose RSA key is smaller than RequiredRSASize is refused, known or not', async () => {
  const rsa = sshd.hostKeys[2] ?? stranger;
  const lines = (bits: number) => [`RequiredRSASize ${bits}`, 'HostKeyAlgorithms rsa-sha2-*'];
  const small = home({ lines: lines(2049) });
  const message = `the RSA key of ${place()} is too small: it has 2048 bits, and RequiredRSASize is 2049`;
  await expect(open(small, answering({ hostKey: true }))).rejects.toMatchObject({
    code: 'host-key',
    message: expect.stringContaining(message),
  });
  const enough = home({ lines: lines(2048) });
  writeFileSync(enough.knownHostsFile, `${place()} ${plainKey(rsa)}\n`);
  await open(enough);
});

describe('a host that is known by one type of key', () => {
  test('is asked for that type, though it has others', async () => {
    const own = home();
    writeFileSync(own.knownHostsFile, `${place()} ${plainKey(sshd.hostKeys[2] ?? stranger)}\n`);
    const ask = answering();
    await open(own, ask);
    expect(ask.hostKeys).toEqual([]);
  });

  test('and shows another type, is asked about with the known one named', async () => {
    const own = home({ lines: ['HostKeyAlgorithms ssh-ed25519'] });
    writeFileSync(own.knownHostsFile, `${place()} ${plainKey(sshd.hostKeys[1] ?? stranger)}\n`);
    const ask = answering();
    await expect(open(own, ask)).rejects.toMatchObject({ code: 'host-key' });
    expect(ask.hostKeys[0]?.remark).toContain(`${own.knownHostsFile}:1 knows this host by a key of another type (ecdsa-sha2-nistp256`);
  });
});

describe('known_hosts', () => {
  test('@revoked refuses a key that another line vouches for', async () => {
    const own = home();
    appendFileSync(own.knownHostsFile, `@revoked * ${plainKey(sshd.hostKeys[0] ?? stranger)}\n`);
    const message = expect.stringMatching(/revoked.*known_hosts:4/);
    await expect(open(own, answering({ hostKey: true }))).rejects.toMatchObject({ code: 'host-key', message });
  });

  test('RevokedHostKeys refuses a key that is known', async () => {
    const own = home();
    const file = join(own.folder, 'revoked');
    writeFileSync(file, `${plainKey(sshd.hostKeys[0] ?? stranger)}\n`);
    appendFileSync(own.configFile, `  RevokedHostKeys ${file}\n`);
    await expect(open(own)).rejects.toMatchObject({ code: 'host-key', message: expect.stringContaining(file) });
    writeFileSync(file, `${plainKey(stranger)}\n`);
    await open(own);
    const binary = (key: KeyFile) => execFileSync('ssh-keygen', ['-q', '-k', '-f', file, `${key.path}.pub`]);
    binary(stranger);
    await open(own);
    binary(sshd.hostKeys[0] ?? stranger);
    await expect(open(own)).rejects.toMatchObject({ code: 'host-key', message: expect.stringContaining(file) });
  });

  test('a list that cannot be read vouches for nobody', async () => {
    const own = home({ lines: ['RevokedHostKeys /nonexistent/revoked'] });
    await expect(open(own)).rejects.toMatchObject({ code: 'host-key', message: expect.stringContaining('cannot be checked') });
  });

  test('@cert-authority is named, since a host certificate cannot be checked, and the plain key is asked about', async () => {
    const own = home({ isKnown: false });
    writeFileSync(own.knownHostsFile, `@cert-authority [127.0.0.*]:* ${plainKey(stranger)}\n`);
    const ask = answering();
    await expect(open(own, ask)).rejects.toMatchObject({ code: 'host-key' });
    expect(ask.notices.join()).toContain(`${own.knownHostsFile}:1: cmdop cannot check host certificates`);
    expect(ask.hostKeys).toHaveLength(1);
  });

  test('HostKeyAlias stands for the name', async () => {
    const own = home({ lines: ['HostKeyAlias the-box'] });
    writeFileSync(own.knownHostsFile, `the-box ${plainKey(sshd.hostKeys[0] ?? stranger)}\n`);
    await open(own);
  });

  test('of the whole system counts, and patterns and negation do', async () => {
    const own = home({ isKnown: false });
    const global = join(own.folder, 'global');
    writeFileSync(global, `[127.0.*]:*,![127.0.0.1]:1 ${plainKey(sshd.hostKeys[0] ?? stranger)}\n`);
    appendFileSync(own.configFile, `  GlobalKnownHostsFile ${global}\n`);
    await open(own);
    writeFileSync(global, `[127.0.*]:*,![127.0.0.1]:${sshd.port} ${plainKey(sshd.hostKeys[0] ?? stranger)}\n`);
    await expect(open(own)).rejects.toMatchObject({ code: 'host-key' });
  });

  test('a key known under the name without its port is good, and another one there refuses nothing', async () => {
    const own = home();
    writeFileSync(own.knownHostsFile, `127.0.0.1 ${plainKey(sshd.hostKeys[0] ?? stranger)}\n`);
    await open(own);
    writeFileSync(own.knownHostsFile, `127.0.0.1 ${plainKey(stranger)}\n`);
    const ask = answering({ hostKey: true });
    await open(own, ask);
    expect(ask.hostKeys).toHaveLength(1);
  });
});
