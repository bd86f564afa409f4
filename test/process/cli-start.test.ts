/** The `cmdop` command keeps what Node compiled of it, for this user alone, and runs as ever where it cannot. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { VERSION } from '#local/version.ts';

const COMMAND = resolve('dist/cmdop.mjs');

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cmdop-t-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const cache = () => join(home, 'cache');
/** Whether Node says that it took the command line from its cache; throws unless the command said what it should. */
function isTakenFromCache(): boolean {
  const env = { PATH: process.env.PATH, HOME: home, CMDOP_HOME: home, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
  const { stdout, stderr, status } = spawnSync(nodePath(), [COMMAND, '--version'], { env, encoding: 'utf8' });
  expect({ stdout: stdout.split('\n').filter((line) => !line.startsWith('[compile cache]')), status, stderr }).toMatchObject({
    stdout: expect.arrayContaining([VERSION]),
    status: 0,
  });
  return /dist\/cli\.mjs was accepted/.test(stdout + stderr);
}
const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

test('what was compiled once is taken from then on, out of a folder that nobody else can enter', () => {
  expect(isTakenFromCache()).toBe(false);
  expect(isTakenFromCache()).toBe(true);
  expect(statSync(cache()).mode & 0o777).toBe(0o700);
});

test('what is damaged there, or cut off, is compiled anew', () => {
  isTakenFromCache();
  const [file = ''] = filesOf(cache());
  const whole = readFileSync(file);
  const flipped = Buffer.from(whole);
  flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 0x10;
  for (const damaged of [flipped, whole.subarray(0, whole.length >> 1), Buffer.alloc(0), Buffer.alloc(whole.length)]) {
    writeFileSync(file, damaged);
    expect(isTakenFromCache()).toBe(false);
    expect(isTakenFromCache()).toBe(true);
  }
});

test('a folder that others can write to is not used, nor one that leads elsewhere, nor what is none', () => {
  mkdirSync(cache());
  chmodSync(cache(), 0o770);
  expect([isTakenFromCache(), isTakenFromCache(), filesOf(cache())]).toEqual([false, false, []]);
  rmSync(cache(), { recursive: true });
  mkdirSync(join(home, 'open'), { mode: 0o777 });
  symlinkSync(join(home, 'open'), cache());
  expect([isTakenFromCache(), isTakenFromCache(), filesOf(join(home, 'open'))]).toEqual([false, false, []]);
  rmSync(cache());
  writeFileSync(cache(), '');
  expect([isTakenFromCache(), isTakenFromCache()]).toEqual([false, false]);
});

test('earlier versions do not pile up there', () => {
  isTakenFromCache();
  const [mine = ''] = filesOf(cache());
  for (let version = 0; version < 30; version += 1) writeFileSync(`${mine}${version}`, 'of an earlier version');
  isTakenFromCache();
  expect(isTakenFromCache()).toBe(true);
  expect(filesOf(cache())).toEqual([mine]);
});

test('where there is no home, none is made', () => {
  rmSync(home, { recursive: true });
  home = join(home, 'gone');
  expect(isTakenFromCache()).toBe(false);
  expect(() => statSync(home)).toThrow(/ENOENT/);
});
