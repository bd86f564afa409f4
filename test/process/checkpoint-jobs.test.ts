/** The processes that make checkpoints: given up at once, never two in one folder, and what is dropped really goes. */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JobRunner } from '../../main/host/checkpoints/job-runner.ts';
import { folderBytes } from '../../main/host/retention/disk-use.ts';
import { openTreeWorld, type TreeWorld } from './checkpoint-trees.ts';

let world: TreeWorld;
let runner: JobRunner;
beforeEach(() => {
  world = openTreeWorld();
  runner = new JobRunner();
});
afterEach(() => {
  runner.dispose();
  world.dispose();
});

test('what is dropped leaves the disk, and what stays is whole', async () => {
  const folder = world.folder('drop');
  const shadow = world.shadowOf(folder);
  const make = async (id: number, previous: string | null) => {
    writeFileSync(join(folder, 'noise.bin'), randomBytes(2 * 1024 * 1024));
    return (await runner.run<'create'>({ do: 'create', shadow, id, previous, onlyIfChanged: false })).tree;
  };
  const first = await make(1, null);
  const second = await make(2, first);
  const kept = readFileSync(join(folder, 'noise.bin'));
  await make(3, second);
  const before = await folderBytes(shadow.gitDir);
  await runner.run<'drop'>({ do: 'drop', shadow, ids: [1, 3] });
  expect(await folderBytes(shadow.gitDir)).toBeLessThan(before - 2 * 1024 * 1024);
  rmSync(join(folder, 'noise.bin'));
  const { tree: now } = await runner.run<'tree'>({ do: 'tree', shadow });
  const done = await runner.run<'restore'>({ do: 'restore', shadow, trees: [now, second], paths: [], delete: false, dryRun: false });
  expect(done.written.paths).toEqual(['noise.bin']);
  expect(readFileSync(join(folder, 'noise.bin')).equals(kept)).toBe(true);
});

test('a checkpoint that nobody waits for ends with its git, tells how far it was, and leaves room for the next', async () => {
  const folder = world.folder('given-up');
  const shadow = world.shadowOf(folder);
  // Random, so that it takes its time to pack: longer than until progress is told at first.
  for (let at = 0; at < 3_000; at++) writeFileSync(join(folder, `f${at}.bin`), randomBytes(48 * 1024));
  const controller = new AbortController();
  const job = { do: 'create' as const, shadow, previous: null, onlyIfChanged: false };
  const given = runner.run<'create'>({ ...job, id: 1 }, { signal: controller.signal, progress: () => controller.abort() });
  const waiting = runner.run<'create'>({ ...job, id: 2 });
  await expect(given).rejects.toMatchObject({ code: 'disconnected' });
  expect((await waiting).files).toBe(3_000);
});
