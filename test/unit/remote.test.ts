/** Names of hosts and who came, as far as files and words tell. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CmdopError } from '#protocol/errors.ts';
import { negotiate } from '#protocol/versions.ts';
import { keyIn, originOf } from '../../main/cli/bridge-origin.ts';
import { hostFor, sessionRef } from '../../main/cli/connect.ts';
import { splitCommand } from '../../main/cli/program.ts';
import { sentenceAbout } from '../../main/cli/remedies.ts';
import { answersIn, remarksIn } from '../../main/remote/install-scripts.ts';
import { sshConfigHosts } from '../../main/remote/ssh-config-hosts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-unit-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('hosts of an SSH configuration', () => {
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    return path;
  };

  test('are those with a name of their own, also from included files, the first one counting', () => {
    file('conf.d/10-work.conf', 'Host build "test box"\n  HostName build.example.org\n  User ci\n  Port 2222\n');
    file('conf.d/.hidden.conf', 'Host hidden\n');
    const configFile = file(
      'config',
      `Include ${folder}/conf.d/*.conf\nHost devbox build\n  User ann\nHost *.internal !x star?\nHost *\n  User root\nMatch host x\n  Port 1\n`,
    );
    expect(sshConfigHosts({ notice: () => {}, configFile })).toEqual([
      { name: 'build', how: 'ci@build.example.org:2222' },
      { name: 'devbox', how: 'ann@devbox' },
    ]);
  });

  test('files that include each other, or a mistake, are named, and list nothing', () => {
    const notices: string[] = [];
    const listed = (text: string) => sshConfigHosts({ notice: (sentence) => notices.push(sentence), configFile: file('config', text) });
    expect(listed(`Host a\nInclude ${folder}/config\nHost b\n`)).toEqual([]);
    expect(listed('Host a\n  HostName "open\n')).toEqual([]);
    expect(notices).toEqual([
      expect.stringMatching(/does it include itself\?; no host of the SSH configuration is listed$/),
      expect.stringMatching(/config:2: a quote is not closed; no host/),
    ]);
  });

  test('no file is no host', () => {
    expect(sshConfigHosts({ notice: () => {}, configFile: join(folder, 'none') })).toEqual([]);
  });
});

describe('who started a bridge', () => {
  test('by SSH: address and key, as ssh-keygen shows it', () => {
    const auth = join(folder, 'auth');
    const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ';
    writeFileSync(auth, `publickey ssh-ed25519 ${key}\n`);
    expect(originOf({ SSH_CONNECTION: '192.0.2.7 50022 198.51.100.1 22', SSH_USER_AUTH: auth })).toMatchObject({
      kind: 'ssh',
      from: '192.0.2.7',
      key: keyIn(`publickey ssh-ed25519 ${key}`),
    });
    expect(keyIn(`publickey ssh-ed25519 ${key}`)).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(keyIn('password\nkeyboard-interactive/pam\n')).toBeNull();
  });

  test('by sudo: who called it', () => expect(originOf({ SUDO_USER: 'ann' })).toEqual({ kind: 'command', user: 'ann' }));
});

describe('a failure of another machine’s host', () => {
  test('names commands as they are typed here', () => {
    const taken = new CmdopError('name-taken', 'a session api runs already: `cmdop attach api` joins it, or choose another name');
    expect(sentenceAbout('devbox', taken)).toBe(
      'a session api runs already: `cmdop -H devbox attach api` joins it, or choose another name',
    );
    const missing = new CmdopError('not-installed', 'devbox has no cmdop: `cmdop hosts install devbox` brings it there');
    expect(sentenceAbout('devbox', missing)).toBe(missing.message);
  });

  test('says which side is too old, and how to update it', () => {
    const mismatch = (host: number, client: number) => {
      try {
        negotiate({ min: client, max: client }, { min: host, max: host });
      } catch (error) {
        return sentenceAbout('devbox', error);
      }
      return '';
    };
    expect(mismatch(1, 2)).toMatch(/on devbox speaks protocol 1 at most, this cmdop 2 at least: `cmdop hosts install devbox`/);
    expect(mismatch(2, 1)).toMatch(/update this client$/);
  });
});

describe('the host of a command', () => {
  test('is what -H and the address agree on', () => {
    expect(hostFor(undefined, ['work'])).toBeUndefined();
    expect(hostFor('devbox', ['work'])).toBe('devbox');
    expect(hostFor(undefined, ['cmdop://ann%40devbox%3A2222/work'])).toBe('ann@devbox:2222');
    expect(hostFor('devbox', ['cmdop://devbox/work'])).toBe('devbox');
    expect(() => hostFor('devbox', ['cmdop://other/work'])).toThrow('cmdop://other/work is not on devbox');
    expect(sessionRef('cmdop://devbox/work')).toBe('work');
    expect(() => sessionRef('cmdop://devbox')).toThrow('cmdop://devbox is no address: write cmdop://HOST/NAME');
  });

  test('may stand anywhere before the two dashes, and is not taken for the command', () => {
    expect(splitCommand(['-H', 'run', 'new', 'x', '--', 'ls', '-H', 'y'])).toEqual({
      own: ['-H', 'run', 'new', 'x'],
      command: ['ls', '-H', 'y'],
    });
    expect(splitCommand(['-H', 'run', 'send', 'x', '--', '-l'])).toEqual({ own: ['-H', 'run', 'send', 'x', '--', '-l'], command: null });
  });
});

test('of what an installation is told, the last answer to a question counts: a login script may print before', () => {
  const { values, tools } = answersIn(
    'Welcome\ncmdop-look os=Joke\ncmdop-look os=Linux\r\ncmdop-look tool=tar\ncmdop-look tool=gzip\ncmdop-look end=\n',
  );
  expect([values.get('os'), values.get('end'), [...tools]]).toEqual(['Linux', '', ['tar', 'gzip']]);
});

test('what another machine tells an installation moves no cursor here', () => {
  const { values } = answersIn('cmdop-look folder=/home/ann\x1b[2J/\x07x\n');
  expect(values.get('folder')).toBe('/home/ann[2J/x');
  expect(remarksIn('cmdop-remark look\x1b]0;away\x07 here\r\ncmdop-look done=yes\n')).toEqual(['look]0;away here']);
});
