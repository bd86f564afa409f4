/** Files that checkpoints keep, damaged on the disk: `verify` names it, and what is intact is restored. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Checkpoint } from '#protocol/checkpoints.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

const LATER = 'int main;\n';

let cmdop: TestCmdop;
let folder: string;
let shadow: string;
let made: Checkpoint;
const whole = { code: 0, stderr: '' };

beforeAll(async () => {
  cmdop = await startCmdop({ actor: 'ann' });
  folder = join(cmdop.home, 'work', 'app');
  mkdirSync(folder);
  // Enough for a pack, beside what comes later on its own.
  for (let n = 0; n < 300; n++) writeFileSync(join(folder, `${n}.txt`), `file ${n}\n`);
  await cmdop.ok('new', 'app', '--cwd', folder, '--detach');
  made = await cmdop.json<Checkpoint>('checkpoint', 'app', '--json');
  writeFileSync(join(folder, 'main.c'), LATER);
  await cmdop.ok('checkpoint', 'app');
  const root = join(cmdop.home, 'state', 'checkpoints');
  shadow = join(root, readdirSync(root)[0] ?? '');
});
afterAll(() => cmdop.dispose());

/** Every file of the repository that holds what was kept. */
const kept = () =>
  readdirSync(join(shadow, 'objects'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

test('whichever file of what is kept is cut off, and the index, is named; whole again it is not', async () => {
  expect(await cmdop.run('verify')).toMatchObject(whole);
  expect(kept().some((file) => file.endsWith('.pack'))).toBe(true);
  for (const file of [...kept(), join(shadow, 'index')]) {
    const bytes = readFileSync(file);
    const { mode } = statSync(file);
    rmSync(file);
    writeFileSync(file, bytes.subarray(0, -1), { mode });
    const { code, stderr } = await cmdop.run('verify');
    expect({ file, code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/^cmdop: checkpoints\/[0-9a-f]{32}/) });
    rmSync(file);
    writeFileSync(file, bytes, { mode });
  }
  expect(await cmdop.run('verify')).toMatchObject(whole);
});

test('one that is lost costs what it held, and the rest is restored', async () => {
  rmSync(join(folder, '7.txt'));
  const name = createHash('sha1').update(`blob ${LATER.length}\0${LATER}`).digest('hex');
  truncateSync(join(shadow, 'objects', name.slice(0, 2), name.slice(2)), 3);
  expect((await cmdop.run('verify')).stderr).toContain(`files that checkpoints of ${folder} keep are damaged or missing`);
  await cmdop.ok('restore', 'app', String(made.id), '7.txt');
  expect(readFileSync(join(folder, '7.txt'), 'utf8')).toBe('file 7\n');
});

test('a repository that is gone is missed', async () => {
  rmSync(shadow, { recursive: true });
  expect(await cmdop.run('verify')).toMatchObject({ code: 1, stderr: expect.stringContaining(`checkpoints of ${folder} keep`) });
});
