/** Whether all that the checkpoints of a folder keep is there, byte for byte. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Damage } from '../output/segment.ts';
import { git, type Shadow } from './git.ts';

/** At the end of an index: SHA-1 of what stands before it, bytes. */
const SUM_BYTES = 20;

/** Reads every object, in a process of git's. `trees`: of the checkpoints that there are. */
export async function verifyShadow(shadow: Shadow, trees: readonly string[]): Promise<Damage[]> {
  const faults = await faultsOf(shadow, trees);
  // A checkpoint may just have been dropped, with what only it needed.
  return faults.length > 0 ? faultsOf(shadow, trees) : faults;
}

async function faultsOf({ gitDir, folder }: Shadow, trees: readonly string[]): Promise<Damage[]> {
  const file = `checkpoints/${basename(gitDir)}`;
  const damaged = (why: string): Damage[] => [
    { file, reason: `files that checkpoints of ${folder} keep are damaged or missing (${why}): what is intact can be restored` },
  ];
  // Its folder may be gone.
  const shadow = { gitDir, folder: gitDir };
  const env = { GIT_INDEX_FILE: join(gitDir, 'no-index') };
  try {
    await git(shadow, ['fsck', '--full', '--no-dangling', '--no-progress'], { env });
    const found = (
      await git(shadow, ['cat-file', '--batch-check=%(objecttype)'], { env, input: Buffer.from(trees.join('\n')) })
    ).toString();
    const missing = found.split('\n').filter((line) => line.endsWith(' missing')).length;
    if (missing > 0) return damaged(`${missing} of ${trees.length} checkpoints`);
  } catch (error) {
    return damaged((error as Error).message);
  }
  const faults: Damage[] = [];
  for (const name of (await readdir(gitDir)).filter((each) => /^index(?:-[0-9a-f]{64})?$/.test(each)))
    if (!(await isWholeIndex(join(gitDir, name))))
      faults.push({ file: `${file}/${name}`, reason: 'it only tells what need not be read again: the next checkpoint reads everything' });
  return faults;
}

async function isWholeIndex(file: string): Promise<boolean> {
  try {
    const { size } = await stat(file);
    const hash = createHash('sha1');
    let sum = Buffer.alloc(0);
    for await (const bytes of createReadStream(file) as AsyncIterable<Buffer>) {
      const known = Buffer.concat([sum, bytes]);
      hash.update(known.subarray(0, Math.max(0, known.length - SUM_BYTES)));
      sum = known.subarray(Math.max(0, known.length - SUM_BYTES));
    }
    return size > SUM_BYTES && hash.digest().equals(sum);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'; // dropped meanwhile
  }
}
