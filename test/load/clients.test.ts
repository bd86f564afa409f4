/**
 * Slow, stopped, vanished and greedy clients delay nobody, and cost the host a bounded amount of memory.
 * CMDOP_FULL=1 makes the loads full (1 000 connections, 200 sessions, nine interleaved rounds): about six minutes.
 *
 * The bound: for each session 8 MiB of output ring, 4 MiB waiting for its screen and 4 MiB for the disk; for each client
 * 1 MiB of queued output and 8 MiB of messages, after which it is cut off. Views into chunks of 64 KiB and what the
 * collector has not taken yet come on top: SLACK_BYTES.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { type Engine, openEngine } from '../process/engine.ts';
import { openProxy, slowLink } from '../process/load/bad-transports.ts';
import { hostPids, residentBytes, wakeUps } from '../process/load/host-processes.ts';
import { type LightClient, lightClient } from '../process/load/light-client.ts';
import { numberedBytes, numberedProgram } from '../process/load/numbered-program.ts';

const IS_FULL = process.env.CMDOP_FULL === '1';
const MIB = 1024 * 1024;
const FLOOD_LINES = (IS_FULL ? 64 : 32) * 1024;
const CONNECTIONS = IS_FULL ? 1_000 : 200;
const SESSIONS = IS_FULL ? 200 : 20;
const ROUNDS = IS_FULL ? 9 : 1;
const SESSION_BYTES = 16 * MIB;
const CLIENT_BYTES = 9 * MIB;
const SLACK_BYTES = 96 * MIB;

let engine: Engine;
let ann: LightClient;
const open: LightClient[] = [];
beforeEach(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = client('ann');
});
afterEach(async () => {
  for (const each of open.splice(0)) each.close();
  await engine.dispose();
});

function client(name: string, options: Parameters<typeof lightClient>[2] = {}): LightClient {
  const created = lightClient(engine.home, name, options);
  open.push(created);
  return created;
}

/** Something bad that is attached to a flood: `after` is called when the flood is over, and says what it got. */
type Bad = { after(end: number): Promise<void>; close(): void };

const gotAGapAndAFreshScreen = (view: { gaps: unknown[]; snapshots: number; fault: string | null }) => {
  expect(view.fault).toBeNull();
  expect(view.gaps.length).toBeGreaterThan(0);
  expect(view.snapshots).toBe(view.gaps.length + 1);
};

