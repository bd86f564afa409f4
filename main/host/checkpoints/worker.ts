/**
 * The process that makes, compares and restores one checkpoint, beside whatever people do: reads its job from stdin, says
 * how far it is and what came of it, and ends. It ends at once, with its gits, when the host closes its stdin.
 */
import { renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { endNow } from '#local/end-now.ts';
import { CmdopError, toWireError } from '#protocol/errors.ts';
import { type BytePath, shownPath } from './byte-path.ts';
import { type Change, changesBetween, EMPTY_TREE, filesBetween, textBetween } from './difference.ts';
import { git, openShadow, type Shadow } from './git.ts';
import type { Counted, Job, JobLine, JobResult } from './job.ts';
import { restoreFiles } from './restore.ts';
import { planRestore, sentenceFor } from './restore-plan.ts';
import { dropIndexes, takeSnapshot } from './snapshot.ts';

/** Below everything people wait for. */
const NICE = 10;
/** Names in an answer, and bytes of a difference: what fits into a frame, even with every character escaped. */
const MAX_NAMES = 200;
const MAX_FILES = 2_000;
const PAGE_BYTES = 96 * 1024;
const MIN_PROGRESS_MS = 200;

let toldAt = 0;
const say = (line: JobLine) => {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
};
const progress = (done: number, total: number) => {
  if (performance.now() - toldAt < MIN_PROGRESS_MS) return;
  toldAt = performance.now();
  say({ progress: { done, total } });
};

async function run(job: Job): Promise<JobResult[keyof JobResult]> {
  const { shadow } = job;
  switch (job.do) {
    case 'create': {
      const { tree, files, skipped } = await takeSnapshot(shadow, progress);
      const changes = await changesBetween(shadow, [job.previous ?? EMPTY_TREE, tree]);
      if (!job.onlyIfChanged || tree !== job.previous) keepTree(shadow, job.id, tree);
      return { tree, files, skipped: counted(skipped), changed: summary(changes) };
    }
    case 'tree':
      return { tree: (await takeSnapshot(shadow, progress)).tree };
    case 'diff': {
      const paths = job.paths as BytePath[];
      openShadow(shadow);
      const files = job.from > 0 ? [] : await filesBetween(shadow, job.trees, paths);
      const sum = (of: (file: (typeof files)[number]) => number | null) => files.reduce((total, file) => total + (of(file) ?? 0), 0);
      const totals = { files: files.length, added: sum(({ added }) => added), deleted: sum(({ deleted }) => deleted) };
      const page = job.stat
        ? { text: '', next: null }
        : await textBetween(shadow, job.trees, { wanted: paths, from: job.from, limit: PAGE_BYTES });
      return { files: fitting(files), totals, ...page };
    }
    case 'restore': {
      const changes = await changesBetween(shadow, job.trees, job.paths as BytePath[]);
      const plan = planRestore(shadow.folder, changes, job);
      const [first] = plan.conflicts;
      if (first) {
        const more = plan.conflicts.length > 1 ? ` (and ${plan.conflicts.length - 1} more)` : '';
        const paths = plan.conflicts.slice(0, 20).map(sentenceFor);
        throw new CmdopError(
          'unsaved',
          `nothing was restored: ${sentenceFor(first)}${more}; save and close it, move it away, or restore other paths`,
          { paths },
        );
      }
      if (!job.dryRun) await restoreFiles(shadow, plan, progress);
      const names = (of: readonly Change[]) => counted(of.map(({ path }) => path));
      return { written: names(plan.writes), deleted: names(plan.deletes), kept: counted(plan.kept) };
    }
    case 'drop': {
      openShadow(shadow);
      for (const id of job.ids) rmSync(refFile(shadow, id), { force: true });
      dropIndexes(shadow); // git spares what the first one names, not the others
      await git(shadow, ['repack', '-a', '-d', '-q']);
      await git(shadow, ['prune', '--expire=now']);
      return {};
    }
  }
}

const refFile = ({ gitDir }: Shadow, id: number) => join(gitDir, 'refs', 'checkpoints', String(id));

/** A ref as git writes it: what it names is never pruned. */
function keepTree(shadow: Shadow, id: number, tree: string): void {
  const file = refFile(shadow, id);
  writeFileSync(`${file}.lock`, `${tree}\n`, { mode: 0o600 });
  renameSync(`${file}.lock`, file);
}

function summary(changes: readonly Change[]): JobResult['create']['changed'] {
  const count = (status: Change['status']) => changes.filter((change) => change.status === status).length;
  const { paths } = counted(changes.map(({ path }) => path));
  return { added: count('A'), modified: count('M') + count('T'), deleted: count('D'), paths };
}

function counted(paths: readonly BytePath[]): Counted {
  return { count: paths.length, paths: paths.slice(0, MAX_NAMES).map((path) => shownPath(path).slice(0, 1_000)) };
}

function fitting<T extends { path: string }>(files: readonly T[]): T[] {
  let characters = 0;
  return files.slice(0, MAX_FILES).filter(({ path }) => {
    characters += path.length;
    return characters < 100_000;
  });
}

function main(): void {
  try {
    setPriority(NICE);
  } catch {
    // then it is as urgent as everything else
  }
  const lines = createInterface({ input: process.stdin });
  lines.once('line', (line) => {
    run(JSON.parse(line) as Job).then(
      (result) => {
        say({ result });
        endNow();
      },
      (error: unknown) => {
        if (!(error instanceof CmdopError)) console.error(error);
        say({
          error:
            error instanceof CmdopError
              ? toWireError(error)
              : { code: 'internal', message: error instanceof Error ? error.message : String(error) },
        });
        endNow();
      },
    );
  });
  // In a group of its own: what it started ends with it.
  lines.once('close', () => (process.platform === 'win32' ? endNow() : process.kill(-process.pid, 'SIGKILL')));
}

main();
