/** What `npm run build:remote` makes, made once for all who need it in a run. */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { nodePath } from '#local/runtime.ts';

export function buildRealArchive(): void {
  const madeAt = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (madeAt(`dist/remote/${process.platform}-${process.arch}.json`) > madeAt('dist/cli.mjs')) return;
  const built = spawnSync(nodePath(), ['build/remote.ts'], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
}
