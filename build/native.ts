/** Compiles what is small enough to be worth it in C, where that can be done: on Linux, with a C compiler. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FLAGS = ['-std=c17', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-fstack-protector-strong', '-D_FORTIFY_SOURCE=2', '-s'];
/**
 * Whole, where it can be, so that it runs on every Linux of this processor, whatever libraries that has: it is copied to other
 * machines and into containers. The first that works.
 */
const LINKED = [['-fPIE', '-static-pie'], ['-static'], ['-fPIE', '-pie']];

/** The program made of these sources; a sentence where this machine cannot make it. It must end well when it is told nothing. */
export function compileNative(sources: readonly string[]): Uint8Array | string {
  if (process.platform !== 'linux') return `not tried on ${process.platform}`;
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-native-'));
  try {
    const program = join(folder, 'program');
    let problem = '';
    for (const linked of LINKED) {
      const made = spawnSync(process.env.CC ?? 'cc', [...FLAGS, ...linked, '-o', program, ...sources, '-lm'], { encoding: 'utf8' });
      if (made.error) return `no C compiler (${made.error.message})`;
      if (made.status === 0 && spawnSync(program, { input: '' }).status === 0) return readFileSync(program);
      problem = made.stderr.trim() || 'what was made does not run';
    }
    return problem;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
