/** How the suites run: each is a project, two files of it at a time unless they would disturb each other. */
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
  load: { testTimeout: 60_000, hookTimeout: 60_000 },
  remote: { testTimeout: 60_000, hookTimeout: 60_000 },
  e2e: { testTimeout: 120_000, hookTimeout: 120_000 },
};

/** Longest that a program or a window may take to show something, milliseconds: as long as test/e2e/launch.ts waits. */
const POLL_MS = 20_000;

type Suite = keyof typeof LIMITS;

/** They start programs, and wait for what those show. */
const LIVE: ReadonlySet<Suite> = new Set(['process', 'load', 'remote', 'e2e']);
/** What is measured, and windows that draw: two at once would disturb each other on two cores. */
const SEQUENTIAL: ReadonlySet<Suite> = new Set(['load', 'e2e']);

const suite = (name: Suite) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    environment: 'node',
    ...LIMITS[name],
    ...(LIVE.has(name) ? { expect: { poll: { timeout: POLL_MS } } } : {}),
    fileParallelism: !SEQUENTIAL.has(name),
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
    projects: (Object.keys(LIMITS) as Suite[]).map(suite),
  },
});
