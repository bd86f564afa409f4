/** Checkpoints of folders that are hard to keep, and of hostile ones: every byte comes back, nothing runs, nothing of the user's git moves. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { filesBetween, textBetween } from '../../main/host/checkpoints/difference.ts';
import { checkpointFolder } from '../../main/host/checkpoints/folders.ts';
import { fingerprint, openTreeWorld, type TreeWorld } from './checkpoint-trees.ts';

let world: TreeWorld;
beforeEach(() => {
  world = openTreeWorld();
});
afterEach(() => world.dispose());

test('what was deleted, edited, renamed, linked, executable, oddly named or untracked comes back byte by byte', async () => {
  const folder = world.folder('plain');
  const file = (name: string) => join(folder, name);
  const odd = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from('.txt')]);
  mkdirSync(file('deep/er'), { recursive: true });
  writeFileSync(file('deleted.txt'), 'deleted\n');
  writeFileSync(file('edited.txt'), 'one\r\ntwo\r\n');
  writeFileSync(file('deep/er/renamed.bin'), Buffer.from([0, 255, 10, 13, 0]));
  writeFileSync(file('run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(file('line\nbreak "quoted" \\ back'), 'newline in the name');
  writeFileSync(odd, 'no UTF-8 in the name');
  symlinkSync('edited.txt', file('link'));
  const { tree, files } = await world.take(folder);
  expect(files).toBe(7);

  rmSync(file('deleted.txt'));
  writeFileSync(file('edited.txt'), 'three\n');
  rmSync(file('deep'), { recursive: true });
  mkdirSync(file('other'));
  writeFileSync(file('other/renamed.bin'), Buffer.from([0, 255, 10, 13, 0]));
  chmodSync(file('run.sh'), 0o644);
  rmSync(file('line\nbreak "quoted" \\ back'));
  rmSync(odd);
  rmSync(file('link'));
  writeFileSync(file('link'), 'a file now');

  expect((await world.restore(folder, tree, { delete: true })).conflicts).toEqual([]);
  expect(readFileSync(file('deleted.txt'), 'utf8')).toBe('deleted\n');
  expect(readFileSync(file('edited.txt'), 'utf8')).toBe('one\r\ntwo\r\n');
  expect(readFileSync(file('deep/er/renamed.bin'))).toEqual(Buffer.from([0, 255, 10, 13, 0]));
  expect(existsSync(file('other'))).toBe(false);
  expect(statSync(file('run.sh')).mode & 0o111).toBe(0o111);
  expect(readFileSync(file('line\nbreak "quoted" \\ back'), 'utf8')).toBe('newline in the name');
  expect(readFileSync(odd, 'utf8')).toBe('no UTF-8 in the name');
  expect(readlinkSync(file('link'))).toBe('edited.txt');
  expect((await world.take(folder)).tree).toBe(tree);
});

test('in a repository, a worktree, a submodule and around a nested repository, nothing of the user’s git is touched', async () => {
  const library = world.folder('library');
  world.git(library, 'init', '-q');
  writeFileSync(join(library, 'lib.c'), 'int lib;\n');
  world.git(library, 'add', '.');
  world.git(library, 'commit', '-qm', 'lib');
  const folder = world.folder('repo');
  world.git(folder, 'init', '-q');
  writeFileSync(join(folder, '.gitignore'), 'build/\n*.log\n');
  writeFileSync(join(folder, 'kept.log'), 'added although ignored\n');
  writeFileSync(join(folder, 'main.c'), 'int main;\n');
  world.git(folder, 'add', '-f', '.');
  world.git(folder, 'commit', '-qm', 'first');
  writeFileSync(join(folder, 'main.c'), 'stashed\n');
  world.git(folder, 'stash', '-q');
  world.git(folder, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'sub');
  world.git(folder, 'worktree', 'add', '-q', join(world.root, 'tree'));
  writeFileSync(join(folder, 'staged.c'), 'staged\n');
  world.git(folder, 'add', 'staged.c');
  writeFileSync(join(folder, 'untracked.c'), 'untracked\n');
  mkdirSync(join(folder, 'build'));
  writeFileSync(join(folder, 'build', 'out.o'), 'generated\n');
  const nested = join(folder, 'vendor', 'nested');
  mkdirSync(nested, { recursive: true });
  world.git(nested, 'init', '-q');
  writeFileSync(join(nested, 'inner.c'), 'inner\n');
  world.git(nested, 'add', '.');
  world.git(nested, 'commit', '-qm', 'inner');

  const own = [join(folder, '.git'), join(nested, '.git')];
  const before = own.map(fingerprint);
  for (const place of [folder, join(world.root, 'tree'), join(folder, 'sub')]) {
    const { tree } = await world.take(place);
    if (place === folder) {
      const named = world.git(folder, '--git-dir', world.shadowOf(folder).gitDir, 'ls-tree', '-r', '--name-only', tree).trim().split('\n');
      expect(named).toEqual(
        ['.gitignore', '.gitmodules', 'kept.log', 'main.c', 'staged.c', 'sub/lib.c', 'untracked.c', 'vendor/nested/inner.c'].sort(),
      );
      rmSync(join(nested, 'inner.c'));
      writeFileSync(join(folder, 'sub', 'lib.c'), 'changed\n');
      expect((await world.restore(folder, tree)).conflicts).toEqual([]);
      expect(readFileSync(join(nested, 'inner.c'), 'utf8')).toBe('inner\n');
      expect(readFileSync(join(folder, 'sub', 'lib.c'), 'utf8')).toBe('int lib;\n');
    }
  }
  expect(own.map(fingerprint)).toEqual(before);
});

test('no filter, hook, monitor, attribute or variable of a hostile folder runs or changes a byte', async () => {
  const folder = world.folder('hostile');
  const ran = join(world.root, 'ran');
  world.git(folder, 'init', '-q');
  const evil = `touch ${ran}; cat`;
  for (const [key, value] of [
    ['filter.evil.clean', evil],
    ['filter.evil.smudge', evil],
    ['filter.evil.process', evil],
    ['filter.evil.required', 'true'],
    ['diff.evil.textconv', evil],
    ['diff.evil.command', evil],
    ['core.fsmonitor', evil],
    ['core.autocrlf', 'true'],
    ['core.pager', evil],
    ['core.sshCommand', evil],
    ['credential.helper', `!${evil}`],
  ] as const)
    world.git(folder, 'config', key, value);
  for (const hook of ['post-index-change', 'pre-commit', 'post-checkout', 'reference-transaction'])
    writeFileSync(join(folder, '.git', 'hooks', hook), `#!/bin/sh\ntouch ${ran}\n`, { mode: 0o755 });
  writeFileSync(join(folder, '.gitattributes'), '* filter=evil diff=evil ident text eol=crlf working-tree-encoding=UTF-16\n');
  writeFileSync(join(folder, '.gitmodules'), '[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch ran\n\tupdate = !touch ran\n');
  writeFileSync(join(folder, 'text.txt'), '$Id$\nunix\ndos\r\n');
  const nested = join(folder, 'x');
  mkdirSync(nested);
  world.git(nested, 'init', '-q');
  writeFileSync(join(nested, 'in.txt'), 'in\n');
  world.git(nested, 'add', '.');
  world.git(nested, 'commit', '-qm', 'in');
  world.git(nested, 'config', 'core.fsmonitor', evil);
  rmSync(ran, { force: true });
  const variables = {
    GIT_DIR: join(folder, '.git'),
    GIT_INDEX_FILE: join(folder, 'index'),
    GIT_EXTERNAL_DIFF: evil,
    GIT_SSH_COMMAND: evil,
  };
  Object.assign(process.env, variables);
  try {
    const first = await world.take(folder);
    writeFileSync(join(folder, 'text.txt'), 'changed\r\n');
    writeFileSync(join(nested, 'in.txt'), 'changed\n');
    const second = await world.take(folder);
    const shadow = world.shadowOf(folder);
    expect((await filesBetween(shadow, [first.tree, second.tree], [])).map(({ path }) => path)).toEqual(['text.txt', 'x/in.txt']);
    expect((await textBetween(shadow, [first.tree, second.tree], { wanted: [], from: 0, limit: 10_000 })).text).toContain('-$Id$');
    await world.restore(folder, first.tree);
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
  expect(readFileSync(join(folder, 'text.txt'), 'utf8')).toBe('$Id$\nunix\ndos\r\n');
  expect(existsSync(ran)).toBe(false);
  expect(existsSync(join(folder, 'index'))).toBe(false);
});

test('a file of 100 MB, one that cannot be read, loops of links and a link to /etc: left out and named, or kept as links', async () => {
  const folder = world.folder('odd');
  writeFileSync(join(folder, 'big.bin'), Buffer.alloc(100 * 1024 * 1024));
  writeFileSync(join(folder, 'small.txt'), 'small');
  symlinkSync('loop', join(folder, 'loop'));
  symlinkSync('..', join(folder, 'up'));
  symlinkSync('/etc', join(folder, 'etc'));
  const { tree, files, skipped } = await world.take(folder);
  expect(skipped).toEqual(['big.bin']);
  expect(files).toBe(4);
  writeFileSync(join(folder, 'small.txt'), 'other');
  rmSync(join(folder, 'etc'));
  expect((await world.restore(folder, tree)).conflicts).toEqual([]);
  expect(readlinkSync(join(folder, 'etc'))).toBe('/etc');
  expect(statSync(join(folder, 'big.bin')).size).toBe(100 * 1024 * 1024);
});

test('many files go into one pack that git itself finds whole, and little is read again', async () => {
  const folder = world.folder('many');
  for (let n = 0; n < 400; n++) writeFileSync(join(folder, `f${n}.txt`), `file ${n}\n`.repeat(n));
  const { tree } = await world.take(folder);
  const { gitDir } = world.shadowOf(folder);
  expect(() => world.git(folder, '--git-dir', gitDir, 'fsck', '--strict')).not.toThrow();
  world.git(folder, 'init', '-q');
  world.git(folder, 'add', '-A');
  expect(world.git(folder, 'write-tree').trim()).toBe(tree);
  expect((await world.take(folder)).tree).toBe(tree);
});

test('home, root and the folders of everybody are refused, and a folder within a project means the project', async () => {
  const rules = { home: world.folder('home/ann'), stateDir: world.folder('state') };
  for (const folder of [rules.home, join(rules.home, '..'), '/', '/tmp', '/etc', '/proc/self', rules.stateDir, join(world.root, 'gone')])
    await expect(checkpointFolder(folder, rules)).rejects.toMatchObject({ code: 'no-folder' });
  const project = world.folder('home/ann/project');
  const inner = world.folder('home/ann/project/src');
  expect(await checkpointFolder(inner, rules)).toBe(inner);
  world.git(project, 'init', '-q');
  expect(await checkpointFolder(inner, rules)).toBe(project);
});

test('a folder that becomes a link, or a file that changes, while files come back leads nowhere and loses nothing', async () => {
  const folder = world.folder('swapped');
  const outside = world.folder('outside');
  writeFileSync(join(outside, 'a.txt'), 'outside');
  mkdirSync(join(folder, 'in'));
  writeFileSync(join(folder, 'in', 'a.txt'), 'first');
  writeFileSync(join(folder, 'b.txt'), 'first');
  const { tree } = await world.take(folder);
  writeFileSync(join(folder, 'in', 'a.txt'), 'second');
  writeFileSync(join(folder, 'b.txt'), 'second');
  const swap = () => {
    renameSync(join(folder, 'in'), join(folder, 'moved'));
    symlinkSync(outside, join(folder, 'in'));
  };
  await expect(world.restore(folder, tree, { paths: ['in'], meanwhile: swap })).rejects.toMatchObject({ code: 'unsaved' });
  expect(readFileSync(join(outside, 'a.txt'), 'utf8')).toBe('outside');
  const write = () => writeFileSync(join(folder, 'b.txt'), 'typed just now');
  await expect(world.restore(folder, tree, { paths: ['b.txt'], meanwhile: write })).rejects.toMatchObject({ code: 'unsaved' });
  expect(readFileSync(join(folder, 'b.txt'), 'utf8')).toBe('typed just now');
  // A link that stands there now is in the way of what was below it, and nothing is written through it.
  expect((await world.restore(folder, tree)).conflicts).toEqual([]);
  expect(lstatSync(join(folder, 'in')).isDirectory()).toBe(true);
  expect(readFileSync(join(folder, 'in', 'a.txt'), 'utf8')).toBe('first');
  expect(readFileSync(join(outside, 'a.txt'), 'utf8')).toBe('outside');
});

test('a disk that fills while a checkpoint is made, or files come back, loses nothing that was there', async (context) => {
  const folder = world.folder('small');
  context.skip(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status !== 0, 'needs the right to mount');
  try {
    writeFileSync(join(folder, 'a.bin'), Buffer.alloc(300_000, 'a'));
    writeFileSync(join(folder, 'b.bin'), Buffer.alloc(300_000, 'b'));
    const { tree } = await world.take(folder);
    rmSync(join(folder, 'b.bin'));
    writeFileSync(join(folder, 'a.bin'), 'small now');
    writeFileSync(join(folder, '.gitignore'), 'full\n');
    writeFileSync(join(folder, 'full'), Buffer.alloc(700_000));
    await expect(world.restore(folder, tree)).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('the disk is full'),
    });
    expect(readdirSync(folder).filter((name) => name.startsWith('.cmdop'))).toEqual([]);
    expect(readFileSync(join(folder, 'a.bin')).equals(Buffer.alloc(300_000, 'a'))).toBe(true); // the first came back whole
    expect(existsSync(join(folder, 'b.bin'))).toBe(false);
    expect(statSync(join(folder, 'full')).size).toBe(700_000);
    rmSync(join(folder, 'full'));
    expect((await world.restore(folder, tree)).conflicts).toEqual([]);
    expect(readFileSync(join(folder, 'b.bin')).equals(Buffer.alloc(300_000, 'b'))).toBe(true);
  } finally {
    spawnSync('umount', [folder]);
  }
});

test('a damaged index is made anew', async () => {
  const other = world.folder('other');
  writeFileSync(join(other, 'x.txt'), 'x');
  const first = await world.take(other);
  const { gitDir } = world.shadowOf(other);
  writeFileSync(join(gitDir, 'index'), 'damaged');
  expect((await world.take(other)).tree).toBe(first.tree); // read anew
});
