/** cmdop comes to machines that SFTP does not reach: without file transfer, and behind a command as `docker exec -i C` is one. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Asker } from '../../main/remote/asker.ts';
import { addHost, readHosts } from '../../main/remote/hosts-file.ts';
import { type InstallProgress, install } from '../../main/remote/install.ts';
import { endEverythingOf } from '../process/end-everything.ts';
import { startCmdop, type TestCmdop } from '../process/start-cmdop.ts';
import { type Far, startFar } from './far.ts';
import { describeSmallArchive, smallArchive } from './small-archive.ts';

const silent: Asker = { hostKey: async () => false, secret: async () => null, notice: () => {} };
let archives: string;
let folderName: string;

beforeAll(() => {
  archives = smallArchive();
  folderName = `9.9.9-${describeSmallArchive(archives).slice(0, 12)}`;
});
afterAll(() => rmSync(archives, { recursive: true, force: true }));

describe('a machine without file transfer', () => {
  let far: Far;
  const share = () => join(far.home, '.local', 'share', 'cmdop');
  const installed = (progress: (progress: InstallProgress) => void = () => {}) =>
    install('devbox', { ask: silent, archives, configFile: join(far.near.home, '.ssh', 'config'), progress });
  beforeAll(async () => {
    far = await startFar({ hasCmdop: false, config: ['Subsystem sftp /bin/false'] });
  });
  beforeEach(() => rmSync(join(far.home, '.local'), { recursive: true, force: true }));
  afterAll(() => far.dispose());

  test('gets the archive through a program, with progress, past what its login script prints', async () => {
    far.bashrc('echo "welcome"; echo "a warning" >&2\n');
    const steps: number[] = [];
    await installed(({ step, doneBytes }) => {
      if (step === 'uploading') steps.push(doneBytes);
    });
    expect(steps.length).toBeGreaterThan(100);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(statSync(join(share(), 'current', 'ballast')).size).toBe(8_388_608);
    expect(existsSync(join(share(), 'upload'))).toBe(false);
  });

  test('goes on where an earlier upload broke off', async () => {
    const upload = join(share(), 'upload', `${folderName}.tar.gz`);
    mkdirSync(join(share(), 'upload'), { recursive: true });
    writeFileSync(upload, readFileSync(join(archives, 'small.tar.gz')));
    truncateSync(upload, 6_000_000);
    const steps: number[] = [];
    await installed(({ step, doneBytes }) => {
      if (step === 'uploading') steps.push(doneBytes);
    });
    expect(Math.min(...steps)).toBeGreaterThan(4_000_000);
    expect(statSync(join(share(), 'current', 'ballast')).size).toBe(8_388_608);
  });

  test('says what keeps it from writing, and leaves nothing', async () => {
    mkdirSync(join(share(), 'upload', `${folderName}.tar.gz`), { recursive: true });
    await expect(installed()).rejects.toThrow(/^devbox: the archive cannot be written there \(.+\), and what was sent is removed/);
    expect(existsSync(share())).toBe(false);
  });
});

describe('a host behind a command', () => {
  let near: TestCmdop;
  let inside: string;
  const hostsFile = () => join(near.home, 'config', 'hosts.json');
  beforeAll(async () => {
    near = await startCmdop();
    inside = mkdtempSync(join(tmpdir(), 'cmdop-inside-'));
  });
  afterAll(async () => {
    await near.dispose();
    endEverythingOf(join(inside, 'c'));
    rmSync(inside, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  });

  test('is installed through that command, and from then on called by where it lies', async () => {
    // A container, as far as the command goes: it runs any program in a home of its own.
    const carrier = ['env', `HOME=${inside}`, `CMDOP_HOME=${join(inside, 'c')}`];
    addHost('box', { command: [...carrier, 'cmdop', 'bridge'] }, hostsFile());
    const before = process.env.CMDOP_HOME;
    process.env.CMDOP_HOME = near.home;
    try {
      const { remarks } = await install('box', { ask: silent, archives, progress: () => {} });
      expect(remarks).toEqual([expect.stringMatching(/^it is called from now on as: env HOME=.*current\/bin\/cmdop bridge$/)]);
    } finally {
      if (before === undefined) delete process.env.CMDOP_HOME;
      else process.env.CMDOP_HOME = before;
    }
    const program = join(inside, '.local', 'share', 'cmdop', 'current', 'bin', 'cmdop');
    expect(readHosts(hostsFile())).toEqual({ box: { command: [...carrier, program, 'bridge'] } });
    expect(await near.ok('new', 'work', '-H', 'box', '--detach')).toBe('work\n');
    expect(await near.ok('run', 'cmdop://box/work', '--', 'echo $HOME')).toBe(`${inside}\n`);
  });

  test('is refused where it is not known what else the command can run', async () => {
    addHost('odd', { command: ['nc', '-U', '/run/some.sock'] }, hostsFile());
    expect(await near.run('hosts', 'install', 'odd', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('odd is reached by a command that does not end in `cmdop bridge`'),
    });
  });

  test('says what the command says where it does not work', async () => {
    addHost('gone', { command: ['sh', '-c', 'echo "no such container: gone" >&2; exit 125', 'cmdop', 'bridge'] }, hostsFile());
    expect(await near.run('hosts', 'install', 'gone', '--yes')).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('gone: its shell did not run our commands (no such container: gone)'),
    });
  });
});
