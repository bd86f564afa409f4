/** Folders for tests of checkpoints, and checkpoints of them without a host: the same code in this process, with real git. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BytePath } from '../../main/host/checkpoints/byte-path.ts';
import { changesBetween } from '../../main/host/checkpoints/difference.ts';
import type { Shadow } from '../../main/host/checkpoints/git.ts';
import { restoreFiles } from '../../main/host/checkpoints/restore.ts';
import { planRestore, type RestorePlan } from '../../main/host/checkpoints/restore-plan.ts';
import { type Snapshot, takeSnapshot } from '../../main/host/checkpoints/snapshot.ts';

export type TreeWorld = {
  readonly root: string;
  /** A folder below the root, made. */
  folder(name: string): string;
  shadowOf(folder: string): Shadow;
  take(folder: string): Promise<Snapshot>;
  /** The user's own git, with an identity. */
  git(folder: string, ...words: string[]): string;
  /** Back to `tree`, as the worker does it: after a checkpoint of what is there. */
  restore(folder: string, tree: string, options?: { delete?: boolean; paths?: string[]; meanwhile?: () => void }): Promise<RestorePlan>;
  dispose(): void;
};

export function openTreeWorld(): TreeWorld {
  const root = mkdtempSync(join(tmpdir(), 'cmdop-trees-'));
  const shadowOf = (folder: string) => ({ gitDir: join(root, 'shadows', createHash('sha1').update(folder).digest('hex')), folder });
  const take = (folder: string) => takeSnapshot(shadowOf(folder), () => {});
  return {
    root,
    shadowOf,
    take,
    folder(name) {
      const folder = join(root, name);
      mkdirSync(folder, { recursive: true });
      return folder;
    },
    git: (folder, ...words) =>
      execFileSync('git', words, {
        cwd: folder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env.PATH ?? '',
          HOME: root,
          GIT_CONFIG_NOSYSTEM: '1',
          ...{ GIT_AUTHOR_NAME: 'ann', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'ann', GIT_COMMITTER_EMAIL: 'a@b' },
          GIT_ALLOW_PROTOCOL: 'file',
        },
      }),
    async restore(folder, tree, { delete: isDeleting = false, paths = [], meanwhile = () => {} } = {}) {
      const shadow = shadowOf(folder);
      const before = await take(folder);
      const changes = await changesBetween(shadow, [before.tree, tree], paths as BytePath[]);
      const plan = planRestore(folder, changes, { delete: isDeleting });
      meanwhile();
      if (plan.conflicts.length === 0) await restoreFiles(shadow, plan, () => {});
      return plan;
    },
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Everything in a folder, byte by byte and bit by bit: names, kinds, permissions, content, and when it was written. */
export function fingerprint(folder: string): string {
  const sum = createHash('sha256');
  const visit = (path: Buffer) => {
    for (const name of readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare)) {
      const place = Buffer.concat([path, Buffer.from('/'), name]);
      const entry = lstatSync(place);
      sum.update(place).update(`${entry.mode} ${entry.isDirectory() ? '' : entry.mtimeMs}`);
      if (entry.isDirectory()) visit(place);
      else sum.update(entry.isSymbolicLink() ? readlinkSync(place) : readFileSync(place));
    }
  };
  visit(Buffer.from(folder));
  return sum.digest('hex');
}
