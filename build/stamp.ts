/** Which outputs are stale: every target remembers the files it was made from, by time, size and content. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

type Input = { readonly mtimeMs: number; readonly size: number; readonly hash: string };

export type Stamp = {
  readonly inputs: Readonly<Record<string, Input>>;
  /** From dist/. */
  readonly outputs: readonly string[];
};

/** Null if there is none or it cannot be read: then the target is built. */
export function readStamp(file: string): Stamp | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isStamp(parsed) ? parsed : null;
  } catch {
    return null; // absent or torn: building again is always right
  }
}

/** True if every output exists and every input is what it was. A changed time with the same content is not stale. */
export function isFresh(stamp: Stamp, root: string, dist: string): boolean {
  if (!stamp.outputs.every((output) => existsSync(join(dist, output)))) return false;
  return Object.entries(stamp.inputs).every(([file, input]) => {
    const path = join(root, file);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return false;
    if (stat.size !== input.size) return false;
    return stat.mtimeMs === input.mtimeMs || hashOf(path) === input.hash;
  });
}

export function newStamp({ files, outputs, root }: { files: Iterable<string>; outputs: string[]; root: string }): Stamp {
  const inputs: Record<string, Input> = {};
  for (const path of [...files].sort()) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile()) inputs[relative(root, path)] = { mtimeMs: stat.mtimeMs, size: stat.size, hash: hashOf(path) };
  }
  return { inputs, outputs: outputs.sort() };
}

/** Replaces the file in one step, so that whoever reads at that moment sees the old one or the new one. */
export function writeWhole(file: string, content: string | Uint8Array, mode = 0o666): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, content, { mode });
  renameSync(temporary, file);
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function isStamp(value: unknown): value is Stamp {
  return typeof value === 'object' && value !== null && 'inputs' in value && 'outputs' in value && Array.isArray(value.outputs);
}
