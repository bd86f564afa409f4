/** What a checkpoint's process is told to do, and what it answers: one JSON line each. */
import type { ChangedFile } from '#protocol/checkpoints.ts';
import type { WireError } from '#protocol/errors.ts';
import type { Shadow } from './git.ts';

/** Paths are bytes as characters (byte-path.ts). */
export type Job =
  /** `onlyIfChanged`: nothing is kept where the files are those of `previous`. */
  | { do: 'create'; shadow: Shadow; id: number; previous: string | null; onlyIfChanged: boolean }
  | { do: 'tree'; shadow: Shadow }
  | { do: 'diff'; shadow: Shadow; trees: [string, string]; paths: string[]; stat: boolean; from: number }
  | { do: 'restore'; shadow: Shadow; trees: [string, string]; paths: string[]; delete: boolean; dryRun: boolean }
  /** Checkpoints that are kept no longer, and what only they have. */
  | { do: 'drop'; shadow: Shadow; ids: number[] };

export type Counted = { count: number; paths: string[] };

/** By `do`. Paths are shown. */
export type JobResult = {
  create: {
    tree: string;
    files: number;
    skipped: Counted;
    changed: { added: number; modified: number; deleted: number; paths: string[] };
  };
  tree: { tree: string };
  diff: { files: ChangedFile[]; totals: { files: number; added: number; deleted: number }; text: string; next: number | null };
  restore: { written: Counted; deleted: Counted; kept: Counted };
  drop: Record<string, never>;
};

export type JobLine = { progress: { done: number; total: number } } | { result: unknown } | { error: WireError };
