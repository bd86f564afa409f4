/** Where an Electron that runs on this machine is. Plain JavaScript for Node 20. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';

const BINARIES = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' };
const binary = BINARIES[process.platform] ?? 'electron';
const packaged = join(root, 'node_modules', 'electron');

/**
 * The folder of Electron: `ELECTRON_OVERRIDE_DIST_PATH`, or the package's own, downloaded if need be in at most
 * `timeoutMs`; null where it is not to be had. Also says where it comes from and which version it is.
 */
export function findElectron({ timeoutMs }) {
  const given = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (given) return existsSync(join(given, binary)) ? found(given, 'ELECTRON_OVERRIDE_DIST_PATH') : null;
  const dist = join(packaged, 'dist');
  // Written last: without it, an earlier download was cut short.
  const isComplete = () => existsSync(join(packaged, 'path.txt')) && existsSync(join(dist, binary));
  if (!isComplete() && timeoutMs > 0) {
    const { ELECTRON_SKIP_BINARY_DOWNLOAD: _, ...env } = process.env;
    process.stderr.write('cmdop: downloading Electron (once)…\n');
    spawnSync(process.execPath, [join(packaged, 'install.js')], { cwd: root, env, stdio: 'ignore', timeout: timeoutMs });
  }
  return isComplete() ? found(dist, 'the package electron') : null;
}

/** A runnable Electron in `folder`. */
export function found(folder, origin) {
  return { folder, executable: join(folder, binary), version: versionIn(folder), origin };
}

function versionIn(folder) {
  try {
    return readFileSync(join(folder, 'version'), 'utf8').trim().replace(/^v/, '');
  } catch {
    return 'unknown'; // only for the report at the end of the tests
  }
}
