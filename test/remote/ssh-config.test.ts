/** ssh_config is read as OpenSSH reads it: the same files are given to `ssh -G`, and both must mean the same. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseDestination } from '../../main/remote/ssh/destination.ts';
import { type HostConfig, hostConfig } from '../../main/remote/ssh/host-config.ts';

let folder: string;
let notices: string[];
const before = process.env.HOME;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-ssh-config-'));
});

beforeEach(() => {
  notices = [];
  process.env.HOME = folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, '.ssh', 'conf.d'), { recursive: true, mode: 0o700 });
});

afterAll(() => {
  process.env.HOME = before;
  rmSync(folder, { recursive: true, force: true });
});

function write(text: string, name = 'config'): string {
  const file = join(folder, '.ssh', name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

function read(host: string, sources: { configFile?: string; systemFile?: string } = {}): Promise<HostConfig> {
  return hostConfig(parseDestination(host), { systemFile: '/nonexistent', ...sources }, (text) => notices.push(text));
}

/** What `ssh -G` prints, by name. It takes its home from the account, so files are named with their whole path. */
function asked(host: string, file: string): Map<string, string[]> {
  const text = execFileSync('ssh', ['-G', '-F', file, host], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const found = new Map<string, string[]>();
  for (const line of text.split('\n').filter(Boolean)) {
    const [name = '', ...value] = line.split(' ');
    found.set(name, [...(found.get(name) ?? []), value.join(' ')]);
  }
  return found;
}

describe('means the same as to ssh -G', () => {
  const CONFIG = `
# The first value wins.
User first
Host plain
  HostName plain.example
  Port 2222
Host *.example !bad.example
  HostName %h.real
  Port=2200
Host quoted "two"
    HostName "quoted.example"   # a comment
    User   'o''hara'
Host many
  IdentityFile /keys/one
  IdentityFile "/keys/two %h %r %p %n %%"
Host jumpy
  ProxyJump ann@one:2201,two
Host command
  ProxyCommand nc -x "proxy:1" --opt=a=b %h %p # not a comment
Host command-then-jump
  ProxyCommand none
Host *-then-jump
  ProxyJump late
Match host plain.example
  Compression yes
Match originalhost quoted,other user first
  ConnectTimeout 7
Match user first host "many,jumpy"
  ServerAliveInterval 42
Match !host plain.example exec "test %h = many"
  ServerAliveCountMax 9
Match host plain.example exec "false"
  ServerAliveCountMax 8
Match final host *.real
  ServerAliveCountMax 4
Match all
  StrictHostKeyChecking accept-new
  HostKeyAlias alias
`;

  test.each([
    'plain',
    'a.example',
    'bad.example',
    'quoted',
    'two',
    'many',
    'jumpy',
    'command',
    'command-then-jump',
    'unnamed',
    'bob@plain',
  ])('%s', async (host) => {
    const file = write(CONFIG);
    const theirs = asked(host, file);
    const ours = await read(host, { configFile: file });
    const one = (name: string) => theirs.get(name)?.[0];
    expect(ours.hostName).toBe(one('hostname'));
    expect(ours.user).toBe(one('user'));
    expect(String(ours.port)).toBe(one('port'));
    expect(ours.proxyJump.join(',')).toBe(one('proxyjump') ?? '');
    expect(ours.proxyCommand?.replaceAll(ours.hostName, '%h').replace(String(ours.port), '%p')).toBe(one('proxycommand'));
    expect(ours.algorithms.isCompressed).toBe(one('compression') === 'yes');
    // Ours differ where nothing is said.
    if (one('serveraliveinterval') !== '0') expect(String(ours.keepaliveMs / 1000)).toBe(one('serveraliveinterval'));
    expect(String(ours.keepaliveCount)).toBe(one('serveralivecountmax'));
    if (one('connecttimeout') !== 'none') expect(String(ours.connectMs / 1000)).toBe(one('connecttimeout'));
    expect(ours.hostKeys.strict).toBe(one('stricthostkeychecking'));
    expect(ours.keyAlias).toBe(one('hostkeyalias'));
    expect(notices).toEqual([]);
  });
});

describe('algorithms of keys', () => {
  test.each(['+ssh-rsa', '-rsa*', '^rsa-sha2-256', '-ecdsa-*,ssh-ed25519', '+ssh-*', 'ssh-ed25519,rsa-sha2-512', 'sk-*@openssh.com'])(
    '%s leaves those that it leaves to ssh -G',
    async (list) => {
      const file = write(`PubkeyAcceptedAlgorithms ${list}\n`);
      const ours = (await read('box', { configFile: file })).keyRules.algorithms ?? [];
      const theirs = new Set(asked('box', file).get('pubkeyacceptedalgorithms')?.[0]?.split(','));
      const known = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256'];
      expect([...ours].sort()).toEqual([...known, 'ssh-rsa', 'ssh-dss'].filter((name) => theirs.has(name)).sort());
    },
  );
});

describe('files', () => {
  test('include others by pattern, in the order of their names, and only where the section holds', async () => {
    write('Include conf.d/*.conf\nHost inner\n  Include only-inner\nHost *\n  Port 9\n');
    write('Host box\n  Port 1\n', 'conf.d/20-b.conf');
    write('Host box\n  User early\n  Port 2\n', 'conf.d/10-a.conf');
    write('Host box\n  Port 3\n', 'conf.d/.hidden.conf');
    write('User within\n', 'only-inner');
    expect(await read('box')).toMatchObject({ user: 'early', port: 2 });
    expect(await read('inner')).toMatchObject({ user: 'within', port: 9 });
    expect((await read('other')).user).toBe(userInfo().username);
  });

  test('that include themselves are an error with their name', async () => {
    write(`Include ${join(folder, '.ssh', 'config')}\n`);
    await expect(read('box')).rejects.toMatchObject({ code: 'bad-configuration', message: expect.stringContaining('include itself') });
  });

  test('of the system come after the user’s', async () => {
    write('Host box\n  Port 1\n');
    const systemFile = write('Host box\n  Port 2\n  User system\n', 'system');
    expect(await read('box', { systemFile })).toMatchObject({ port: 1, user: 'system' });
  });

  test('that others may write to are refused', async () => {
    chmodSync(write('Host box\n  ProxyCommand evil\n'), 0o666);
    await expect(read('box')).rejects.toMatchObject({ code: 'bad-configuration', message: expect.stringContaining('chmod 600') });
  });

  test('that are not there mean nothing', async () => {
    expect(await read('box')).toMatchObject({ hostName: 'box', port: 22, proxyJump: [], proxyCommand: null, keepaliveMs: 15_000 });
  });

  test.each([
    ['Port twenty', 'port is twenty'],
    ['StrictHostKeyChecking perhaps', 'stricthostkeychecking is perhaps'],
    ['IdentityFile "/open', 'a quote is not closed'],
    ['HostName', 'hostname has no value'],
    ['Match someone else\n  Port 1', 'there is no Match someone'],
    ['IdentityFile %z', '%z cannot be replaced here'],
    [`IdentityFile \${CMDOP_NOT_SET}`, `the environment has no \${CMDOP_NOT_SET}`],
    ['RefuseConnection "moved to box2"', 'says not to connect to box: moved to box2'],
  ])('with %j are refused with the place', async (line, complaint) => {
    const file = write(`# comment\n\n${line}\n`);
    await expect(read('box')).rejects.toMatchObject({
      code: 'bad-configuration',
      message: expect.stringMatching(new RegExp(`${file}.*${complaint.replace(/[$\\{}]/g, '\\$&')}`, 'i')),
    });
  });
});

describe('what is not supported', () => {
  test('is named with its place where it would change who or what is reached', async () => {
    const file = write(
      'Host *\n  CanonicalizeHostname yes\n  CertificateFile /c\n  Frobnicate yes\n  ForwardAgent yes\n  ControlMaster auto\n',
    );
    await read('box');
    expect(notices).toEqual([
      `${file}:2: cmdop does not support canonicalizehostname: names are used as they are; write the whole name in HostName`,
      `${file}:3: cmdop does not support certificatefile: the plain key is offered; \`cmdop hosts add NAME -- ssh HOST cmdop bridge\` goes through your own ssh, which can use it`,
      `${file}:4: cmdop does not know frobnicate; it is left out`,
    ]);
  });

  test('is named where a connection would be guarded less than was asked for', async () => {
    const file = write(
      'RekeyLimit 100M 1h\nObscureKeystrokeTiming yes\nCheckHostIP yes\nInclude conf.d/%h.conf\nHost *\n  Include conf.d/%r\n',
    );
    await read('box');
    expect(notices.map((text) => text.split(': ').slice(0, 2))).toEqual([
      [`${file}:1`, 'cmdop does not support rekeylimit'],
      [`${file}:2`, 'cmdop does not support obscurekeystroketiming'],
      [`${file}:3`, 'cmdop does not support checkhostip'],
      [`${file}:4`, 'cmdop does not support include'],
      [`${file}:6`, 'cmdop does not support include'],
    ]);
  });

  test('is not named where it is about terminals, forwarding and shared connections, of which there are none here', async () => {
    const lines = ['ForwardAgent yes', 'SetEnv A=b', 'SendEnv LANG', 'LocalForward 1 a:1', 'RemoteForward 1 a:1', 'DynamicForward 1'];
    write([...lines, 'RemoteCommand top', 'AddKeysToAgent yes', 'ControlMaster auto', 'RekeyLimit default none', ''].join('\n'));
    await read('box');
    expect(notices).toEqual([]);
  });

  test('is not named where it does not hold for this host, or says no', async () => {
    write('Host other\n  CanonicalizeHostname yes\nHost *\n  CanonicalizeHostname no\n');
    await read('box');
    expect(notices).toEqual([]);
  });

  test('a Match that cannot be judged does not hold, and is named', async () => {
    const file = write('Match localnetwork 10.0.0.0/8\n  Port 7\nMatch !sessiontype shell\n  Port 8\n');
    expect((await read('box')).port).toBe(22);
    expect(notices).toEqual([
      `${file}:1: cmdop cannot judge \`Match localnetwork\`; that section is left out`,
      `${file}:3: cmdop cannot judge \`Match sessiontype\`; that section is left out`,
    ]);
  });

  test('every option of this machine’s ssh is known to us', async () => {
    const names = [...asked('box', '/dev/null').keys()];
    write(
      `Host *\n${names
        .filter((name) => !/^(match|host|include)$/.test(name))
        .map((name) => `  ${name} none`)
        .join('\n')}\n`,
    );
    await read('box').catch(() => {
      // many of them cannot be `none`: only what is unknown matters here
    });
    expect(notices.filter((text) => text.includes('does not know'))).toEqual([]);
  });
});

describe('values', () => {
  test('have their tokens, variables and home replaced', async () => {
    process.env.CMDOP_TEST_KEYS = '/keys';
    write(
      `Host box\n  HostName %h.example\n  User ann\n  IdentityFile ~/.ssh/%r@%h:%p-%n-%L\n  IdentityFile \${CMDOP_TEST_KEYS}/k\n  UserKnownHostsFile ~/a ~/b\n`,
    );
    const config = await read('box');
    const local = hostname().split('.')[0];
    expect(config.identityFiles).toEqual([join(homedir(), `.ssh/ann@box.example:22-box-${local}`), '/keys/k']);
    expect(config.hostKeys.userFiles).toEqual([join(folder, 'a'), join(folder, 'b')]);
    delete process.env.CMDOP_TEST_KEYS;
  });

  test('%C is the hash that ssh makes', async () => {
    const file = write('Host box\n  HostName box.example\n  User ann\n  Port 77\n  ControlPath /c/%C\n  ProxyCommand /c/%C\n');
    expect((await read('box', { configFile: file })).proxyCommand).toBe(asked('box', file).get('controlpath')?.[0]);
  });

  test('typed by the person win over the files', async () => {
    write('Host box\n  User file\n  Port 1\n');
    expect(await read('me@box:2')).toMatchObject({ user: 'me', port: 2, typed: 'box' });
  });
});

describe('a typed name', () => {
  test.each([
    ['box', { host: 'box', user: null, port: null }],
    ['ann@box:22', { host: 'box', user: 'ann', port: 22 }],
    ['ssh://ann@box:22/', { host: 'box', user: 'ann', port: 22 }],
    ['ann@corp@box', { host: 'box', user: 'ann@corp', port: null }],
    ['[::1]:22', { host: '::1', user: null, port: 22 }],
    ['fe80::1', { host: 'fe80::1', user: null, port: null }],
  ])('%s', (text, spec) => {
    expect(parseDestination(text)).toEqual(spec);
  });

  test.each(['', '-oProxyCommand=evil', 'box;evil', '`evil`', '$(evil)', 'a b', '-l@box', 'ann;evil@box', 'box:0', 'box:99999', 'box\n'])(
    '%j is refused: it may come from a link, and ends up in commands',
    (text) => {
      expect(() => parseDestination(text)).toThrow(/is no SSH host/);
    },
  );
});
