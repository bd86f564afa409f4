/** What differs between two trees of a shadow repository: which files, how many lines, and the text of it by pages. */
import type { ChangedFile } from '#protocol/checkpoints.ts';
import { type BytePath, isWanted, shownPath, splitAtNul, toBytes } from './byte-path.ts';
import { git, type Shadow } from './git.ts';

/** A tree without files: git knows it without having it. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

export type Change = {
  readonly path: BytePath;
  readonly status: 'A' | 'M' | 'D' | 'T';
  /** As in the tree: 100644, 100755, 120000; 0 where it is not in it. */
  readonly oldMode: number;
  readonly newMode: number;
  readonly oldHash: string;
  readonly newHash: string;
};

/** In the order of their paths. */
export async function changesBetween(
  shadow: Shadow,
  trees: readonly [string, string],
  wanted: readonly BytePath[] = [],
): Promise<Change[]> {
  const words = splitAtNul(await git(shadow, ['diff-tree', '-r', '-z', '--no-renames', '--raw', ...trees]));
  const changes: Change[] = [];
  for (let at = 0; at + 1 < words.length; at += 2) {
    const path = words[at + 1];
    const meta = /^:(\d+) (\d+) ([0-9a-f]{40}) ([0-9a-f]{40}) ([AMDT])/.exec(words[at] ?? '');
    if (!meta || path === undefined || !isWanted(path, wanted)) continue;
    const [, oldMode = '0', newMode = '0', oldHash = '', newHash = '', status] = meta;
    if (status !== 'A' && status !== 'M' && status !== 'D' && status !== 'T') continue;
    changes.push({ path, status, oldMode: Number.parseInt(oldMode, 8), newMode: Number.parseInt(newMode, 8), oldHash, newHash });
  }
  return changes;
}

const IS: Readonly<Record<Change['status'], ChangedFile['is']>> = { A: 'added', M: 'modified', D: 'deleted', T: 'type-changed' };

/** Every changed file with its lines. */
export async function filesBetween(shadow: Shadow, trees: readonly [string, string], wanted: readonly BytePath[]): Promise<ChangedFile[]> {
  const [changes, numbers] = await Promise.all([
    changesBetween(shadow, trees, wanted),
    git(shadow, ['diff-tree', '-r', '-z', '--no-renames', '--no-ext-diff', '--no-textconv', '--numstat', ...trees]),
  ]);
  const lines = new Map<string, { added: number | null; deleted: number | null }>();
  for (const row of splitAtNul(numbers)) {
    const [, added = '-', deleted = '-', path = ''] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(row) ?? [];
    lines.set(path, { added: added === '-' ? null : Number(added), deleted: deleted === '-' ? null : Number(deleted) });
  }
  return changes.map(({ path, status }) => ({
    path: shownPath(path),
    is: IS[status],
    ...(lines.get(path) ?? { added: null, deleted: null }),
  }));
}

/** `limit` bytes of the difference from byte `from`, up to the end of a line; `next` where there is more. */
export async function textBetween(
  shadow: Shadow,
  trees: readonly [string, string],
  page: { wanted: readonly BytePath[]; from: number; limit: number },
): Promise<{ text: string; next: number | null }> {
  const pieces: Buffer[] = [];
  let length = 0;
  const enough = page.from + page.limit + 1;
  const words = ['diff-tree', '-r', '-p', '--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', ...trees];
  // Arguments of a program are text: a name that is none is given as its first part that is.
  const paths = page.wanted.map((path) => toBytes(path).toString());
  await git(shadow, [...words, '--', ...(paths.some((path) => path.includes('\ufffd')) ? [] : paths)], {
    output: (piece) => {
      pieces.push(piece);
      length += piece.length;
      return length < enough;
    },
  });
  const bytes = Buffer.concat(pieces).subarray(page.from);
  if (bytes.length <= page.limit) return { text: bytes.toString(), next: null };
  const lineEnd = bytes.lastIndexOf(0x0a, page.limit - 1);
  const cut = lineEnd > 0 ? lineEnd + 1 : page.limit;
  return { text: bytes.subarray(0, cut).toString(), next: page.from + cut };
}
