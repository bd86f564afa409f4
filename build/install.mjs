/** Installs what is missing, once per lock file. Plain JavaScript for Node 20, no dependencies: it runs before any exist. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(fileURLToPath(import.meta.url), '..', '..');
const isWindows = process.platform === 'win32';
/** The pinned Node, from the `node` package: what the host, the build and the tests run under. */
export const pinnedNode = join(root, 'node_modules', 'node', 'bin', isWindows ? 'node.exe' : 'node');
const modules = join(root, 'node_modules');
const stamp = join(modules, '.cmdop-stamp');

/** Makes node_modules fit package-lock.json. Ends the process with one sentence if that fails. */
export function ensureInstalled() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const wanted = createHash('sha256').update(lock).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(pinnedNode)) return;
  // Electron's own binary is fetched later and only where it is needed: its server may be out of reach.
  const env = { ...process.env, ELECTRON_SKIP_BINARY_DOWNLOAD: '1', ...ownHeaders() };
  if (!isInstalled(JSON.parse(lock))) {
    process.stderr.write('cmdop: installing dependencies (about half a minute)…\n');
    // `ci` empties node_modules first; a host that runs from there would miss its Node, so what exists is only completed.
    const args = existsSync(modules) ? ['install', '--no-save'] : ['ci'];
    const result = npm([...args, '--no-progress', '--loglevel=error'], { env });
    if (result.status !== 0) {
      fail(`npm ${args[0]} failed (${result.error?.message ?? `exit code ${result.status}`}); its output is above: fix it and start again`);
    }
  }
  ensureBuiltByScripts(env);
  writeFileSync(stamp, wanted);
}

/** Compiling node-pty needs Node's headers: those that came with this Node, where they did, instead of a download. */
function ownHeaders() {
  const prefix = resolve(process.execPath, '..', '..');
  const isThere = existsSync(join(prefix, 'include', 'node', 'node_api.h'));
  return isThere && !process.env.npm_config_nodedir ? { npm_config_nodedir: prefix } : {};
}

/** True if npm's own note of what lies in node_modules agrees with the lock: somebody ran `npm install` by hand. */
function isInstalled(lock) {
  const note = join(modules, '.package-lock.json');
  if (!existsSync(note)) return false;
  const present = JSON.parse(readFileSync(note, 'utf8')).packages;
  return Object.entries(lock.packages).every(([path, { version, optional }]) => {
    if (path === '') return true;
    return present[path] ? present[path].version === version : optional === true;
  });
}

/** An npm that runs no install scripts leaves these two without what makes them work. */
function ensureBuiltByScripts(env) {
  if (!existsSync(pinnedNode)) npm(['rebuild', 'node', '--loglevel=error'], { env });
  if (!existsSync(pinnedNode)) fail('the pinned Node is missing: allow the install script of the package "node" and run `npm ci`');
  const loads = () => spawnSync(pinnedNode, ['-e', "require('node-pty')"], { cwd: root }).status === 0;
  if (loads()) return;
  process.stderr.write('cmdop: compiling node-pty…\n');
  npm(['rebuild', 'node-pty', '--loglevel=error'], { env });
  if (!loads())
    fail('node-pty does not load: it needs Python 3, make and a C++ compiler (Debian: apt-get install build-essential python3)');
}

function npm(args, { env }) {
  // npm is a script on Windows, which only a shell starts.
  return spawnSync(isWindows ? 'npm.cmd' : 'npm', args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'], shell: isWindows });
}

/** Runs a program to its end in the foreground. Resolves to its exit code; 130 after Ctrl-C. */
export function runToEnd(command, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    let isInterrupted = false;
    // A terminal sends Ctrl-C to the child as well, which decides how to end; other signals come to us alone.
    const interrupted = () => {
      isInterrupted = true;
    };
    const forward = (signal) => child.kill(signal);
    process.on('SIGINT', interrupted);
    process.on('SIGTERM', forward);
    process.on('SIGHUP', forward);
    const ended = (code) => {
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', forward);
      process.off('SIGHUP', forward);
      done(isInterrupted ? 130 : code);
    };
    child.once('error', (error) => {
      process.stderr.write(`cmdop: cannot start ${command}: ${error.message}\n`);
      ended(69);
    });
    child.once('close', (code) => ended(code ?? 1));
  });
}

export function fail(sentence) {
  process.stderr.write(`cmdop: ${sentence}\n`);
  process.exit(1);
}
