/** Waits until a host has made the sketches of what it holds, and tells what they cost. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { endedChildrenCpuSeconds } from './processes.ts';

/** Longest, milliseconds. */
const LIMIT_MS = 600_000;

export type SketchCosts = { cpuSeconds: number /** Of what the output takes on disk. */; percent: number };

export async function untilSketched(sessions: string, host: number): Promise<SketchCosts> {
  await setTimeout(500); // the last search has ended, its process soon
  const before = endedChildrenCpuSeconds(host);
  for (const until = performance.now() + LIMIT_MS; ; await setTimeout(500)) {
    const { outputs, sketches, outputBytes, sketchBytes } = filesIn(sessions);
    const cpuSeconds = endedChildrenCpuSeconds(host) - before;
    if (sketches >= outputs && cpuSeconds > 0) return { cpuSeconds, percent: (100 * sketchBytes) / outputBytes };
    if (performance.now() > until) throw new Error(`${sketches} of ${outputs} sketches were made in ${LIMIT_MS / 1000} s`);
  }
}

function filesIn(sessions: string) {
  const found = { outputs: 0, sketches: 0, outputBytes: 0, sketchBytes: 0 };
  for (const session of readdirSync(sessions)) {
    for (const name of readdirSync(join(sessions, session))) {
      const { size } = statSync(join(sessions, session, name), { throwIfNoEntry: false }) ?? { size: 0 };
      if (name.startsWith('output-')) [found.outputs, found.outputBytes] = [found.outputs + 1, found.outputBytes + size];
      if (/^sketch-\d+$/.test(name)) [found.sketches, found.sketchBytes] = [found.sketches + 1, found.sketchBytes + size];
    }
  }
  return found;
}
