/** How a session ended, for people. Pure. */
import type { SessionEnd } from '#protocol/shapes.ts';

/** `exit code 1`, `SIGKILL`, or why nobody knows. */
export function showEnd(end: SessionEnd): string {
  if (end.reason === 'keeper-lost') return 'its keeper is gone';
  if (end.reason === 'machine-restarted') return 'the machine restarted';
  return end.signal ?? `exit code ${end.code ?? 'unknown'}`;
}
