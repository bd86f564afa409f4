/** What is built from what: one row per program in dist/. */
import { nativeName } from '#local/runtime.ts';

export type Target = {
  readonly name: string;
  /** From the project's folder. The renderer's is its page, a native program's is the folder of its sources. */
  readonly entry: string;
  readonly kind: 'node' | 'preload' | 'renderer' | 'native' | 'copy';
  /** From dist/: the file, or the folder for `renderer` and a folder's copy. */
  readonly output: string;
  /** Oldest runtime that runs it, for syntax. */
  readonly runtime: string;
};

export const TARGETS: readonly Target[] = [
  { name: 'host', entry: 'main/host/main.ts', kind: 'node', output: 'host.mjs', runtime: 'node24' },
  { name: 'keeper', entry: 'main/keeper/main.ts', kind: 'node', output: 'keeper.mjs', runtime: 'node24' },
  // Named after what it runs on: a folder that another machine sees too may hold several.
  { name: 'native-keeper', entry: 'main/keeper/native', kind: 'native', output: nativeName('keeper'), runtime: 'any' },
  { name: 'screen-worker', entry: 'main/host/screen/screen-worker.ts', kind: 'node', output: 'screen-worker.mjs', runtime: 'node24' },
  { name: 'file-worker', entry: 'main/host/files/file-worker.ts', kind: 'node', output: 'file-worker.mjs', runtime: 'node24' },
  { name: 'wal-thread', entry: 'main/host/journal/wal-thread.ts', kind: 'node', output: 'wal-thread.mjs', runtime: 'node24' },
  { name: 'search-worker', entry: 'main/host/search/search-worker.ts', kind: 'node', output: 'search-worker.mjs', runtime: 'node24' },
  { name: 'sketch-worker', entry: 'main/host/sketches/sketch-worker.ts', kind: 'node', output: 'sketch-worker.mjs', runtime: 'node24' },
  { name: 'replay-worker', entry: 'main/host/replay/replay-worker.ts', kind: 'node', output: 'replay-worker.mjs', runtime: 'node24' },
  { name: 'checkpoint-worker', entry: 'main/host/checkpoints/worker.ts', kind: 'node', output: 'checkpoint-worker.mjs', runtime: 'node24' },
  {
    name: 'packing-thread',
    entry: 'main/host/checkpoints/packing-thread.ts',
    kind: 'node',
    output: 'packing-thread.mjs',
    runtime: 'node24',
  },
  { name: 'guests', entry: 'main/guests/main.ts', kind: 'node', output: 'guests.mjs', runtime: 'node24' },
  { name: 'cli', entry: 'main/cli/main.ts', kind: 'node', output: 'cli.mjs', runtime: 'node20' },
  { name: 'command', entry: 'main/cli/command.ts', kind: 'node', output: 'cmdop.mjs', runtime: 'node20' },
  { name: 'mcp', entry: 'main/mcp/main.ts', kind: 'node', output: 'mcp.mjs', runtime: 'node20' },
  { name: 'client', entry: 'main/sdk/index.ts', kind: 'node', output: 'client.mjs', runtime: 'node20' },
  { name: 'client-types', entry: 'main/sdk/client.d.ts', kind: 'copy', output: 'client.d.ts', runtime: 'any' },
  { name: 'app', entry: 'main/app/main.ts', kind: 'node', output: 'app.mjs', runtime: 'node20' },
  { name: 'preload', entry: 'preload/index.ts', kind: 'preload', output: 'preload.cjs', runtime: 'node20' },
  { name: 'renderer', entry: 'renderer/index.html', kind: 'renderer', output: 'renderer', runtime: 'chrome120' },
  { name: 'icon', entry: 'build/icon.png', kind: 'copy', output: 'icon.png', runtime: 'any' },
  { name: 'shell', entry: 'main/host/shell', kind: 'copy', output: 'shell', runtime: 'any' },
];
