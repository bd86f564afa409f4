/**
 * The image of build/kubernetes/Dockerfile in real containers: `CMDOP_TEST_ENGINE=podman`, or docker, with the base image here
 * or to be had. Half a minute; continuous integration has neither.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SessionSummary } from '#protocol/shapes.ts';
import { startCmdop, type TestCmdop } from '../process/start-cmdop.ts';
import { buildRealArchive } from './real-archive.ts';

const ENGINE = process.env.CMDOP_TEST_ENGINE ?? '';
const NAME = `cmdop-image-${process.pid}`;
/** What is said otherwise in podman. */
const ONLY_PODMAN =
  ENGINE === 'podman' ? { build: ['--pull=missing'], run: ['--passwd=false'], rm: ['-t', '0'] } : { build: [], run: [], rm: [] };
/** How the engine is found, which a test's own environment lacks. */
const SETTINGS = ['CONTAINERS_CONF', 'DOCKER_HOST'].flatMap((name) => (process.env[name] ? [`${name}=${process.env[name]}`] : []));

const engine = (...args: string[]) => execFileSync(ENGINE, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
let near: TestCmdop;

describe.runIf(ENGINE)('the image', () => {
  beforeAll(async () => {
    buildRealArchive();
    const { file }: { file: string } = JSON.parse(readFileSync(`dist/remote/linux-${process.arch}.json`, 'utf8'));
    engine(
      ...['build', ...ONLY_PODMAN.build, '--network=host', '-f', 'build/kubernetes/Dockerfile'],
      ...['--build-arg', `ARCHIVE=${file}`, '-t', NAME, 'dist/remote'],
    );
    near = await startCmdop({ actor: 'ann' });
  }, 120_000);
  afterAll(async () => {
    await near?.dispose();
    for (const args of [
      ['rm', '-f', ...ONLY_PODMAN.rm, NAME, `${NAME}-any`],
      ['volume', 'rm', '-f', NAME],
      ['rmi', '-f', NAME],
    ]) {
      spawnSync(ENGINE, args);
    }
  });

  const add = (host: string, container: string) =>
    near.ok('hosts', 'add', host, '--', 'env', ...SETTINGS, ENGINE, 'exec', '-i', container, 'cmdop', 'bridge');
  const onlySession = async (host: string) => (await near.json<SessionSummary[]>('ls', '-H', host))[0];

  test('holds a session of an ordinary user, and collects what that leaves behind', async () => {
    engine('run', '-d', '--name', NAME, '-v', `${NAME}:/home/dev`, NAME);
    await add('web', NAME);
    await near.ok('new', 'work', '-H', 'web', '--detach');
    expect(await near.ok('run', 'cmdop://web/work', '--', 'id -un; (sleep 0.1 &); (true &)')).toBe('dev\n');
    const defunct = () => engine('exec', NAME, 'ps', '-eo', 'stat=').match(/^Z/gm)?.length ?? 0;
    await expect.poll(defunct, { timeout: 10_000 }).toBe(0);
  }, 60_000);

  test('a host that is killed is started by the next who comes, and the program never noticed', async () => {
    await near.ok('run', 'cmdop://web/work', '--', 'sleep 1000 & echo started');
    const { pid } = await near.json<{ pid: number }>('host', 'status', '-H', 'web');
    engine('exec', NAME, 'kill', '-9', String(pid));
    expect(await near.ok('run', 'cmdop://web/work', '--', 'jobs -r')).toContain('sleep 1000');
  }, 60_000);

  test('a stop ends it at once and keeps the history; in a new container over the volume one command opens a shell', async () => {
    await near.ok('run', 'cmdop://web/work', '--', 'echo kept');
    const attached = near.terminal(['attach', 'cmdop://web/work']);
    await attached.until(/^kept$/m);
    const stopped = performance.now();
    engine('stop', '-t', '20', NAME);
    expect(performance.now() - stopped).toBeLessThan(10_000);
    await attached.until('web is gone since');
    engine('rm', NAME);
    engine('run', '-d', '--name', NAME, '-v', `${NAME}:/home/dev`, NAME);
    expect(await onlySession('web')).toMatchObject({ name: 'work', state: 'ended', end: { reason: 'machine-restarted' } });
    await attached.until('work ended: the machine restarted');
    expect(await near.ok('verify', '-H', 'web')).toContain('the journal is whole');
    await near.ok('restart', '-H', 'web', 'work', '--detach');
    expect(await near.ok('run', 'cmdop://web/work', '--', 'echo again')).toBe('again\n');
    expect(await near.ok('export', '-H', 'web', 'work', '--format', 'text')).toMatch(/^kept.*^again/ms);
  }, 60_000);

  test('works as any number, without a capability, over a root that is read-only', async () => {
    const limits = ['--user', '54321:0', ...ONLY_PODMAN.run, '--cap-drop', 'all', '--security-opt', 'no-new-privileges', '--read-only'];
    engine('run', '-d', '--name', `${NAME}-any`, ...limits, '--tmpfs', '/tmp', '-e', 'HOME=/tmp', NAME);
    await add('any', `${NAME}-any`);
    await near.ok('new', 'work', '-H', 'any', '--detach');
    expect(await near.ok('run', 'cmdop://any/work', '--', 'id -u; echo $HOME')).toBe('54321\n/tmp\n');
  }, 60_000);
});
