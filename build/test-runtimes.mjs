/** What tests need from the machine: system packages, an Electron, a browser. Plain JavaScript for Node 20. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findElectron, found } from './electron.mjs';
import { root } from './install.mjs';

/** Longest that Electron's download server is waited for, milliseconds: there is another way. */
const DOWNLOAD_MS = 60_000;
const ELECTRON_LIBRARIES = [
  'libgtk-3-0',
  'libnss3',
  'libasound2',
  'libgbm1',
  'libxss1',
  'libxtst6',
  'libnotify4',
  'libatspi2.0-0',
  'libdrm2',
];
/** What compiles node-pty. */
const TOOLCHAIN = ['python3', 'make', 'g++'];
const DEBIAN_PACKAGES = [
  ...['xvfb', 'xauth', 'dbus', 'fonts-dejavu-core', 'chromium', ...ELECTRON_LIBRARIES],
  ...['zsh', 'fish', 'vim', 'htop', 'less', 'tmux', 'dtach', 'git', 'procps', 'asciinema'],
  ...['openssh-server', 'openssh-client', 'iproute2'],
  // What asks for passwords.
  ...['sudo', 'passwd', 'mariadb-client-core', 'postgresql-client', 'python3'],
];
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Before `npm ci`. */
export function ensureToolchain() {
  ensurePackages(TOOLCHAIN);
}

export function ensureSystemPackages() {
  ensurePackages(DEBIAN_PACKAGES);
}

/** Installs what is missing on Debian and Ubuntu as root; elsewhere says what is missing and goes on. */
function ensurePackages(names) {
  if (process.platform !== 'linux' || !existsSync('/usr/bin/dpkg-query')) return;
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  if (process.getuid() !== 0) {
    process.stderr.write(`cmdop: missing, and the tests need them: sudo apt-get install ${missing.join(' ')}\n`);
    return;
  }
  process.stderr.write(`cmdop: installing ${missing.join(' ')}…\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  apt('update', '-qq');
  if (apt('install', '-y', '-qq', '--no-install-recommends', ...missing)) return;
  // One name that this release does not know must not cost the others.
  for (const name of missing)
    if (!apt('install', '-y', '-qq', '--no-install-recommends', name)) process.stderr.write(`cmdop: ${name} cannot be installed\n`);
}

/** The package's own Electron, or a stand-in made from the package registry; null where neither is to be had. */
export function electronForTests() {
  const standIn = join(root, '.cache', 'electron');
  const isStandInThere = existsSync(join(standIn, 'electron'));
  const real = findElectron({ timeoutMs: isStandInThere ? 0 : DOWNLOAD_MS });
  if (real) return real;
  const script = join(root, '..', 'shared', 'electron', 'fetch-electron.sh');
  if (!isStandInThere && existsSync(script)) {
    process.stderr.write('cmdop: Electron cannot be downloaded; making a stand-in for tests…\n');
    mkdirSync(join(root, '.cache'), { recursive: true });
    spawnSync('sh', [script, standIn], { stdio: ['ignore', 'inherit', 'inherit'] });
  }
  if (existsSync(join(standIn, 'electron'))) return found(standIn, 'a stand-in for tests (.cache/electron)');
  process.stderr.write('cmdop: there is no Electron for the end-to-end tests: set ELECTRON_OVERRIDE_DIST_PATH to one\n');
  return null;
}

export function chromiumVersion() {
  const path = CHROMIUM.find((candidate) => existsSync(candidate));
  return path ? spawnSync(path, ['--version', '--no-sandbox'], { encoding: 'utf8' }).stdout.trim() : 'none found';
}

/** Newer releases call some libraries by their name with `t64` behind it, and install that when asked for the old one. */
function isInstalled(name) {
  return [name, `${name}t64`].some((each) => {
    const query = spawnSync('dpkg-query', ['-s', each], { encoding: 'utf8' });
    return query.status === 0 && query.stdout.includes('install ok installed');
  });
}
