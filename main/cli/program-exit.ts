/** The exit code that passes a session's end on, as shells do. Pure. */
import { constants } from 'node:os';
import type { SessionEnd } from '#protocol/shapes.ts';

/** The program's own; 128 + n after signal n; 1 where nobody knows. */
export function programExitCode({ code, signal }: SessionEnd): number {
  if (signal !== null) return 128 + (Object.entries(constants.signals).find(([name]) => name === signal)?.[1] ?? 0);
  return code ?? 1;
}
