/** Where the user is at home when the environment does not say so. */
import { userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { expect, test } from 'vitest';
import { homeFolder } from '#local/home-folder.ts';
import { localPaths } from '#local/paths.ts';
import { sessionEnvironment } from '../../main/host/keepers/shell-environment.ts';

test('HOME counts where it is set', () => {
  expect(homeFolder({ HOME: '/home/ann' })).toBe('/home/ann');
});

test.each([
  ['empty', { HOME: '' }],
  ['not set', {}],
])('with HOME %s, home is what the system knows of the account, and every path is whole', (_, env) => {
  expect(homeFolder(env)).toBe(userInfo().homedir);
  const { stateDir, configDir, runDir } = localPaths(env, 'linux');
  expect([stateDir, configDir, runDir].filter((path) => !isAbsolute(path))).toEqual([]);
  const session = sessionEnvironment({
    host: env,
    client: {},
    session: 's',
    cwd: '/',
    shell: '/bin/sh',
    user: { name: 'ann', home: '/home/ann' },
    version: '1',
    platform: 'linux',
  });
  expect(session.HOME).toBe('/home/ann');
});
