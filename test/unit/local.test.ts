/** The edges of this machine: folders nobody else may enter, a clean environment, the person's name. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cleanEnvironment } from '#local/clean-environment.ts';
import { ensureLocalFolders, localPaths } from '#local/paths.ts';
import { personName, userNameIn } from '#local/person-name.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-local-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('folders', () => {
  const paths = () => localPaths({ CMDOP_HOME: folder });

  test.runIf(process.platform === 'linux')('are the same with and without a login of its own, which may end before the sessions do', () => {
    const login = { XDG_RUNTIME_DIR: folder, TMPDIR: folder };
    expect(localPaths(login).hostSocket).toBe(localPaths({}).hostSocket);
    // Unless a host of an earlier version is there still.
    mkdirSync(join(folder, 'cmdop'));
    writeFileSync(join(folder, 'cmdop', 'host.sock'), '');
    expect(localPaths(login).runDir).toBe(join(folder, 'cmdop'));
  });

  test('are made for this user only', () => {
    ensureLocalFolders(paths());
    expect(statSync(paths().runDir).mode & 0o777).toBe(0o700);
    expect(statSync(paths().stateDir).mode & 0o777).toBe(0o700);
  });

  test('of ours that others may enter are closed to them', () => {
    mkdirSync(paths().runDir);
    chmodSync(paths().runDir, 0o755);
    ensureLocalFolders(paths());
    expect(statSync(paths().runDir).mode & 0o777).toBe(0o700);
  });

  test('that are none, or cannot be made, are refused with the remedy', () => {
    writeFileSync(paths().runDir, '');
    expect(() => ensureLocalFolders(paths())).toThrow(/CMDOP_HOME/);
  });

  test.runIf(process.getuid?.() === 0)('planted by another user are refused', async () => {
    const { chownSync } = await import('node:fs');
    mkdirSync(paths().runDir, { mode: 0o700 });
    chownSync(paths().runDir, 12345, 12345);
    expect(() => ensureLocalFolders(paths())).toThrow(/belongs to user 12345.*remove it/);
  });
});

test('a clean environment keeps what is the user’s and drops what a launcher added', () => {
  const env = {
    LANG: 'de_DE.UTF-8',
    SSH_AUTH_SOCK: '/run/agent',
    DISPLAY: ':0',
    CMDOP_HOME: '/home/ann/c',
    MY_OWN: 'x',
    npm_config_cache: 'x',
    ELECTRON_RUN_AS_NODE: '1',
    NODE_OPTIONS: '--inspect',
    GDK_BACKEND: 'x11',
    CMDOP_SESSION: 'abc',
    TERM_PROGRAM: 'vscode',
    PATH: '/repo/node_modules/.bin:/usr/lib/node_modules/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin:/usr/bin:/opt/bin',
  };
  expect(cleanEnvironment(env, 'linux')).toEqual({
    LANG: 'de_DE.UTF-8',
    SSH_AUTH_SOCK: '/run/agent',
    DISPLAY: ':0',
    CMDOP_HOME: '/home/ann/c',
    MY_OWN: 'x',
    PATH: '/usr/bin:/opt/bin',
  });
});

describe('the person’s name', () => {
  const withGit = (config: string) => {
    writeFileSync(join(folder, '.gitconfig'), config);
    return { HOME: folder };
  };

  test('is the flag, then CMDOP_ACTOR, then git’s, then the account’s', () => {
    const env = withGit('[user]\n\tname = Ann Arbor\n');
    expect(personName('Flag', { ...env, CMDOP_ACTOR: 'Variable' })).toBe('Flag');
    expect(personName(undefined, { ...env, CMDOP_ACTOR: 'Variable' })).toBe('Variable');
    expect(personName(undefined, env)).toBe('Ann Arbor');
    expect(personName('  ', { HOME: join(folder, 'none') })).toMatch(/./);
  });

  test('is read from git’s settings as git reads it', () => {
    expect(userNameIn('[core]\n name = no\n[user]\n email = a@b\n NAME = "Ann \\"A\\" B" # note\n')).toBe('Ann "A" B');
    expect(userNameIn('[user "other"]\n name = no\n')).toBeUndefined();
    expect(userNameIn('[user] name = Ann ; note\n')).toBe('Ann');
  });
});

test('an account that the system has no entry for has its number as a name, and what the environment says', (context) => {
  const program = `import { account } from '${resolve('main/local/account.ts')}'; console.log(JSON.stringify(account()))`;
  const asNobodyKnown = (env: Record<string, string>) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', program], { uid: 54_321, gid: 54_321, env, encoding: 'utf8' });
  const { stdout, error, stderr } = asNobodyKnown({ HOME: '/somewhere' });
  context.skip(error !== undefined || /EACCES|denied/.test(stderr), 'needs root, and a checkout that others may read');
  expect(JSON.parse(stdout)).toEqual({ uid: 54_321, name: '54321', home: '/somewhere', shell: null });
  expect(JSON.parse(asNobodyKnown({ USER: 'dev' }).stdout)).toEqual({ uid: 54_321, name: 'dev', home: '/', shell: null });
});
