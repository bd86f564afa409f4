/** cmdop comes to a machine that has none: the real archive over a real sshd, and every way in which that can end halfway. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { nativeName } from '#local/runtime.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import type { Asker } from '../../main/remote/asker.ts';
import { type InstallProgress, install, planInstall } from '../../main/remote/install.ts';
import { type Far, startFar } from './far.ts';
import { buildRealArchive } from './real-archive.ts';
import { describeSmallArchive, smallArchive } from './small-archive.ts';

const silent: Asker = { hostKey: async () => false, secret: async () => null, notice: () => {} };

describe('the real archive', () => {
  let far: Far;
  const share = () => join(far.home, '.local', 'share', 'cmdop');
  beforeAll(async () => {
    buildRealArchive();
    far = await startFar({ hasCmdop: false });
  });
  afterAll(() => far.dispose());

  test('is not brought without a yes', async () => {
    const outcome = await far.near.run('hosts', 'install', 'devbox');
    expect(outcome).toMatchObject({ code: 2, stderr: expect.stringContaining('nobody can be asked here: --yes installs cmdop') });
    expect(existsSync(join(far.home, '.local'))).toBe(false);
  });

  test('is asked about, shown on its way, and works', async () => {
    const terminal = far.near.terminal(['hosts', 'install', 'devbox'], { cols: 160 });
    await terminal.until(/Install cmdop \S+ for linux-x64 on devbox, \d+ MB, into .*\? \[y\/N\]/);
    terminal.type('y\r');
    expect(await terminal.exited).toMatchObject({ code: 0 });
    expect(terminal.raw()).toMatch(/█░.* % of \d+ MB/);
    expect(terminal.text()).toMatch(/cmdop \S+ is on devbox, in .*\.local\/share\/cmdop\/\d/);
    expect(await far.near.ok('new', 'work', '-H', 'devbox', '--detach')).toBe('work\n');
    expect(await far.near.ok('run', 'cmdop://devbox/work', '--', 'readlink /proc/$PPID/exe')).toBe(
      `${join(share(), readlinkSync(join(share(), 'current')), 'dist', nativeName('keeper'))}\n`,
    );
    expect(readdirSync(share()).sort()).toEqual([readlinkSync(join(share(), 'current')), 'current']);
  });

  test('is not sent twice', async () => {
    expect(await far.near.ok('hosts', 'install', 'devbox')).toMatch(/^devbox has this cmdop \S+ already\n/);
  });

  test('another version is kept while it has sessions, and its host gives way; without sessions it goes', async () => {
    const current = readlinkSync(join(share(), 'current'));
    // The same build under the name of an older version, with a host and a session that run from there.
    await far.near.ok('kill', 'work', '-H', 'devbox');
    await far.near.ok('host', 'stop', '-H', 'devbox');
    const [older, unused] = ['0.0.1-aaaaaaaaaaaa', '0.0.2-bbbbbbbbbbbb'].map((name) => join(share(), name)) as [string, string];
    for (const folder of [older, unused]) spawnSync('cp', ['-a', join(share(), current), folder]);
    writeFileSync(join(older, 'dist', 'host.mjs'), `${readFileSync(join(older, 'dist', 'host.mjs'), 'utf8')}\n// older\n`);
    rmSync(join(share(), 'current'));
    symlinkSync('0.0.1-aaaaaaaaaaaa', join(share(), 'current'));
    await far.near.ok('new', 'old', '-H', 'devbox', '--detach');
    const before = await far.near.json<{ pid: number; build: string }>('host', 'status', '-H', 'devbox');

    expect(await far.near.ok('hosts', 'install', 'devbox', '--yes')).toMatch(/the host is replaced, pid \d+; 1 session goes on/);
    const after = await far.near.json<{ pid: number; build: string }>('host', 'status', '-H', 'devbox');
    expect(after.pid).not.toBe(before.pid);
    expect(after.build).not.toBe(before.build);
    expect(await far.near.ok('run', 'cmdop://devbox/old', '--', 'echo alive')).toBe('alive\n');
    expect([existsSync(older), existsSync(unused)]).toEqual([true, false]);

    expect(await far.near.run('host', 'upgrade', '-H', 'devbox')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('of this build already'),
    });
    await far.near.ok('kill', 'old', '-H', 'devbox', '--signal', 'KILL');
    const gone = async () => (await far.near.json<SessionSummary[]>('ls', '-H', 'devbox')).every(({ state }) => state === 'ended');
    await expect.poll(gone, { timeout: 20_000 }).toBe(true);
    await expect.poll(() => far.near.ok('hosts', 'install', 'devbox').then(() => existsSync(older)), { timeout: 20_000 }).toBe(false);
  });
});

describe('a small archive', () => {
  let far: Far;
  let archives: string;
  let sha256: string;
  const share = () => join(far.home, '.local', 'share', 'cmdop');
  const options = () => ({ ask: silent, archives, configFile: join(far.near.home, '.ssh', 'config') });
  const installed = (progress: (progress: InstallProgress) => void = () => {}) => install('devbox', { ...options(), progress });

  beforeAll(async () => {
    far = await startFar({ hasCmdop: false });
    archives = smallArchive();
  });
  beforeEach(() => {
    rmSync(join(far.home, '.local'), { recursive: true, force: true });
    far.bashrc('');
    describeArchive({});
  });
  afterAll(async () => {
    await far.dispose();
    rmSync(archives, { recursive: true, force: true });
  });

  const describeArchive = (different: Record<string, unknown>) => {
    sha256 = describeSmallArchive(archives, different);
  };

  test('a cut line: the upload goes on where it was, and is whole', async () => {
    const proxy = await startProxy(far.sshd.port);
    const config = join(far.near.home, '.ssh', 'config');
    const direct = readFileSync(config, 'utf8');
    writeFileSync(config, direct.replace(`Port ${far.sshd.port}`, `Port ${proxy.port}`));
    const knownFile = /UserKnownHostsFile (.*)/.exec(direct)?.[1] ?? '';
    const known = readFileSync(knownFile, 'utf8');
    writeFileSync(knownFile, known.replaceAll(`:${far.sshd.port} `, `:${proxy.port} `));
    const seen: number[] = [];
    let cuts = 0;
    try {
      await installed(({ step, doneBytes }) => {
        if (step !== 'uploading') return;
        seen.push(doneBytes);
        if (cuts < 2 && doneBytes > (cuts + 1) * 3e6) {
          cuts++;
          proxy.cut();
        }
      });
    } finally {
      proxy.close();
      writeFileSync(config, direct);
      appendFileSync(knownFile, known);
    }
    expect(cuts).toBe(2);
    // It went back by a window, not to the start.
    const steps = seen.slice(1).map((bytes, index) => bytes - (seen[index] ?? 0));
    expect(Math.min(...steps)).toBeLessThan(0);
    expect(Math.min(...seen.slice(seen.findIndex((bytes) => bytes > 3e6)))).toBeGreaterThan(1e6);
    expect(readlinkSync(join(share(), 'current'))).toBe(`9.9.9-${sha256.slice(0, 12)}`);
    expect(statSync(join(share(), 'current', 'ballast')).size).toBe(8_388_608);
    expect(existsSync(join(share(), 'upload'))).toBe(false);
  });

  test('no room: said before anything is sent', async () => {
    describeArchive({ unpackedBytes: 1e15 });
    await expect(planInstall('devbox', options())).rejects.toThrow(/devbox: .* has \d+ MB of room and needs \d+ MB: make room there/);
    expect(existsSync(join(far.home, '.local'))).toBe(false);
  });

  test('a folder that cannot be written to is named', async () => {
    mkdirSync(join(far.home, '.local'));
    writeFileSync(join(far.home, '.local', 'share'), 'a file, where a folder should be');
    await expect(planInstall('devbox', options())).rejects.toThrow(`devbox: ${far.home}/.local/share cannot be written to`);
  });

  test('a system that it is not made for is named', async () => {
    mkdirSync(join(far.home, 'odd'), { recursive: true });
    writeFileSync(join(far.home, 'odd', 'uname'), '#!/bin/sh\n[ "$1" = -m ] && echo riscv64 || echo Linux\n', { mode: 0o755 });
    far.bashrc(`PATH=${join(far.home, 'odd')}:$PATH\n`);
    await expect(planInstall('devbox', options())).rejects.toThrow('devbox: it is Linux on riscv64, which cmdop is not made for');
    writeFileSync(join(far.home, 'odd', 'uname'), '#!/bin/sh\n[ "$1" = -m ] && echo aarch64 || echo Linux\n');
    await expect(planInstall('devbox', options())).rejects.toThrow(/there is no cmdop for linux-arm64 here: run `npm run build:remote`/);
  });

  test('a login script that prints and asks does not matter', async () => {
    far.bashrc('echo "cmdop-look os=Haiku of the day"; read -r name; echo "hello $name"\n');
    await installed();
    expect(existsSync(join(share(), 'current', 'bin', 'cmdop'))).toBe(true);
  });

  test('another program of that name is left alone, and told', async () => {
    mkdirSync(join(far.home, '.local', 'bin'), { recursive: true });
    writeFileSync(join(far.home, '.local', 'bin', 'cmdop'), 'mine');
    chmodSync(join(far.home, '.local', 'bin', 'cmdop'), 0o755);
    const { remarks } = await installed();
    expect(remarks).toEqual([expect.stringContaining('/.local/bin/cmdop is something else and was left as it is')]);
    expect(readFileSync(join(far.home, '.local', 'bin', 'cmdop'), 'utf8')).toBe('mine');
  });
});

/** A line that can be cut. */
async function startProxy(to: number): Promise<{ port: number; cut(): void; close(): void }> {
  const open = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.pipe(into);
      from.on('error', () => {}); // cut on purpose
      from.on('close', () => {
        open.delete(from);
        into.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut: () => {
      for (const socket of [...open]) socket.resetAndDestroy();
    },
    close: () => {
      for (const socket of [...open]) socket.destroy();
      server.close();
    },
  };
}
