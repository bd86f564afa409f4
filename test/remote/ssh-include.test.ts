/** `Include` finds the files that it finds for OpenSSH, in the same order: the same patterns are given to `ssh -G`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseDestination } from '../../main/remote/ssh/destination.ts';
import { hostConfig } from '../../main/remote/ssh/host-config.ts';

/** Each names itself as a key, and keys are gathered in the order in which they are read. */
const FILES = [
  '1.conf',
  '10.conf',
  '2.conf',
  'a.conf',
  'b.conf',
  'B.conf',
  'b-c.conf',
  '_.conf',
  '-.conf',
  '].conf',
  '.hidden.conf',
  '[x].conf',
  '[open',
  '{a,b}.conf',
  '!n.conf',
  '+(a).conf',
  'star*.conf',
  'what?.conf',
  'two words.conf',
  'éü.conf',
  'sub/a.conf',
  'sub.d/a.conf',
  'sub/.hidden/a.conf',
  '.dot/a.conf',
];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-include-'));
  for (const name of FILES) {
    const file = join(folder, 'conf.d', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `Host *\n  IdentityFile "/${name}"\n`, { mode: 0o600 });
  }
  symlinkSync(join(folder, 'conf.d', 'nowhere'), join(folder, 'conf.d', 'dangling.conf'));
  symlinkSync(join(folder, 'conf.d', 'a.conf'), join(folder, 'conf.d', 'z-link.conf'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The keys that hold, for OpenSSH and for us; `Include` as given, with CONF for the folder. */
async function keys(include: string): Promise<{ theirs: string[]; ours: readonly string[] }> {
  const configFile = join(folder, 'config');
  writeFileSync(configFile, `Include ${include.replaceAll('CONF', join(folder, 'conf.d'))}\nHost *\n  IdentityFile /last\n`, {
    mode: 0o600,
  });
  const printed = execFileSync('ssh', ['-G', '-F', configFile, 'box'], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  const theirs = [...printed.matchAll(/^identityfile (.*)$/gm)].map(([, file = '']) => file);
  const { identityFiles } = await hostConfig(parseDestination('box'), { configFile }, () => {});
  return { theirs, ours: identityFiles };
}

test.each([
  'CONF/[0-9]*.conf',
  'CONF/[!0-9]*.conf',
  'CONF/[^a-z_]*.conf',
  'CONF/*.conf',
  'CONF/*',
  'CONF/?.conf',
  'CONF/??.conf',
  'CONF/.*.conf',
  'CONF/[.]hidden.conf',
  'CONF/?hidden.conf',
  'CONF/[a-b].conf',
  'CONF/[b-].conf',
  'CONF/[]a].conf',
  'CONF/[!]a].conf',
  'CONF/[[:digit:]]*.conf',
  'CONF/[[:upper:]_]*.conf',
  'CONF/[![:alpha:]]*.conf',
  'CONF/[[:nonsense:]]*.conf',
  'CONF/[[.a.]].conf',
  'CONF/[[=b=]].conf',
  'CONF/[x].conf',
  'CONF/\\[x\\].conf',
  'CONF/\\[x]*',
  'CONF/[open',
  'CONF/[o*',
  'CONF/{a,b}.conf',
  'CONF/!n.conf',
  'CONF/!(a).conf',
  'CONF/+(a).conf',
  'CONF/star\\*.conf',
  'CONF/star*.conf',
  'CONF/what[?].conf',
  'CONF/sub*/a.conf',
  'CONF/*/a.conf',
  'CONF/**/a.conf',
  'CONF/.d*/a.conf',
  'CONF/s*/../a.conf',
  'CONF/./[a-c].conf',
  'CONF/../conf.d//a.conf',
  '"CONF/two words.conf" CONF/b.conf CONF/a.conf',
  '"CONF/two *.conf"',
  'CONF/none*.conf CONF/absent/* CONF/a.conf/* CONF/a.conf',
  'CONF/dangling.conf CONF/z*.conf',
  'CONF/é?.conf CONF/é??.conf CONF/[é][^a]*.conf',
])('%s', async (include) => {
  const { theirs, ours } = await keys(include);
  expect(ours).toEqual(theirs);
  expect(ours.at(-1)).toBe('/last');
});

test('a path that is not whole begins in ~/.ssh, and ~ is the home, whatever signs of a pattern its name has', async () => {
  const home = join(folder, 'home[x]*');
  mkdirSync(join(home, '.ssh', 'conf.d'), { recursive: true });
  for (const name of ['1', '2', 'a']) {
    writeFileSync(join(home, '.ssh', 'conf.d', `${name}.conf`), `Host *\n  IdentityFile /${name}\n`, { mode: 0o600 });
  }
  const configFile = join(home, '.ssh', 'config');
  writeFileSync(configFile, 'Include conf.d/[0-9]*.conf ~/.ssh/conf.d/[!0-9].conf\n', { mode: 0o600 });
  const before = process.env.HOME;
  process.env.HOME = home;
  try {
    const { identityFiles } = await hostConfig(parseDestination('box'), { systemFile: '/nonexistent' }, () => {});
    expect(identityFiles).toEqual(['/1', '/2', '/a']);
  } finally {
    process.env.HOME = before;
  }
});
