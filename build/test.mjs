/** `npm test [-- SUITE…]`: installs what is missing, runs every check and suite, and says which runtimes they ran on. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { ensureInstalled, fail, pinnedNode, root, runToEnd } from './install.mjs';
import { chromiumVersion, electronForTests, ensureSystemPackages, ensureToolchain } from './test-runtimes.mjs';

const SUITES = ['unit', 'contract', 'model', 'process', 'load', 'remote', 'e2e'];
/** Those of processes and windows: what else a machine does can come between a key and a prompt. */
const LIVE = ['process', 'load', 'remote', 'e2e'];
/**
 * Where nobody can look again, a file of those in which a test failed is run once more, as a whole, since its tests share what
 * they started; and each such test is said to have been. At a desk each failure counts, and so does one in many files.
 */
const FILES_TRIED_AGAIN = process.env.CI ? 3 : 0;
/** Each writes its figures here, for the sum at the end. */
const results = join(root, 'test-results');
/** How much of a failure's text the end repeats; all of it stands further up. */
const WHY_LINES = 4;
const WHY_COLUMNS = 200;

const wanted = process.argv.slice(2);
ensureToolchain();
ensureInstalled();
const bin = (name, ...path) => [pinnedNode, join(root, 'node_modules', name, ...path)];
const CHECKS = {
  types: [...bin('typescript', 'bin', 'tsc'), '--noEmit'],
  'pure types': [...bin('typescript', 'bin', 'tsc'), '--noEmit', '-p', 'build/tsconfig.pure.json'],
  lint: [...bin('@biomejs/biome', 'bin', 'biome'), 'check', '--error-on-warnings', '.'],
  bundle: [pinnedNode, 'build/bundle.ts'],
};
const unknown = wanted.filter((name) => !SUITES.includes(name) && !(name in CHECKS));
if (unknown.length > 0) fail(`there is no suite "${unknown[0]}"; there are ${[...Object.keys(CHECKS), ...SUITES].join(', ')}`);
const chosen = (name) => wanted.length === 0 || wanted.includes(name);
const needsPrograms = LIVE.some(chosen);

const startedAt = performance.now();
if (needsPrograms) ensureSystemPackages();
const electron = chosen('e2e') ? electronForTests() : null;
mkdirSync(results, { recursive: true });
// The tests run under the pinned Node, and whatever they start finds it first.
const env = { ...process.env, PATH: join(root, 'node_modules', 'node', 'bin') + delimiter + process.env.PATH, NODE_NO_WARNINGS: '1' };
if (electron) env.ELECTRON_OVERRIDE_DIST_PATH = electron.folder;

const steps = [];
for (const [name, command] of Object.entries(CHECKS)) {
  // Process tests run the bundles, so a stale one would test yesterday's code.
  if (chosen(name) || (name === 'bundle' && needsPrograms)) await step(name, command);
}
const sum = { passed: 0, failed: 0, skipped: 0 };
/** Each test that failed, or did at its first try, with the first lines of why: said again at the end. */
const trouble = [];
for (const suite of SUITES.filter(chosen)) await runSuite(suite);
report();

async function step(name, [command, ...args]) {
  process.stdout.write(`\n── ${name}\n`);
  const from = performance.now();
  const code = await runToEnd(command, args, { env });
  if (code === 130) process.exit(130);
  steps.push({ name, isPassed: code === 0, seconds: (performance.now() - from) / 1000 });
  return code;
}

async function runSuite(suite) {
  const { code, files } = await runFiles(suite, suite, []);
  const failedFiles = files.filter(isFailed).map(({ name }) => name);
  const isAgain = LIVE.includes(suite) && failedFiles.length > 0 && failedFiles.length <= FILES_TRIED_AGAIN;
  const again = isAgain ? await runFiles(suite, `${suite} again`, failedFiles) : null;
  const counted = again ? [...files.filter((file) => !isFailed(file)), ...again.files] : files;
  const count = (...wanted) => counted.flatMap((file) => file.assertionResults).filter(({ status }) => wanted.includes(status)).length;
  sum.passed += count('passed');
  sum.skipped += count('pending', 'skipped', 'todo');
  sum.failed += Math.max(count('failed') + counted.filter(isBroken).length, (again?.code ?? code) === 0 ? 0 : 1);
  if (again) for (const file of files) trouble.push(...troubleOf('retried', file));
  for (const file of counted) trouble.push(...troubleOf('FAILED', file));
}

/** Runs these files of a suite, or all of them; answers what vitest says of each. */
async function runFiles(suite, name, chosenFiles) {
  const file = join(results, `${name.replace(' ', '-')}.json`);
  rmSync(file, { force: true });
  const vitest = [...bin('vitest', 'vitest.mjs'), 'run', '--config', 'build/vitest.config.ts', '--project', suite, ...chosenFiles];
  const command = [...vitest, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const needsDisplay = suite === 'e2e' && !process.env.DISPLAY && process.platform === 'linux';
  const code = await step(name, needsDisplay ? ['xvfb-run', '-a', '-s', '-screen 0 1600x1000x24', ...command] : command);
  return { code, files: existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).testResults : [] };
}

function isFailed({ status }) {
  return status === 'failed';
}

/** One that does not load, or fails before or after its tests, holds no failed test, and is a failure all the same. */
function isBroken(file) {
  return isFailed(file) && !file.assertionResults.some(isFailed);
}

function troubleOf(what, file) {
  const path = relative(root, file.name);
  if (isBroken(file)) return [said(what, path, 'outside of its tests', file.message)];
  return file.assertionResults.filter(isFailed).map((test) => said(what, path, test.fullName, test.failureMessages[0] ?? ''));
}

function said(what, file, test, why) {
  const lines = stripVTControlCharacters(why)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, WHY_LINES);
  return [`${what}  ${file} > ${test}`, ...lines.map((line) => `        ${line.slice(0, WHY_COLUMNS)}`)].join('\n');
}

function report() {
  process.stdout.write('\n');
  for (const each of trouble) process.stdout.write(`${each}\n\n`);
  for (const { name, isPassed, seconds } of steps) {
    process.stdout.write(`${isPassed ? 'ok    ' : 'FAILED'} ${name.padEnd(14)} ${seconds.toFixed(1).padStart(6)} s\n`);
  }
  process.stdout.write(`       ${'in all'.padEnd(14)} ${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s\n\n`);
  process.stdout.write(`Node      ${nodeVersion()} (tests), ${process.version} (system)\n`);
  process.stdout.write(`Electron  ${electron ? `${electron.version} from ${electron.origin}` : 'not used'}\n`);
  process.stdout.write(`Browser   ${chosen('e2e') ? chromiumVersion() : 'not used'}\n\n`);
  const failedChecks = steps.filter(({ name, isPassed }) => name in CHECKS && !isPassed).length;
  const failed = sum.failed + failedChecks;
  process.stdout.write(`${sum.passed} passed, ${failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function nodeVersion() {
  return spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' }).stdout.trim();
}
