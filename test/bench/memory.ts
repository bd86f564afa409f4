/** A host that has a month of work: how soon it starts, finds a command, a line of output, and draws a place of the past. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CmdopClient } from '#client/cmdop-client.ts';
import { SearchInbox } from '#client/search-inbox.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { localPaths } from '#local/paths.ts';
import { newClientId, type Offset } from '#protocol/ids.ts';
import { BuildLog } from './build-log.ts';
import type { Figures } from './figures.ts';
import { generateMonth, type Month, type MonthPlan } from './month.ts';
import { untilSketched } from './sketched.ts';
import { percentile } from './statistics.ts';

/** Questions of each kind. */
const QUERIES = 60;
const SEEKS = 60;
/** Sessions without kept screens that are looked at. */
const UNDRAWN = 20;

export async function measureMemory(plan: MonthPlan, figures: Figures, note: (text: string) => void): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'cmdop-b-m-'));
  const log = new BuildLog(1);
  try {
    const [block] = log.printed();
    const month = await generateMonth(home, plan, block ?? new Uint8Array(0), note);
    note('the month is written');
    await measure({ home, month, plan, figures, note });
  } finally {
    log.dispose();
    rmSync(home, { recursive: true, force: true });
  }
}

type Given = { home: string; month: Month; plan: MonthPlan; figures: Figures; note: (text: string) => void };

export async function measure({ home, month, plan, figures, note }: Given): Promise<void> {
  const add = (figure: string, value: number) => figures.add(`memory: ${figure}`, 'cmdop', value);
  const from = performance.now();
  const host = spawn(process.execPath, [resolve('dist/host.mjs')], {
    env: { ...process.env, CMDOP_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const inbox = new SearchInbox();
  try {
    await once(host.stdout, 'data');
    const client = new CmdopClient({
      identity: { id: newClientId((n) => randomBytes(n)), interface: 'cli', name: 'bench', build: 'bench' },
      connect: () => connectToHost({ start: false, paths: localPaths({ CMDOP_HOME: home }) }),
      clock: systemClock,
      random: Math.random,
      reconnect: false,
      onEvent: (event) => inbox.event(event),
    });
    await client.whenConnected();
    const { sessions } = await client.request('session.list', {});
    if (sessions.length !== plan.sessions) throw new Error(`the host found ${sessions.length} of ${plan.sessions} sessions`);
    add('host start, ms', performance.now() - from);
    add('host RSS after its start, MiB', rssMib(host.pid));

    note('searching the history');
    const times: number[] = [];
    for (let n = 0; n < QUERIES; n++) {
      const text = [`--id=${((n * 7919) % plan.commands).toString(36)}`, 'docker compose', 'never typed by anyone'][n % 3] ?? '';
      times.push(await timed(() => client.request('search.commands', { text, ignoreCase: n % 2 === 0 })));
    }
    addSpread(add, 'history search', times);
    add(
      'history search by an expression, ms',
      await timed(() => client.request('search.commands', { text: 'docker.*[0-9]z$', regex: true })),
    );

    note('searching the output');
    const looked = async (text: string) => {
      const begun = performance.now();
      let first = Number.NaN;
      await new Promise<void>((ended, failed) => {
        inbox
          .start(
            client,
            { text, limit: 10_000 },
            {
              found: () => {
                if (Number.isNaN(first)) first = performance.now() - begun;
              },
              ended: ({ reason, message }) => (reason === 'failed' ? failed(new Error(message ?? 'the search failed')) : ended()),
            },
          )
          .catch(failed);
      });
      return { first, whole: performance.now() - begun };
    };
    const firsts: number[] = [];
    for (let n = 0; n < 5; n++) firsts.push((await looked('no member')).first);
    add(
      'output search, first hits p50, ms',
      percentile(
        firsts.sort((a, b) => a - b),
        50,
      ),
    );
    const plain = await looked('Q~'); // too short for a sketch
    add('output search without a sketch, all of it, s', plain.whole / 1000);
    add('the same, MB/s', month.outputBytes / 1e6 / (plain.whole / 1000));
    note('the sketches are made');
    const sketched = await untilSketched(join(localPaths({ CMDOP_HOME: home }).stateDir, 'sessions'), host.pid ?? 0);
    add('sketches, CPU of making them, s', sketched.cpuSeconds);
    add('sketches, of the packed output, %', sketched.percent);
    const oldest: number[] = [];
    for (let n = 0; n < 7; n++) oldest.push((await looked('token-7 done')).first);
    addSpread(add, 'output search, a hit in the oldest session', oldest);
    const hash = await looked('a1b2c3d4e5f6');
    add('output search, all of it for twelve digits of a hash, s', hash.whole / 1000);
    const nothing = await looked('never printed by anyone');
    add('output search, all of it, s', nothing.whole / 1000);
    add('host RSS during searches, MiB', rssMib(host.pid));

    note('seeking');
    const drawn = month.sessions.filter(({ isDrawn }) => isDrawn);
    const undrawn = month.sessions.filter(({ isDrawn }) => !isDrawn).slice(0, UNDRAWN);
    const seek = async (session: Month['sessions'][number] | undefined, n: number) => {
      if (!session) throw new Error('the month has too few sessions');
      const offset = Math.floor((((n * 7919) % 1000) / 1000) * session.end) as Offset;
      let isExact = false;
      const ms = await timed(async () => {
        ({ isExact } = await client.request('replay.screen', { session: session.name, offset, scrollback: 500 }));
      });
      return { ms, isExact };
    };
    const seeks = async (sessions: typeof drawn) => {
      const found: Awaited<ReturnType<typeof seek>>[] = [];
      for (let n = 0; n < SEEKS; n++) found.push(await seek(sessions[n % sessions.length], n));
      return { times: found.map(({ ms }) => ms), exact: found.filter(({ isExact }) => isExact).length / SEEKS };
    };
    const kept = await seeks(drawn);
    if (kept.exact < 1) throw new Error('a screen is a guess where screens were kept');
    addSpread(add, 'replay seek', kept.times);
    const before = await seeks(undrawn);
    addSpread(add, 'replay seek without kept screens', before.times);
    add('of these exact, %', before.exact * 100);
    const preparing: number[] = [];
    for (const { name } of undrawn) preparing.push(await timed(() => client.request('replay.prepare', { session: name })));
    addSpread(add, 'making the screens of a session', preparing);
    const after = await seeks(undrawn);
    if (after.exact < 1) throw new Error('a screen is a guess where screens were made');
    addSpread(add, 'replay seek with screens made for it', after.times);
    add('host RSS at the end, MiB', rssMib(host.pid));

    note('half of it is removed');
    await client.request('retention.set', { limits: { maxAgeMs: 15.5 * 24 * 3_600_000 } });
    let isPruning = true;
    const pruning = timed(async () => {
      const { pruned } = await client.request('retention.prune', { isDryRun: false });
      add('removed by a prune, sessions', pruned.length);
      isPruning = false;
    });
    const pings: number[] = [];
    while (isPruning) pings.push(await timed(() => client.request('ping', {})));
    add('prune, ms', await pruning);
    add('prune, longest ping meanwhile, ms', Math.max(...pings));
    client.close();
  } finally {
    host.kill('SIGKILL');
    await once(host, 'exit');
  }
}

function addSpread(add: (figure: string, value: number) => void, what: string, times: number[]): void {
  times.sort((a, b) => a - b);
  add(`${what} p50, ms`, percentile(times, 50));
  add(`${what} p95, ms`, percentile(times, 95));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

const rssMib = (pid: number | undefined): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
