/** Where the Node that runs hosts and keepers is, and the bundles it runs. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CmdopError } from '#protocol/errors.ts';

/** The host's journal needs `node:sqlite`, and keepers must outlive upgrades under one known runtime. */
const MIN_NODE_MAJOR = 24;

/**
 * Node's flags for what lives for days: without V8's memory reducer, whose timer wakes every idle thread that runs
 * JavaScript every 8 s for ever, as strace shows.
 */
export const IDLE_FLAGS = ['--no-memory-reducer'];

export type Program =
  | 'host'
  | 'keeper'
  | 'cli'
  | 'mcp'
  | 'screen-worker'
  | 'file-worker'
  | 'checkpoint-worker'
  | 'packing-thread'
  | 'guests';

/** Sources by program, for a checkout that was not built yet: Node 24 runs them as they are. */
const SOURCES: Record<Program, string> = {
  host: 'main/host/main.ts',
  keeper: 'main/keeper/main.ts',
  cli: 'main/cli/main.ts',
  mcp: 'main/mcp/main.ts',
  'screen-worker': 'main/host/screen/screen-worker.ts',
  'file-worker': 'main/host/files/file-worker.ts',
  'checkpoint-worker': 'main/host/checkpoints/worker.ts',
  'packing-thread': 'main/host/checkpoints/packing-thread.ts',
  guests: 'main/guests/main.ts',
};

/** Path of a plain Node ≥ 24. Throws `host-unreachable` if there is none. */
export function nodePath(): string {
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  const candidates = [
    ...(process.env.CMDOP_NODE ? [process.env.CMDOP_NODE] : []),
    ...roots().flatMap((root) => [join(root, 'node', file), join(root, 'node_modules', 'node', 'bin', file)]),
  ];
  const found = candidates.find((path) => existsSync(path));
  if (found) return found;
  const isElectron = process.versions.electron !== undefined;
  if (!isElectron && Number.parseInt(process.versions.node, 10) >= MIN_NODE_MAJOR) return process.execPath;
  throw new CmdopError(
    'host-unreachable',
    `the host needs Node ${MIN_NODE_MAJOR} or newer, and none is here (this is ${isElectron ? 'Electron' : `Node ${process.versions.node}`}): run \`npm install\` in cmdop's folder, or set CMDOP_NODE to one`,
  );
}

/** Path of a program's bundle, or of its source where nothing is built. Throws `host-unreachable` if neither is there. */
export function programPath(program: Program): string {
  for (const root of roots()) {
    for (const path of [join(root, 'dist', `${program}.mjs`), join(root, SOURCES[program])]) if (existsSync(path)) return path;
  }
  throw new CmdopError(
    'host-unreachable',
    `cmdop's ${program} is missing below ${roots().join(' and ')}: run \`npm run build\` in cmdop's folder, or install cmdop again`,
  );
}

/** The file, in `dist/`, of a program that was compiled for this kind of machine. */
export const nativeName = (program: Program) => `${program}-${process.platform}-${process.arch}`;

/** Its path; null where it could not be made, or may not be run there. */
export function nativePath(program: Program): string | null {
  const paths = roots().map((root) => join(root, 'dist', nativeName(program)));
  return paths.find(canRun) ?? null;
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Folders that may hold `dist/` or `node/`: this file is in `dist/` or `dist/cli/` when bundled, `main/local/` when not. */
function roots(): string[] {
  // A packaged app keeps its code in app.asar, which only Electron can read; what plain Node runs lies beside it.
  const here = dirname(fileURLToPath(import.meta.url)).replace(/\bapp\.asar(?=[\\/]|$)/, 'app.asar.unpacked');
  return ['..', '../..', '../../..'].map((up) => resolve(here, up));
}
