/** The keeper that waits: the next session gets it, nothing depends on it, and it never outlives its host unused. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { keeperProgram } from '../../main/host/keepers/keeper-program.ts';
import { KeeperStarter } from '../../main/host/keepers/keeper-starter.ts';

const program = keeperProgram();
const isLinux = process.platform === 'linux';

let folder: string;
let keepers: KeeperStarter;
const started: number[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-k-'));
  keepers = new KeeperStarter(program);
});
afterEach(() => {
  keepers.dispose();
  for (const pid of started.splice(0)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const childrenOf = (pid: number) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

/** Starts a session and answers the pid of its keeper, as its program sees it. */
async function startSession(name: string): Promise<number> {
  const told = join(folder, `${name}.pid`);
  await keepers.start({
    session: name,
    socket: join(folder, `${name}.sock`),
    meta: {},
    file: '/bin/sh',
    args: ['-c', `echo $PPID > ${told}.new; mv ${told}.new ${told}; exec sleep 1000`],
    env: { PATH: '/usr/bin:/bin' },
    cwd: folder,
    cols: 80,
    rows: 24,
  });
  const pid = await vi.waitUntil(() => pidIn(told), { timeout: 10_000, interval: 10 });
  started.push(pid);
  return pid;
}

function pidIn(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return null; // not told yet
  }
}

test.runIf(isLinux)('a session starts in the keeper that waited', async () => {
  const [waiting] = childrenOf(process.pid);
  expect(await startSession('first')).toBe(waiting);
});

test.runIf(isLinux)('a session starts although the keeper that waited was killed', async () => {
  const [waiting] = childrenOf(process.pid);
  if (!waiting) throw new Error('no keeper waits');
  process.kill(waiting, 'SIGKILL');
  await vi.waitUntil(() => !childrenOf(process.pid).includes(waiting), { timeout: 10_000, interval: 10 });
  expect(await startSession('first')).not.toBe(waiting);
});

test('two sessions asked for at once have a keeper each', async () => {
  const [first, second] = await Promise.all([startSession('first'), startSession('second')]);
  expect(first).not.toBe(second);
});

test('a program that cannot be run ends its own session, and the next one starts', async () => {
  const refused = keepers.start({
    session: 'broken',
    socket: join(folder, 'no', 'such', 'folder.sock'),
    meta: {},
    file: '/bin/true',
    args: [],
    env: {},
    cwd: folder,
    cols: 80,
    rows: 24,
  });
  await expect(refused).rejects.toThrow(/the session could not be started: .*folder\.sock/);
  await startSession('next');
});

test.runIf(isLinux)('a keeper that waits ends with a host that was killed', async () => {
  const module = JSON.stringify(pathToFileURL(resolve('main/host/keepers/keeper-starter.ts')).href);
  const source = `import { KeeperStarter } from ${module}; new KeeperStarter(${JSON.stringify(program)}); console.log('made');`;
  const host = spawn(nodePath(), ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(host.stdout, 'data');
  const [waiting] = childrenOf(host.pid ?? 0);
  if (!waiting) throw new Error('no keeper waits');
  host.kill('SIGKILL');
  await vi.waitUntil(() => !isAlive(waiting), { timeout: 10_000, interval: 10 });
});

function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '')[0] !== 'Z';
  } catch {
    return false; // it is gone
  }
}
