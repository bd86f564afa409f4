/**
 * Who starts the host, when many clients lose it at once: one of them, while the others look for its socket. A hint that
 * saves ten starts, no more; that there is one host is the host's own lock's business.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** A start takes a fifth of a second; a claim this old, milliseconds, belongs to nobody any more. */
const STALE_MS = 2_000;

/** Null while someone else is at it. */
export function claimStart(file: string): { release(): void } | null {
  for (const isLastTry of [false, true]) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
      return { release: () => rmSync(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return { release: () => {} }; // an odd folder: start all the same
      if (isLastTry || !isStale(file)) return null;
      rmSync(file, { force: true });
    }
  }
  return null;
}

function isStale(file: string): boolean {
  try {
    // Both are of the wall clock, which may have jumped: a claim from the future is none.
    const ageMs = Date.now() - statSync(file).mtimeMs;
    return Math.abs(ageMs) > STALE_MS || !isRunning(Number(readFileSync(file, 'utf8')));
  } catch {
    return true; // released just now
  }
}

function isRunning(pid: number): boolean {
  if (pid === 0) return true; // claimed, and its number is not written yet
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
