/** What hosts, keepers and the command line need beside Electron: the same in the packaged app and in a remote archive. */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

export type RuntimeFiles = {
  readonly from: string;
  /** Below the folder that holds `dist`. */
  readonly to: string;
  /** electron-builder's patterns; all where absent. */
  readonly filter?: readonly string[];
};

const isWindows = process.platform === 'win32';

/** Of this machine's platform, from what is built and installed here. */
export function runtimeFiles(root: string): RuntimeFiles[] {
  const node = isWindows ? 'node.exe' : 'node';
  const pty = join(root, 'node_modules', 'node-pty');
  return [
    { from: realpathSync(join(root, 'node_modules', 'node', 'bin', node)), to: join('node', node) },
    { from: join(root, 'dist'), to: 'dist', filter: ['**/*', '!.stamp', '!remote', '!app.mjs', '!preload.cjs', '!icon.png'] },
    {
      from: pty,
      to: join('node_modules', 'node-pty'),
      filter: ['package.json', 'LICENSE', 'lib/**', '!lib/**/*.map', '!lib/*.test.js', ...nativeFiles(pty)],
    },
    ...terminalModes(root),
    ...(isWindows ? [] : [{ from: join(root, 'build', 'cmdop.sh'), to: join('bin', 'cmdop') }]),
  ];
}

/** How terminals are asked for their modes (main/host/sessions/tty-state.ts); hosts go on without it. */
function terminalModes(root: string): RuntimeFiles[] {
  const native = join('node_modules', '@koromix', `koffi-${process.platform}-${process.arch}`);
  if (isWindows || !existsSync(join(root, native))) return [];
  return [
    {
      from: join(root, 'node_modules', 'koffi'),
      to: join('node_modules', 'koffi'),
      filter: ['package.json', 'LICENSE.txt', 'index.cjs', 'src/koffi/index.cjs', 'src/koffi/src/*.cjs'],
    },
    { from: join(root, native), to: native, filter: ['package.json', 'index.js', `${process.platform}_${process.arch}/**`] },
  ];
}

/** Compiled here, or one of those that node-pty brings along. */
function nativeFiles(pty: string): string[] {
  if (existsSync(join(pty, 'build', 'Release'))) return ['build/Release/*.node', 'build/Release/spawn-helper'];
  return [`prebuilds/${process.platform}-${process.arch}/**`];
}
