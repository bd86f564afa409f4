/** One of many clients starts the host; a claim that nobody stands behind any more stops nobody. */
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimStart } from '#local/start-claim.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-claim-'));
  file = join(folder, 'starting');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('one claims, the others wait, and after the release the next may', () => {
  const first = claimStart(file);
  expect(first).not.toBeNull();
  expect(claimStart(file)).toBeNull();
  first?.release();
  expect(existsSync(file)).toBe(false);
  expect(claimStart(file)).not.toBeNull();
});

test('the claim of a client that was killed is void', () => {
  writeFileSync(file, '4194305'); // above the largest process id
  expect(claimStart(file)).not.toBeNull();
});

test.each([
  ['old', -60_000],
  ['from before the clock was set back', 3_600_000],
])('a claim that is %s is void, whoever has its number now', (_name, offsetMs) => {
  writeFileSync(file, String(process.pid));
  const at = (Date.now() + offsetMs) / 1000;
  utimesSync(file, at, at);
  expect(claimStart(file)).not.toBeNull();
});
