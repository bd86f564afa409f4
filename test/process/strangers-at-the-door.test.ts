/** What those who prove nothing at the shared socket can take from others: no time of the owner, no place of a guest, no memory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import type { Engine, Person } from './engine.ts';
import { byCode, guestWorld, invited, sharedSocket } from './guest-clients.ts';

const CROWD = resolve('test/process/stranger-crowd.ts');
/** Pings of which the middle one counts, and the time between two of them, milliseconds: what goes on meanwhile is in them. */
const PINGS = 100;
const BETWEEN_MS = 10;

let engine: Engine;
let ann: Person;
const crowds: ChildProcess[] = [];
beforeEach(async () => {
  ({ engine, ann } = await guestWorld());
});
afterEach(async () => {
  for (const crowd of crowds.splice(0)) crowd.kill('SIGKILL');
  await engine.dispose();
});

/** Strangers in a process of their own; `told`: how each connection ended. */
function crowd(count: number, what: string): { told: string[]; leave(): Promise<void> } {
  const child = spawn(nodePath(), [CROWD, sharedSocket(engine), String(count), what], { stdio: ['ignore', 'pipe', 'inherit'] });
  crowds.push(child);
  const told: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => told.push(JSON.parse(line)));
  const leave = () =>
    new Promise<void>((left) => {
      child.once('exit', () => left());
      child.kill('SIGKILL');
    });
  return { told, leave };
}

const strangersHere = async () => (await ann.client.request('host.status', {})).clients - 1;

/** Median round trip of the owner, milliseconds. */
async function pings(): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < PINGS; n++) {
    const begun = performance.now();
    await ann.client.request('ping', {});
    times.push(performance.now() - begun);
    await setTimeout(BETWEEN_MS);
  }
  return times.toSorted((a, b) => a - b)[PINGS >> 1] ?? 0;
}

function memory(): number {
  const status = readFileSync(`/proc/${engine.host?.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** How many the journal has as refused. */
async function refusals(): Promise<number> {
  const { events } = await ann.client.request('journal.list', { kinds: ['share'], limit: 500 });
  const refused = events.filter(({ payload }) => payload.is === 'refused');
  expect(refused.length).toBeLessThan(20);
  return refused.reduce((sum, { payload }) => sum + Number(payload.count), 0);
}

test.each([
  ['one that asks for challenges', 1, 'auth.challenge'],
  ['sixty that ask for challenges', 60, 'auth.challenge'],
  ['sixty that say hello', 60, 'hello'],
])('%s without waiting for answers is let go of with a sentence, and nobody waits for it', { timeout: 60_000 }, async (_, count, what) => {
  const who = await invited(ann, { session: 'build', name: 'bob', role: 'operator' });
  const silent = crowd(count, 'nothing');
  await expect.poll(strangersHere, { timeout: 10_000 }).toBe(count);
  const quiet = await pings();
  await silent.leave();
  await expect.poll(strangersHere).toBe(0);

  const before = memory();
  const loud = crowd(count, what);
  await expect.poll(strangersHere, { timeout: 10_000 }).toBeGreaterThan(0);
  const besides = await pings();
  const begun = performance.now();
  const bob = engine.person('bob', { connect: byCode(engine, who) });
  await bob.client.whenConnected();
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(besides).toBeLessThan(10 * quiet + 20);
  await expect.poll(() => loud.told.length, { timeout: 20_000 }).toBeGreaterThan(5 * count);
  expect(await pings()).toBeLessThan(10 * quiet + 20);
  expect(memory() - before).toBeLessThan(80);
  for (const sentence of loud.told.filter(Boolean)) expect(sentence).toMatch(/ask one thing at a time|KiB came before a key was proven/);
  expect(loud.told.filter(Boolean).length).toBeGreaterThan(loud.told.length / 2);
});

test('each of those who say nothing, or too little, until their time is over is counted in the journal', { timeout: 60_000 }, async () => {
  const silent = crowd(60, 'nothing');
  await expect.poll(() => silent.told.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(60);
  expect(silent.told[0]).toContain('nobody said hello within 5 s');
  await silent.leave();
  const gone = silent.told.length;
  await expect.poll(refusals, { timeout: 30_000 }).toBeGreaterThanOrEqual(gone);
});
