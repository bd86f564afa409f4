/** Removes a file of the host's own, also in a timer or while it ends: a disk that refuses must not end it. */
import { rmSync } from 'node:fs';

/** `left`: what follows where it stays, for the log. */
export function removeFile(file: string, left: string): void {
  try {
    rmSync(file, { force: true });
  } catch (error) {
    console.error(`${file} cannot be removed, ${left}: remove it by hand:`, error);
  }
}
