/** The `cmdop` command: the command line, and what Node compiled of it at an earlier run, which is a third of its start. */
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { dirname } from 'node:path';
import { localPaths } from '#local/paths.ts';

/** Beyond these all go, folders counted in: every version that was ever run here leaves one or two files, of a megabyte each. */
const MAX_ENTRIES = 16;

const { cacheDir } = localPaths();
if (isUsable(cacheDir)) enableCompileCache?.(cacheDir); // Node 20 has none
await import(new URL('cli.mjs', import.meta.url).href);

/** What is kept there is run, so nobody else may write to it. Where it cannot be made, each run compiles for itself. */
function isUsable(folder: string): boolean {
  try {
    for (const each of [dirname(folder), folder]) makeFolder(each);
    const entry = lstatSync(folder);
    if (!entry.isDirectory()) return false;
    if (process.platform !== 'win32' && (entry.uid !== process.getuid?.() || (entry.mode & 0o022) !== 0)) return false;
    const held = readdirSync(folder, { recursive: true });
    if (held.length > MAX_ENTRIES) for (const each of held) rmSync(`${folder}/${each}`, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
