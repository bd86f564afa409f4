/** Puts a process behind those that somebody waits for. */
import type { ChildProcess } from 'node:child_process';
import { setPriority } from 'node:os';

/** `priority`: 0 is everybody's, 19 the last. */
export function giveWay({ pid }: ChildProcess, priority: number): void {
  try {
    if (pid !== undefined) setPriority(pid, priority);
  } catch {
    // it could not be started, or has ended already
  }
}
