/** When sketches are made: once output is complete and it is quiet, for what an earlier host left, and where a search missed one. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SessionId } from '#protocol/ids.ts';
import { Sketcher } from '../../main/host/sketches/sketcher.ts';

/** What makes them gives way to everything else, also to what a machine does beside the tests. */
vi.setConfig({ testTimeout: 60_000 });

let root: string;
let sketcher: Sketcher | null = null;
const sessions = new Map<SessionId, { id: SessionId; isRunning: boolean }>();
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cmdop-sketcher-'));
});
afterEach(() => {
  sketcher?.dispose();
  sessions.clear();
  rmSync(root, { recursive: true, force: true });
});

function start(): Sketcher {
  const registry = { all: () => [...sessions.values()], get: (id: SessionId) => sessions.get(id) ?? null };
  const folderOf = (session: SessionId) => join(root, session);
  sketcher = new Sketcher({ sessions: registry, folderOf, now: () => performance.now(), quietMs: 20, notBeforeMs: 20 });
  return sketcher;
}

async function session(name: string, { isRunning = false } = {}): Promise<SessionId> {
  const id = name as SessionId;
  sessions.set(id, { id, isRunning });
  await mkdir(join(root, name), { recursive: true });
  writeFileSync(join(root, name, 'output-0000000000000000.raw'), `output of ${name}\n`);
  return id;
}
const sketched = () => [...sessions.keys()].filter((id) => readdirSync(join(root, id)).includes('sketch-0000000000000000'));

test('what an earlier host left is made soon after the start; of what runs only what is complete', async () => {
  await session('ended');
  await session('runs', { isRunning: true });
  start();
  await expect.poll(sketched, { timeout: 50_000 }).toEqual(['ended']);
});

test('a session that ends has its sketch some seconds later, a damaged one when a search tells of it', async () => {
  const own = start();
  const id = await session('one');
  own.want(id);
  await expect.poll(sketched, { timeout: 50_000 }).toEqual(['one']);
  const file = join(root, 'one', 'sketch-0000000000000000');
  writeFileSync(file, 'damaged');
  own.reported(id);
  await expect.poll(() => readdirSync(join(root, 'one')).length === 2 && sizeOf(file), { timeout: 50_000 }).toBeGreaterThan(100);
});

test('what cannot be made is tried again when there is more output, not at every search', async () => {
  const own = start();
  const id = await session('broken');
  renameSync(join(root, id, 'output-0000000000000000.raw'), join(root, id, 'output-0000000000000000-500.zst'));
  own.want(id);
  const stray = join(root, id, 'sketch-0000000000000007');
  const isLookedAt = () => !existsSync(stray);
  writeFileSync(stray, 'of a segment that is gone');
  await expect.poll(isLookedAt, { timeout: 50_000 }).toBe(true);
  const other = await session('other');
  own.want(other);
  await expect.poll(sketched, { timeout: 50_000 }).toEqual(['other']); // the work before has ended
  writeFileSync(stray, 'another one');
  own.reported(id);
  own.want(await session('third'));
  await expect.poll(sketched, { timeout: 50_000 }).toEqual(['other', 'third']);
  expect(isLookedAt()).toBe(false);
  own.want(id);
  await expect.poll(isLookedAt, { timeout: 50_000 }).toBe(true);
});

const sizeOf = (file: string) => readFileSync(file).length;
