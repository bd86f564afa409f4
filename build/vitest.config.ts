/** How the suites run: each is a project, and the ones that start processes run one file at a time. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = resolve(fileURLToPath(import.meta.url), '..', '..');

/** Longest a test, and what prepares it, may take, milliseconds: about ten times what they take on 2 cores. */
const LIMITS = {
  unit: { testTimeout: 10_000, hookTimeout: 10_000 },
  contract: { testTimeout: 10_000, hookTimeout: 10_000 },
  model: { testTimeout: 300_000, hookTimeout: 10_000 },
  process: { testTimeout: 60_000, hookTimeout: 60_000 },
  remote: { testTimeout: 60_000, hookTimeout: 60_000 },
  e2e: { testTimeout: 120_000, hookTimeout: 120_000 },
};

/** Longest that a program or a window may take to show something, milliseconds: as long as test/e2e/launch.ts waits. */
const POLL_MS = 20_000;

type Suite = keyof typeof LIMITS;

/** They measure time, take ports and start programs: two at once would disturb each other on two cores. */
const SEQUENTIAL: ReadonlySet<Suite> = new Set(['process', 'remote', 'e2e']);

/**
 * Where nobody can look again, a test of processes and windows that fails is tried once more, and said to have been: what
 * else a machine does can come between a key and a prompt. At a desk each failure counts.
 */
const RETRIES = process.env.CI ? 1 : 0;

const suite = (name: Suite) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    environment: 'node',
    ...LIMITS[name],
    ...(SEQUENTIAL.has(name) ? { fileParallelism: false, retry: RETRIES, expect: { poll: { timeout: POLL_MS } } } : {}),
    ...(name === 'e2e' ? { setupFiles: ['test/e2e/evidence.ts'] } : {}),
  },
});

export default defineConfig({
  root,
  test: {
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
    passWithNoTests: true,
    projects: [suite('unit'), suite('contract'), suite('model'), suite('process'), suite('remote'), suite('e2e')],
  },
});
