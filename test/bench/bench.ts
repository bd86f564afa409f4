/**
 * `npm run bench [-- --quick] [--json FILE] [--rounds N] [--only echo,flood,…]`: cmdop beside tmux, dtach and a bare PTY,
 * turn by turn on the same machine and load; medians of the rounds, their spread, and ratios.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureAttach } from './attach.ts';
import { BuildLog } from './build-log.ts';
import { CmdopAttachPeer, CmdopPeer } from './cmdop-peer.ts';
import { measureEcho } from './echo.ts';
import { Figures } from './figures.ts';
import { measureFlood } from './flood.ts';
import { measureIdle } from './idle.ts';
import { measureNewSession } from './new-session.ts';
import type { Peer } from './peer.ts';
import { BarePeer, DtachPeer, TmuxPeer } from './terminal-peers.ts';

const ALL = ['echo', 'flood', 'attach', 'new', 'idle'];
/** `--quick` is a first answer in under a minute. */
const FULL = { rounds: 5, keys: 500, floodBytes: 200e6, idleSessions: 20, watchMs: 5_000, idleRounds: 2 };
const QUICK = { rounds: 2, keys: 200, floodBytes: 40e6, idleSessions: 10, watchMs: 2_000, idleRounds: 1 };

const { values: given } = parseArgs({
  options: { quick: { type: 'boolean' }, json: { type: 'string' }, rounds: { type: 'string' }, only: { type: 'string' } },
});
const plan = { ...(given.quick ? QUICK : FULL), ...(given.rounds ? { rounds: Math.max(1, Number(given.rounds)) } : {}) };
const only = given.only?.split(',') ?? ALL;
const wants = (what: string) => only.includes(what);

build();
const figures = new Figures();
const startedAt = performance.now();
const load = loadavg()[0] ?? 0;
await run();
console.log(figures.table());
console.log(`load average ${load.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after; ${plan.rounds} rounds, ${seconds()} s`);
if (given.json)
  writeFileSync(given.json, `${JSON.stringify({ at: new Date().toISOString(), plan, load, figures: figures.json() }, null, 2)}\n`);
process.exit(0);

async function run(): Promise<void> {
  const log = new BuildLog(plan.floodBytes);
  const cmdop = await CmdopPeer.start();
  const [inTerminal, tmux, dtach, bare] = [new CmdopAttachPeer(cmdop), new TmuxPeer(), new DtachPeer(), new BarePeer()];
  // The one under test first and last would gain or lose by what the others leave behind: each round begins elsewhere.
  const peers: Peer[] = [cmdop, tmux, dtach, bare, inTerminal];
  try {
    for (let round = 0; round < plan.rounds; round++) {
      note(`round ${round + 1} of ${plan.rounds}`);
      const turn = peers.map((_, index) => peers[(index + round) % peers.length] ?? cmdop);
      if (wants('echo')) {
        for (const peer of turn) {
          const { p50, p99 } = await measureEcho(peer, plan);
          figures.add('keystroke echo p50, µs', peer.name, p50);
          figures.add('keystroke echo p99, µs', peer.name, p99);
        }
      }
      if (wants('flood')) {
        for (const peer of turn) {
          const flood = await measureFlood(peer, { log, isExact: peer !== tmux && peer !== inTerminal });
          figures.add('flood, MB/s', peer.name, flood.megabytesPerSecond);
          if (peer !== bare) figures.add('flood, CPU s', peer.name, flood.cpuSeconds);
          figures.add('flood, MB seen by the client', peer.name, flood.seenBytes / 1e6);
          if (peer === cmdop) figures.add('flood, MB left out with a gap', peer.name, flood.skippedBytes / 1e6);
        }
      }
      if (wants('attach')) {
        const attach = await measureAttach({ cmdop, inTerminal, tmux, log });
        figures.add('attach to the screen, ms', 'cmdop', attach.cmdopScreenMs);
        figures.add('attach to the screen, ms', 'cmdop attach', attach.inTerminalMs);
        figures.add('attach to the screen, ms', 'tmux', attach.tmuxMs);
        figures.add('attach with 10 000 lines, ms', 'cmdop', attach.cmdopScrollbackMs);
        figures.add('attach with 10 000 lines, ms', 'tmux', attach.tmuxMs);
        figures.add('lines above the screen', 'cmdop', attach.cmdopScrollbackLines);
      }
      if (wants('new')) {
        const times = await measureNewSession({ cmdop, tmux, dtach });
        figures.add('new session to prompt, ms', 'cmdop', times.cmdop);
        figures.add('new session to prompt, ms', 'tmux', times.tmux);
        figures.add('new session to prompt, ms', 'dtach', times.dtach);
        figures.add('new session to prompt, ms', 'bare PTY', times.bare);
      }
      if (wants('idle') && round < plan.idleRounds) {
        for (const peer of [cmdop, tmux, dtach]) {
          const idle = await measureIdle(peer, { sessions: plan.idleSessions, watchMs: plan.watchMs });
          figures.add('memory per idle session, MB', peer.name, idle.bytesPerSession / 2 ** 20);
          figures.add(`wake-ups/s with ${plan.idleSessions + 1} idle sessions`, peer.name, idle.wakeupsPerSecond);
        }
      }
    }
  } finally {
    for (const peer of peers) await peer.dispose();
    log.dispose();
  }
}

/** What is stale of what runs. */
function build(): void {
  const root = resolve(import.meta.dirname, '..', '..');
  const targets = ['host', 'keeper', 'screen-worker', 'cli', 'shell'];
  const { status } = spawnSync(process.execPath, ['build/bundle.ts', ...targets], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(1);
}

function note(text: string): void {
  process.stderr.write(`${seconds()} s: ${text}\n`);
}

function seconds(): string {
  return ((performance.now() - startedAt) / 1000).toFixed(0);
}
