/** When limits are applied by themselves: once a day, never at once, and not at all where there are none. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { localPaths } from '#local/paths.ts';
import { HostSettings } from '../../main/host/host-settings.ts';
import { Journal } from '../../main/host/journal/journal.ts';
import { Records } from '../../main/host/journal/records.ts';
import { GRACE_MS, Pruner, type PrunerOptions } from '../../main/host/retention/pruner.ts';
import { StateFiles } from '../../main/host/state-files.ts';

const HOUR = 60 * 60 * 1000;
let folder = '';
let journal: Journal;
let settings: HostSettings;
let pruner: Pruner | null = null;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  folder = mkdtempSync(join(tmpdir(), 'cmdop-pruner-'));
  journal = new Journal({ file: join(folder, 'journal.db'), wallNow: Date.now });
  settings = new HostSettings(new StateFiles(), join(folder, 'settings.json'));
});
afterEach(() => {
  pruner?.dispose();
  journal.dispose();
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

function start(): Pruner {
  const none: Pick<PrunerOptions['registry'], 'listed'> = { listed: () => [] };
  const checkpoints: PrunerOptions['checkpoints'] = { dropOf: async () => 0, sizes: async () => [] };
  const records = new Records({ journal, randomBytes: (n) => new Uint8Array(n) });
  const paths = localPaths({ CMDOP_HOME: folder, HOME: folder });
  pruner = new Pruner({ paths, journal, records, registry: none as PrunerOptions['registry'], settings, checkpoints, wallNow: Date.now });
  return pruner;
}
const limit = (maxAgeMs: number | null) => settings.set({ retention: { ...settings.retention, maxAgeMs } });
/** Resolves when what was begun before is done: one prune goes after the other. */
const settled = () => pruner?.prune(null, { isDryRun: true });

test('a host without limits sets no timer', () => {
  start();
  expect(vi.getTimerCount()).toBe(0);
});

test('what is due waits until a host has settled; then it is once a day', async () => {
  limit(HOUR);
  start();
  vi.advanceTimersByTime(9 * 60_000);
  await settled();
  expect(settings.prunedAt).toBeNull();
  vi.advanceTimersByTime(2 * 60_000);
  await settled();
  const first = settings.prunedAt ?? 0;
  expect(first).toBeGreaterThan(0);
  vi.advanceTimersByTime(23 * HOUR);
  await settled();
  expect(settings.prunedAt).toBe(first);
  vi.advanceTimersByTime(2 * HOUR);
  await settled();
  expect((settings.prunedAt ?? 0) - first).toBeGreaterThanOrEqual(24 * HOUR);
});

test('a limit that was just set removes nothing for an hour; one that is taken back, never', async () => {
  const own = start();
  limit(HOUR);
  own.schedule(GRACE_MS);
  vi.advanceTimersByTime(GRACE_MS - 1);
  await settled();
  expect(settings.prunedAt).toBeNull();
  limit(null);
  own.schedule(GRACE_MS);
  expect(vi.getTimerCount()).toBe(0);
});
