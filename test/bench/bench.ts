/**
 * `npm run bench [-- --quick] [--json FILE] [--plot FILE] [--rounds N] [--only PART,PART…]`, the parts in rounds.ts:
 * cmdop beside tmux, dtach, a bare PTY and a bare relay, turn by turn on the same machine and load; medians of the rounds, their
 * spread, and ratios. `ssh` and `forward` need sshd. All of it takes more than an hour of a quiet machine, most
 * of it the crowds; `--quick` five minutes, and shows what it has of the first round within one.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compileEarly } from '#local/early-tiers.ts';
import { Figures } from './figures.ts';
import { plot } from './plot.ts';
import { FULL, PARTS, type Part, QUICK, runRounds } from './rounds.ts';

const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    json: { type: 'string' },
    plot: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string' },
  },
});
const rounds = given.rounds === undefined ? undefined : Number(given.rounds);
if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
  fail(`--rounds ${given.rounds} is no number of rounds: write 1 or more`);
const only = (given.only?.split(',') ?? PARTS).map((name) => {
  const part = PARTS.find((each) => each === name);
  return part ?? fail(`--only ${name} is no part of the bench: there are ${PARTS.join(', ')}`);
});
const plan = { ...(given.quick ? QUICK : FULL), ...(rounds === undefined ? {} : { rounds }), only: new Set<Part>(only) };

compileEarly(); // as every client of ours that stays does
build();
const figures = new Figures();
const startedAt = performance.now();
const load = loadavg()[0] ?? 0;
await runRounds(plan, figures, (text) => process.stderr.write(`${seconds()} s: ${text}\n`));
const about = [
  new Date().toISOString().slice(0, 10),
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
  `load average ${load.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after`,
  `${plan.rounds} rounds in ${seconds()} s`,
].join('; ');
console.log(figures.table());
console.log(about);
if (given.json) {
  const kept = { at: new Date().toISOString(), about, plan: { ...plan, only }, load, figures: figures.json() };
  writeFileSync(given.json, `${JSON.stringify(kept, null, 2)}\n`);
}
const plotFile = given.plot ?? given.json?.replace(/(\.json)?$/, '.svg');
if (plotFile) writeFileSync(plotFile, plot(figures.json(), about));
process.exit(0);

/** What is stale of what runs. */
function build(): void {
  const root = resolve(import.meta.dirname, '..', '..');
  const targets = [
    'host',
    'keeper',
    'screen-worker',
    'search-worker',
    'sketch-worker',
    'wal-thread',
    'replay-worker',
    'checkpoint-worker',
    'packing-thread',
    'cli',
    'command',
    'shell',
  ];
  const { status } = spawnSync(process.execPath, ['build/bundle.ts', ...targets], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(1);
}

function fail(sentence: string): never {
  process.stderr.write(`bench: ${sentence}\n`);
  process.exit(2);
}

function seconds(): string {
  return ((performance.now() - startedAt) / 1000).toFixed(0);
}
