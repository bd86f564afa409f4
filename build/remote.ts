/**
 * `npm run build:remote`: dist/remote/, what `cmdop hosts install` and the app put on another machine: one archive with
 * host, keeper, command line, bridge and a Node. It is of the platform it is made on: Node and the PTY's native part are
 * taken from this machine, so an archive for linux-arm64 or darwin-arm64 is made there, and copied into dist/remote here.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  createReadStream,
  createWriteStream,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import { type RuntimeFiles, runtimeFiles } from './runtime-files.ts';

const root = resolve(fileURLToPath(import.meta.url), '..', '..');
const out = join(root, 'dist', 'remote');
const platform = `${process.platform}-${process.arch}`;

if (process.platform === 'win32') {
  console.error('build:remote: Windows machines are not installed to over SSH; run this on Linux or macOS');
  process.exit(1);
}
if (spawnSync(process.execPath, ['build/bundle.ts'], { cwd: root, stdio: 'inherit' }).status !== 0) process.exit(1);
const staged = stage();
try {
  await archive(staged);
} finally {
  rmSync(staged, { recursive: true, force: true });
}

function stage(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-remote-'));
  for (const files of runtimeFiles(root)) copy(files, join(folder, files.to));
  return folder;
}

function copy({ from, filter }: RuntimeFiles, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  if (!filter) {
    cpSync(from, to, { recursive: true });
    return;
  }
  const matching = (patterns: readonly string[]) =>
    new Set(patterns.flatMap((pattern) => globSync([pattern, `${pattern}/**`], { cwd: from })));
  const left = matching(filter.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1)));
  for (const path of matching(filter.filter((pattern) => !pattern.startsWith('!')))) {
    if (left.has(path) || path.startsWith('.') || !statSync(join(from, path)).isFile()) continue;
    mkdirSync(dirname(join(to, path)), { recursive: true });
    cpSync(join(from, path), join(to, path));
  }
}

async function archive(folder: string): Promise<void> {
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  mkdirSync(out, { recursive: true });
  const temporary = join(out, `.${process.pid}.new`);
  // The same content makes the same archive, where tar can: its hash is the name of what is installed. Everybody may read it,
  // since in an image it is root's, and another account runs it.
  const isGnu = spawnSync('tar', ['--version'], { encoding: 'utf8' }).stdout?.includes('GNU') ?? false;
  const steady = isGnu ? ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=u+rwX,go+rX,go-w'] : [];
  const tar = spawn('tar', [...steady, '-cf', '-', '-C', folder, '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((done) => tar.once('close', done));
  await pipeline(tar.stdout, createGzip({ level: 6 }), createWriteStream(temporary));
  if ((await ended) !== 0) throw new Error('tar failed');
  const hash = createHash('sha256');
  await pipeline(createReadStream(temporary), hash);
  const sha256 = hash.digest('hex');
  const file = `cmdop-${version}-${platform}-${sha256.slice(0, 12)}.tar.gz`;
  for (const name of readdirSync(out)) if (name.includes(`-${platform}-`) && name !== file) rmSync(join(out, name));
  renameSync(temporary, join(out, file));
  const manifest = { version, platform, file, bytes: statSync(join(out, file)).size, unpackedBytes: sizeOf(folder), sha256 };
  writeFileSync(join(out, `${platform}.json`), `${JSON.stringify(manifest, null, 2)}\n`);
  const others = readdirSync(out).filter((name) => name.endsWith('.json') && name !== `${platform}.json`);
  console.log(`dist/remote/${file}: ${(manifest.bytes / 1e6).toFixed(1)} MB for ${platform}`);
  console.log(`other platforms are made on such a machine${others.length > 0 ? ` (here are also: ${others.join(', ')})` : ''}`);
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
