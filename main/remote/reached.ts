/** When each host was last reached from here: a convenience of `cmdop hosts`, lost without harm. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { localPaths } from '#local/paths.ts';

/** One is not noted again within this time, milliseconds. */
const NOTE_EVERY_MS = 60_000;
/** Hosts that are remembered. */
const MAX_HOSTS = 500;

const times = z.record(z.string().max(256), z.number());

const file = () => join(localPaths().stateDir, 'reached.json');

/** Unix times by host. */
export function reachedTimes(): Readonly<Record<string, number>> {
  try {
    return times.parse(JSON.parse(readFileSync(file(), 'utf8')));
  } catch {
    return {}; // none yet, or damaged: it fills again
  }
}

export function noteReached(host: string, now: number): void {
  const known = reachedTimes();
  if (now - (known[host] ?? 0) < NOTE_EVERY_MS) return;
  const newest = Object.entries({ ...known, [host]: now }).sort(([, a], [, b]) => b - a);
  try {
    mkdirSync(localPaths().stateDir, { recursive: true, mode: 0o700 });
    const temporary = `${file()}.${process.pid}.new`;
    writeFileSync(temporary, JSON.stringify(Object.fromEntries(newest.slice(0, MAX_HOSTS))), { mode: 0o600 });
    renameSync(temporary, file());
  } catch {
    // a full or read-only disk is no reason not to work over there
  }
}
