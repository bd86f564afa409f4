/** The value of `--since`. */
import { UsageError } from './exit-codes.ts';
import { parseSince } from './times.ts';

/** Throws UsageError. */
export function sinceOf(given: string): number {
  const since = parseSince(given, Date.now());
  if (since === null) throw new UsageError(`"${given}" is no time: write 10m, 2h, 14:30, yesterday, 2026-11-22 or 2026-11-22T14:30`);
  return since;
}
