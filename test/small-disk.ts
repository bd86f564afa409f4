/** A disk of 1 MiB at a folder, where this user may mount one: what a full, busy or read-only disk is to the code under test. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** False where this user may not. */
export function mountSmallDisk(folder: string): boolean {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const unmountDisk = (folder: string) => execFileSync('umount', ['-l', folder]);

/** As a kernel does with a disk that has errors. Nothing may have a file of it open to write. */
export const makeReadOnly = (folder: string) => execFileSync('mount', ['-o', 'remount,ro', folder], { stdio: 'ignore' });
export const makeWritable = (folder: string) => execFileSync('mount', ['-o', 'remount,rw', folder], { stdio: 'ignore' });
