/** Installations that fail: a sentence says why, and nothing of them stays but what an upload that broke off goes on from. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Asker } from '../../main/remote/asker.ts';
import { install } from '../../main/remote/install.ts';
import { type Far, startFar } from './far.ts';
import { describeSmallArchive, smallArchive } from './small-archive.ts';

const silent: Asker = { hostKey: async () => false, secret: async () => null, notice: () => {} };

let far: Far;
const made: string[] = [];
const local = () => join(far.home, '.local');
const share = () => join(local(), 'share', 'cmdop');
const installed = (archives: string) =>
  install('devbox', { ask: silent, archives, configFile: join(far.near.home, '.ssh', 'config'), progress: () => {} });

beforeAll(async () => {
  far = await startFar({ hasCmdop: false });
});
beforeEach(() => {
  rmSync(local(), { recursive: true, force: true });
  far.bashrc('');
});
afterAll(async () => {
  await far.dispose();
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

function archiveOf(command?: string): string {
  const folder = smallArchive(command === undefined ? {} : { command });
  made.push(folder);
  return folder;
}

function described(folder: string, different: Record<string, unknown> = {}): string {
  describeSmallArchive(folder, different);
  return folder;
}

/** Arrives as it was described, and is no archive. */
function rubbish(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-archives-'));
  made.push(folder);
  writeFileSync(join(folder, 'small.tar.gz'), Buffer.alloc(100_000, 'no archive '));
  return described(folder);
}

type Failure = {
  readonly what: string;
  readonly archives: () => string;
  readonly sentence: RegExp;
  readonly before?: () => void;
};

const failures: readonly Failure[] = [
  {
    what: 'an archive that arrives damaged',
    archives: () => described(archiveOf(), { sha256: 'f'.repeat(64) }),
    sentence: /^devbox: the archive arrived damaged and was removed: run it again$/,
  },
  {
    what: 'an archive that cannot be unpacked',
    archives: rubbish,
    sentence: /^devbox: the archive cannot be unpacked there \(.+\), and nothing was installed: make room/,
  },
  {
    what: 'a program that does not run there',
    archives: () => described(archiveOf('echo "libc.so.6: version not found" >&2; exit 1')),
    sentence: /^devbox: its Node does not run there, and nothing was installed: libc\.so\.6: version not found$/,
  },
  {
    what: 'something in the place of the link to the version',
    archives: () => described(archiveOf()),
    sentence: /^devbox: it cannot take its place there, and nothing was installed: .*current/,
    before: () => mkdirSync(join(share(), 'current'), { recursive: true }),
  },
  {
    what: 'something in the place of the folder for commands',
    archives: () => described(archiveOf()),
    sentence: /^devbox: it cannot take its place there, and nothing was installed: .*\.local\/bin/,
    before: () => {
      mkdirSync(local());
      writeFileSync(join(local(), 'bin'), 'a file, where a folder should be');
    },
  },
];

describe('nothing stays', () => {
  test.each(failures.map((each) => [each.what, each] as const))(
    'of %s, and the reason is told',
    async (_what, { archives, sentence, before }) => {
      before?.();
      const there = existsSync(share()) ? readdirSync(share()) : null;
      await expect(installed(archives())).rejects.toThrow(sentence);
      expect(existsSync(share()) ? readdirSync(share()) : null).toEqual(there);
    },
  );

  test('of a version that fails beside one that is in use, which goes on being that', async () => {
    await installed(described(archiveOf()));
    const [bin, current] = [join(local(), 'bin'), readlinkSync(join(share(), 'current'))];
    rmSync(bin, { recursive: true });
    writeFileSync(bin, 'a file, where a folder should be');
    await expect(installed(described(archiveOf()))).rejects.toThrow('it cannot take its place there, and nothing was installed');
    expect(readdirSync(share()).sort()).toEqual([current, 'current']);
    expect(readlinkSync(join(share(), 'current'))).toBe(current);
  });

  test('no room although there seemed to be: said, and what was sent is taken back', async (context) => {
    mkdirSync(share(), { recursive: true });
    // Only who may mount can make a disk that small.
    context.skip(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'cmdop-test', share()]).status !== 0, 'needs the right to mount');
    try {
      mkdirSync(join(far.home, 'odd'), { recursive: true });
      writeFileSync(join(far.home, 'odd', 'df'), '#!/bin/sh\necho "disk 9 0 99999999 0% /"\n', { mode: 0o755 });
      far.bashrc(`PATH=${join(far.home, 'odd')}:$PATH\n`);
      await expect(installed(described(archiveOf()))).rejects.toThrow(
        /devbox: the archive cannot be written there \(.+\), and what was sent is removed: make room/,
      );
      expect(readdirSync(share())).toEqual([]);
    } finally {
      spawnSync('umount', [share()]);
      rmSync(join(far.home, 'odd'), { recursive: true, force: true });
    }
  });
});

test('of an upload that broke off the archive stays, and the next attempt goes on there', async () => {
  const archives = archiveOf();
  const name = `9.9.9-${describeSmallArchive(archives).slice(0, 12)}.tar.gz`;
  const options = { ask: silent, archives, configFile: join(far.near.home, '.ssh', 'config') };
  let killed: Promise<void> | null = null;
  const broken = install('devbox', {
    ...options,
    progress: ({ doneBytes }) => {
      if (doneBytes > 3e6) killed ??= far.sshd.kill();
    },
  });
  await expect(broken).rejects.toThrow(/^devbox: the upload broke off at \d+ MB of 8 MB .* run it again, it goes on there$/);
  await killed;
  expect(readdirSync(share())).toEqual(['upload']);
  expect(readdirSync(join(share(), 'upload'))).toEqual([name]);

  await far.sshd.start();
  const steps: number[] = [];
  await install('devbox', { ...options, progress: ({ doneBytes }) => steps.push(doneBytes) });
  expect(steps[0]).toBeGreaterThan(1e6);
  expect(existsSync(join(share(), 'upload'))).toBe(false);
});
