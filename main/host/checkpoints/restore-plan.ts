/**
 * What bringing files back would do, and what forbids it: nothing that is in no checkpoint is ever overwritten. Decided
 * before the first file is touched.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { type BytePath, below, fromBytes, isPlain, shownPath } from './byte-path.ts';
import type { Change } from './difference.ts';
import { currentHash } from './file-state.ts';
import { parted } from './safe-folder.ts';
import { editedBy, openForWriting } from './unsaved.ts';

export type RestorePlan = {
  /** Deleted first: made since, or in the way of what comes back. */
  readonly deletes: Change[];
  readonly writes: Change[];
  readonly kept: BytePath[];
  /** Each a file and why it stands in the way. */
  readonly conflicts: { path: BytePath; why: string }[];
};

/** `changes` lead from the checkpoint of what is there to the wanted one. */
export function planRestore(folder: string, changes: readonly Change[], options: { delete: boolean }): RestorePlan {
  const plan: RestorePlan = { deletes: [], writes: [], kept: [], conflicts: [] };
  const gone = new Map(changes.filter(({ status }) => status === 'D').map((change) => [change.path, change]));
  const inTheWay = new Set<BytePath>();
  const open = openForWriting(folder);
  const listed = new Map<BytePath, ReadonlySet<string>>();
  const conflict = (path: BytePath, why: string) => plan.conflicts.push({ path, why });
  const mustBeFree = (path: BytePath) => {
    const { folder: outer, name } = parted(path);
    const names = listed.get(outer) ?? namesIn(below(folder, outer));
    listed.set(outer, names);
    const pid = open.get(fromBytes(below(folder, path)));
    const why = editedBy(name, names) ?? (pid === undefined ? null : `is open for writing in process ${pid}`);
    if (why) conflict(path, why);
  };
  for (const change of changes) {
    const { path, status } = change;
    if (status === 'D') continue;
    if (!isPlain(path)) {
      conflict(path, 'is no name that a checkpoint may write');
      continue;
    }
    plan.writes.push(change);
    const obstacle = foldersOf(path).find((outer) => lstatSync(below(folder, outer), { throwIfNoEntry: false })?.isDirectory() === false);
    if (obstacle !== undefined) {
      // A file or a link where a folder was: below it there is nothing of this folder's.
      if (gone.has(obstacle)) inTheWay.add(obstacle);
      else conflict(obstacle, 'is in the way, and in no checkpoint');
      continue;
    }
    const entry = lstatSync(below(folder, path), { throwIfNoEntry: false });
    if (!entry) {
      if (status !== 'A') conflict(path, 'was deleted just now');
    } else if (entry.isDirectory()) {
      for (const inner of filesBelow(folder, path)) {
        if (gone.has(inner)) inTheWay.add(inner);
        else conflict(inner, 'is in the way, and in no checkpoint');
      }
    } else if (status === 'A') {
      if (currentHash(below(folder, path)) !== change.newHash) conflict(path, 'is in no checkpoint: git ignores it, or it is too big');
    } else mustBeFree(path);
  }
  for (const [path, change] of gone) {
    if (options.delete || inTheWay.has(path)) {
      if (lstatSync(below(folder, path), { throwIfNoEntry: false })) mustBeFree(path);
      plan.deletes.push(change);
    } else plan.kept.push(path);
  }
  return plan;
}

export const sentenceFor = ({ path, why }: RestorePlan['conflicts'][number]) => `${shownPath(path)} ${why}`;

function foldersOf(path: BytePath): BytePath[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join('/') as BytePath);
}

function namesIn(folder: Buffer): ReadonlySet<string> {
  try {
    return new Set(readdirSync(folder, 'buffer').map((name) => fromBytes(name)));
  } catch {
    return new Set(); // it is not there
  }
}

function filesBelow(folder: string, path: BytePath): BytePath[] {
  return readdirSync(below(folder, path), { encoding: 'buffer', withFileTypes: true }).flatMap((entry) => {
    const inner = `${path}/${fromBytes(entry.name)}` as BytePath;
    return entry.isDirectory() ? filesBelow(folder, inner) : [inner];
  });
}
