/** An archive for installations: eight megabytes that do not compress, and a command `cmdop` that runs this checkout's. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePath } from '#local/runtime.ts';

const WORKING = `[ "$1" = --version ] && exit\nexec '${nodePath()}' '${process.cwd()}/dist/cli.mjs' "$@"`;

/** Folder with `small.tar.gz`, to be described and removed by who asks. `command` is what its `cmdop` does, for `sh`. */
export function smallArchive({ command = WORKING }: { command?: string } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-archives-'));
  const staged = mkdtempSync(join(tmpdir(), 'cmdop-staged-'));
  mkdirSync(join(staged, 'bin'));
  writeFileSync(join(staged, 'bin', 'cmdop'), `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  spawnSync('sh', ['-c', `head -c 8388608 /dev/urandom > '${staged}/ballast'; tar -C '${staged}' -czf '${folder}/small.tar.gz' .`]);
  rmSync(staged, { recursive: true });
  return folder;
}

/** Writes what an installation reads about it; returns its hash. */
export function describeSmallArchive(folder: string, different: Record<string, unknown> = {}): string {
  const bytes = readFileSync(join(folder, 'small.tar.gz'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const platform = `linux-${process.arch}`;
  const manifest = { version: '9.9.9', platform, file: 'small.tar.gz', bytes: bytes.length, unpackedBytes: bytes.length, sha256 };
  writeFileSync(join(folder, `${platform}.json`), JSON.stringify({ ...manifest, ...different }));
  return sha256;
}
