/** `npm start`: installs what is missing, builds what is stale, and opens cmdop as an app or, failing that, in the browser. */
import { spawn } from 'node:child_process';
import { findElectron } from './electron.mjs';
import { ensureInstalled, fail, pinnedNode, root, runToEnd } from './install.mjs';

/** How long Electron's download server may take, milliseconds: 110 MB on a slow line. */
const DOWNLOAD_MS = 300_000;

ensureInstalled();
const built = await runToEnd(pinnedNode, ['build/bundle.ts']);
if (built === 130) process.exit(130);
if (built !== 0) fail('the build failed; its errors are above');

const obstacle = whyNoWindow();
if (obstacle) {
  process.stderr.write(`cmdop: ${obstacle}; opening the browser interface instead\n`);
  process.exitCode = await openBrowser();
} else {
  const electron = findElectron({ timeoutMs: DOWNLOAD_MS });
  if (electron) {
    process.exitCode = await openApp(electron);
  } else {
    process.stderr.write('cmdop: the Electron binary cannot be downloaded here; opening the browser interface instead\n');
    process.exitCode = await openBrowser();
  }
}

function whyNoWindow() {
  if (process.platform !== 'linux') return null;
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return 'there is no display for a window';
  const isRoot = process.getuid?.() === 0;
  if (isRoot && process.env.CMDOP_TEST_NO_SANDBOX !== '1') return 'Chromium does not run as root with its sandbox';
  return null;
}

async function openApp(electron) {
  const args = process.env.CMDOP_TEST_NO_SANDBOX === '1' ? ['--no-sandbox', root] : [root];
  const { ELECTRON_RUN_AS_NODE: _, ...env } = process.env;
  return await runToEnd(electron.executable, args, { env });
}

/** Prints the one-time URL, opens it where there is a display, and ends: the host stays. */
async function openBrowser() {
  const web = spawn(process.execPath, ['build/cmdop.mjs', 'web'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of web.stdout) output += chunk;
  const code = await new Promise((done) => (web.exitCode === null ? web.once('close', done) : done(web.exitCode)));
  process.stdout.write(output);
  const url = /https?:\/\/\S+/.exec(output)?.[0];
  if (code === 0 && url && hasDisplay()) openUrl(url);
  return code ?? 1;
}

function hasDisplay() {
  return process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

function openUrl(url) {
  const [command, ...args] = { darwin: ['open', url], win32: ['cmd', '/c', 'start', '', url] }[process.platform] ?? ['xdg-open', url];
  const opener = spawn(command, args, { stdio: 'ignore', detached: true });
  opener.on('error', () => {}); // no opener installed: the URL is printed anyway
  opener.unref();
}
