/**
 * `npm run package [-- --out DIR]`: an unpacked app in release/, made from what is on this machine; nothing is downloaded.
 *
 * resources/app.asar holds what Electron runs: app, preload, page. Hosts and keepers outlive the app and run under plain
 * Node, which cannot read an archive, so what they need lies beside it: resources/{node, dist, node_modules, bin}.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, type Configuration, type FileSet } from 'electron-builder';
import { z } from 'zod';
import { runtimeFiles } from './runtime-files.ts';

const root = resolve(fileURLToPath(import.meta.url), '..', '..');
/** Made by build/test.mjs where Electron itself cannot be downloaded. */
const STAND_IN = join(root, '.cache', 'electron');

const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'release') } } });
const { version, description, license } = z
  .object({ version: z.string(), description: z.string(), license: z.string() })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
if (spawnSync(process.execPath, ['build/bundle.ts'], { cwd: root, stdio: 'inherit' }).status !== 0) process.exit(1);

const electron = electronFolder();
const app = stageApp();
try {
  const made = await build({ projectDir: root, dir: true, publish: 'never', config: configuration() });
  if (electron.folder === STAND_IN) console.log('this Electron is a stand-in for tests: do not ship this app');
  console.log(`packaged with Electron ${electron.version} into ${resolve(values.out)}${made.length > 0 ? `: ${made.join(', ')}` : ''}`);
} finally {
  rmSync(app, { recursive: true, force: true });
}

function configuration(): Configuration {
  return {
    appId: 'dev.cmdop.app',
    productName: 'cmdop',
    directories: { app, output: resolve(values.out), buildResources: join(root, 'build') },
    electronDist: electron.folder,
    electronVersion: electron.version,
    npmRebuild: false,
    asar: true,
    files: ['package.json', 'app/**', '!**/node_modules/**'],
    icon: join(root, 'build', 'icon.png'),
    extraResources: besideTheArchive(),
    // Electron's own placeholder, and the packager's notes to itself.
    afterPack: ({ appOutDir, packager }) => rmSync(join(packager.getResourcesDir(appOutDir), 'default_app.asar'), { force: true }),
    afterAllArtifactBuild: () => {
      rmSync(join(resolve(values.out), 'builder-debug.yml'), { force: true });
      return [];
    },
    protocols: { name: 'cmdop session', schemes: ['cmdop'] },
    linux: {
      executableName: 'cmdop',
      category: 'System',
      desktop: { entry: { Name: 'cmdop', Comment: description, Keywords: 'terminal;shell;session;', StartupWMClass: 'cmdop' } },
    },
    // The app is no Node to be borrowed by others, takes no orders from environment or command line, and runs only its archive.
    // Cookies: there are none to encrypt, and encryption would ask for a keyring.
    electronFuses: {
      runAsNode: false,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableCookieEncryption: false,
      enableEmbeddedAsarIntegrityValidation: process.platform !== 'linux',
      onlyLoadAppFromAsar: true,
      grantFileProtocolExtraPrivileges: false,
    },
  };
}

/** With the archives for other machines, where they were made. */
function besideTheArchive(): FileSet[] {
  const remote = join(root, 'dist', 'remote');
  const archives: FileSet[] = existsSync(remote) ? [{ from: remote, to: join('dist', 'remote') }] : [];
  return [...runtimeFiles(root).map(({ filter, ...files }) => ({ ...files, ...(filter ? { filter: [...filter] } : {}) })), ...archives];
}

/**
 * The archive's content: without dependencies, so that there is nothing to collect, rebuild or leave out. Not below a
 * folder `dist`: electron-builder leaves out of the archive every path that `extraResources` names.
 */
function stageApp(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-package-'));
  for (const part of ['app.mjs', 'preload.cjs', 'icon.png', 'renderer']) {
    const from = join(root, 'dist', part);
    if (existsSync(from)) cpSync(from, join(folder, 'app', part), { recursive: true });
  }
  const author = { name: 'The cmdop authors', email: 'cmdop@localhost' };
  const manifest = { name: 'cmdop', version, description, license, author, type: 'module', main: 'app/app.mjs' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  return folder;
}

function electronFolder(): { folder: string; version: string } {
  const folders = [process.env.ELECTRON_OVERRIDE_DIST_PATH, 'node_modules/electron/dist', STAND_IN];
  for (const folder of folders) {
    const file = folder ? join(resolve(root, folder), 'version') : '';
    if (folder && existsSync(file)) return { folder: resolve(root, folder), version: readFileSync(file, 'utf8').trim().replace(/^v/, '') };
  }
  console.error('package: there is no Electron here: run `npm start` once, or set ELECTRON_OVERRIDE_DIST_PATH to its folder');
  process.exit(1);
}
