/** Versions side by side on a machine: the new one takes its place, and those that run stay, by whatever path the home is named. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takePlace } from '../../main/remote/installed-version.ts';

const [first, second, third, fourth] = ['1.0.0-aaaaaaaaaaaa', '2.0.0-bbbbbbbbbbbb', '3.0.0-cccccccccccc', '4.0.0-dddddddddddd'] as const;

let root: string;
/** Where the account's files are, and what its HOME says: the second is a link to the first, as with homes that are mounted. */
let real: string;
let home: string;
const running: ChildProcess[] = [];

beforeEach(() => {
  root = mkdtempSync(join(realpathSync(tmpdir()), 'cmdop-place-'));
  real = join(root, 'var', 'home');
  home = join(root, 'home');
  mkdirSync(real, { recursive: true });
  symlinkSync(real, home);
});
afterEach(async () => {
  for (const child of running.splice(0)) await end(child);
  rmSync(root, { recursive: true, force: true });
});

const folderIn = (of: string) => join(of, '.local', 'share', 'cmdop');
const versions = () => readdirSync(folderIn(real)).filter((name) => name !== 'current');

/** As unpacked by an installation; its command starts its own program by the path without links, as build/cmdop.sh does. */
function bring(version: string, as = home): string[] {
  const from = join(folderIn(as), 'upload', version);
  mkdirSync(join(from, 'bin'), { recursive: true });
  copyFileSync('/bin/sleep', join(from, 'program'));
  const command = '#!/bin/sh\nexec "$(dirname "$(dirname "$(readlink -f "$0")")")/program" "$@"\n';
  writeFileSync(join(from, 'bin', 'cmdop'), command, { mode: 0o755 });
  return takePlace({ from, folder: folderIn(as), home: as });
}

/** Resolves once the program itself runs. */
async function startFrom(version: string, program: readonly string[] = ['bin', 'cmdop']): Promise<ChildProcess> {
  const child = spawn(join(folderIn(home), version, ...program), ['600'], { stdio: 'ignore' });
  running.push(child);
  await expect.poll(() => readlinkSync(`/proc/${child.pid}/exe`)).toBe(join(folderIn(real), version, 'program'));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  if (child.kill('SIGKILL')) await exited;
}

test('a version that runs stays where the home is a link, and goes when it has ended', async () => {
  bring(first);
  const keeper = await startFrom(first);
  bring(second);
  bring(third);
  expect(versions()).toEqual([first, second, third]);
  expect(readlinkSync(join(folderIn(home), 'current'))).toBe(third);
  await end(keeper);
  bring(fourth);
  expect(versions()).toEqual([third, fourth]);
});

test('a version that was started under another name of the home stays', async () => {
  bring(first, real);
  await startFrom(first, ['program']);
  bring(second, real);
  bring(third, real);
  expect(existsSync(join(folderIn(real), first))).toBe(true);
});

test('the link to the command is known as ours by whichever name of the home it was made', () => {
  expect(bring(first, real)).toEqual([]);
  expect(bring(second)).toEqual([]);
  expect(readlinkSync(join(home, '.local', 'bin', 'cmdop'))).toBe(join(folderIn(real), 'current', 'bin', 'cmdop'));
});