const BAD: Record<string, (session: string) => Promise<Bad>> = {
  'a reader of 10 kB a second': async (session) => {
    const link = slowLink(engine.home, 10_000);
    const slow = client('slow', { connect: link.connect });
    const view = slow.attach(session);
    await slow.until(() => view.snapshots > 0);
    return {
      after: async (end) => {
        link.recover();
        await slow.until(() => view.offset >= end);
        gotAGapAndAFreshScreen(view);
      },
      close: () => slow.close(),
    };
  },
  'a stopped process': async (session) => {
    const command = [join(import.meta.dirname, '../process/load/stoppable-client.ts'), engine.home, session];
    const child = spawn(nodePath(), command, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('attached');
    child.kill('SIGSTOP');
    return {
      after: async (end) => {
        child.kill('SIGCONT');
        child.stdin.write(String(end));
        const { gaps, ...rest } = JSON.parse((await lines.next()).value ?? '');
        gotAGapAndAFreshScreen({ gaps: Array(gaps).fill(null), ...rest });
      },
      close: () => child.kill('SIGKILL'),
    };
  },
  'a link whose far end vanished': async (session) => {
    const proxy = await openProxy(engine.home, join(engine.home, `${session}.sock`));
    const gone = client('gone', { connect: proxy.connect });
    const view = gone.attach(session);
    await gone.until(() => view.snapshots > 0);
    proxy.freeze();
    return {
      after: async () => {
        // A minute later the host has given it up (test/unit/client-vigil.test.ts has the rule).
        if (!IS_FULL || session !== 'bad0') return;
        const names = async () => {
          const { session: summary } = await ann.client.request('session.inspect', { session });
          return summary.attached.map(({ actor }) => actor.name);
        };
        await expect.poll(names, { timeout: 90_000, interval: 500 }).not.toContain('gone');
      },
      close: () => {
        gone.close();
        proxy.close();
      },
    };
  },
  'a flood of input that the program does not read': async (session) => {
    const greedy = client('greedy');
    const view = greedy.attach(session);
    await greedy.until(() => view.stream.isAttached);
    for (let n = 0; n < 400; n++) void view.stream.type(Buffer.alloc(64 * 1024, 'x'));
    return { after: async () => expect(view.fault).toBeNull(), close: () => greedy.close() };
  },
};

/** A session whose program floods once a line was typed. */
async function waitingProgram(name: string): Promise<void> {
  const waitsAt = join(engine.home, `${name} waits`);
  const command = numberedProgram({ lines: FLOOD_LINES, waitsAt });
  await ann.client.request('session.create', { name, command, cwd: '/' });
  await expect.poll(() => existsSync(waitsAt)).toBe(true);
}

/** Time from the program's start until a fast client has its last byte, milliseconds. */
async function flood(name: string, bad: keyof typeof BAD | null): Promise<{ ms: number; grownBytes: number }> {
  await waitingProgram(name);
  const fast = client('fast');
  const view = fast.attach(name);
  await fast.until(() => view.stream.isAttached);
  const host = (await ann.client.request('host.status', {})).pid;
  const before = residentBytes(host);
  let peak = before;
  // Enter goes first: it must not wait behind a flood of input.
  await view.stream.takeControl();
  const trouble = bad === null ? null : await BAD[bad]?.(name);
  const startedAt = performance.now();
  if (!view.stream.hasControl) await view.stream.takeControl();
  void view.stream.type(Buffer.from('\r'));
  const watching = setInterval(() => {
    peak = Math.max(peak, residentBytes(host));
  }, 20);
  const end = numberedBytes(FLOOD_LINES);
  await fast.until(() => view.offset >= end || view.fault !== null);
  const ms = performance.now() - startedAt;
  clearInterval(watching);
  expect({ fault: view.fault, gaps: view.gaps, bytes: view.bytes }).toEqual({ fault: null, gaps: [], bytes: end });
  await trouble?.after(end);
  trouble?.close();
  fast.close();
  return { ms, grownBytes: peak - before };
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

test.each(Object.keys(BAD))('%s costs the others nothing', { timeout: IS_FULL ? 600_000 : 60_000 }, async (bad) => {
  const [alone, disturbed]: [number[], number[]] = [[], []];
  let grownBytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    // Either goes first in turn: what a flood leaves to be compressed costs the next one.
    for (const isBad of round % 2 === 0 ? [false, true] : [true, false]) {
      const result = await flood(`${isBad ? 'bad' : 'alone'}${round}`, isBad ? bad : null);
      (isBad ? disturbed : alone).push(result.ms);
      if (isBad) grownBytes = Math.max(grownBytes, result.grownBytes);
    }
  }
  // Of each round by itself: what else this machine does changes slowly, and both of a round have the same of it.
  const ratio = median(alone.map((ms, round) => ms / (disturbed[round] ?? ms)));
  console.log(
    `${bad}: ${median(alone).toFixed(0)} ms alone, ${median(disturbed).toFixed(0)} ms beside it (${ratio.toFixed(2)}), host +${Math.round(grownBytes / MIB)} MiB`,
  );
  expect(grownBytes).toBeLessThan(SESSION_BYTES + 2 * CLIENT_BYTES + SLACK_BYTES);
  if (IS_FULL) expect(ratio).toBeGreaterThan(0.9);
});

test('ten clients and a terminal that read steadily see all of a flood', { timeout: 120_000 }, async () => {
  await waitingProgram('shared');
  const readers = Array.from({ length: 10 }, (_, n) => client(`r${n}`));
  const views = readers.map((each) => each.attach('shared'));
  for (const [n, each] of readers.entries()) await each.until(() => views[n]?.snapshots === 1);
  const tess = engine.person('tess');
  const terminal = tess.attach('shared');
  await tess.until(() => terminal.stream.isAttached);
  const startedAt = performance.now();
  await views[0]?.stream.type(Buffer.from('\r'));
  const end = numberedBytes(FLOOD_LINES);
  for (const [n, each] of readers.entries()) await each.until(() => (views[n]?.offset ?? 0) >= end || views[n]?.fault !== null);
  await tess.until(() => terminal.stream.offset >= end);
  const rate = (11 * end) / MIB / ((performance.now() - startedAt) / 1000);
  console.log(`ten clients and a terminal: ${rate.toFixed(0)} MiB/s in all`);
  expect(views.map(({ fault, gaps }) => ({ fault, gaps }))).toEqual(views.map(() => ({ fault: null, gaps: [] })));
  expect(terminal.gaps).toEqual([]);
});

test(`${CONNECTIONS} connections that watch: an echo comes at once, and the host grows by less than 100 KiB for each`, async () => {
  await ann.client.request('session.create', { name: 'calm', command: ['/bin/cat'], cwd: '/' });
  const view = ann.attach('calm', { isNumbered: false });
  const echo = async () => {
    const at = performance.now();
    await view.stream.type(Buffer.from('x\r'));
    return performance.now() - at;
  };
  await echo();
  const host = (await ann.client.request('host.status', {})).pid;
  const watch = async (names: string[]) => {
    const watchers = names.map((name) => client(name, { watch: true }));
    await Promise.all(watchers.map((each) => each.client.whenConnected()));
  };
  // What the first ones cost is code and the room for it.
  const first = Array.from({ length: 20 }, (_, n) => `first${n}`);
  await watch(first);
  const before = residentBytes(host);
  await watch(Array.from({ length: CONNECTIONS }, (_, n) => `w${n}`));
  expect((await ann.client.request('host.status', {})).clients).toBe(first.length + CONNECTIONS + 1);
  const echoes: number[] = [];
  for (let n = 0; n < 50; n++) echoes.push(await echo());
  const grown = residentBytes(host) - before;
  console.log(`${CONNECTIONS} connections: echo median ${median(echoes).toFixed(1)} ms, host +${Math.round(grown / MIB)} MiB`);
  expect(grown).toBeLessThan(32 * MIB + CONNECTIONS * 100 * 1024);
  expect(median(echoes)).toBeLessThan(200);
});

test(`${SESSIONS} idle sessions: nobody is woken, and one more answers at once`, { timeout: 300_000 }, async () => {
  for (let n = 0; n < SESSIONS; n++) await ann.client.request('session.create', { name: `s${n}`, command: ['/bin/cat'], cwd: '/' });
  const keepers: number[] = [];
  for (let n = 0; n < SESSIONS; n++) keepers.push((await ann.client.request('session.inspect', { session: `s${n}` })).keeperPid ?? 0);
  const [host = 0] = hostPids(engine.home);
  ann.close();
  const counted = () => [host, ...keepers].map(wakeUps);
  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
  const seconds = IS_FULL ? 10 : 3;
  // What follows a start (a warm keeper, the journal's sync, the collector, a look for sketches that lack) is over when
  // everybody slept for three seconds.
  let last = -1;
  let quiet = 0;
  const sleptFor = () => {
    const before = last;
    last = sum(counted());
    quiet = last === before ? quiet + 1 : 0;
    return quiet;
  };
  await expect.poll(sleptFor, { interval: 1_000, timeout: 60_000 }).toBe(3);
  const before = counted();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000)); // no wait: what is measured is this time
  const after = counted();
  const perSecond = (sum(after) - sum(before)) / seconds;
  console.log(
    `${SESSIONS} idle sessions: ${perSecond.toFixed(1)} wake-ups a second (host ${((after[0] ?? 0) - (before[0] ?? 0)) / seconds}), host ${Math.round(residentBytes(host) / MIB)} MiB`,
  );
  // No keeper stirs; the host may still put something away.
  expect(sum(after.slice(1)) - sum(before.slice(1))).toBe(0);
  expect(perSecond).toBeLessThan(1);
  const late = client('late');
  const view = late.attach('s0', { isNumbered: false });
  expect((await view.stream.type(Buffer.from('still here\r'))).verdict).toBe('applied');
  expect(residentBytes(host)).toBeLessThan(150 * MIB + SESSIONS * 4 * MIB);
});
