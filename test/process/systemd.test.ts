/** The service under a real systemd of a user: what it counts as running, stops, and starts again; the sessions live on. */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';
import { maySystemd, startUserSystemd, type UserSystemd } from './user-systemd.ts';

const UNIT = 'cmdop.service';

describe.runIf(maySystemd())('a service of systemd', () => {
  let cmdop: TestCmdop;
  let systemd: UserSystemd;
  let shell = '';
  beforeAll(async () => {
    cmdop = await startCmdop();
    systemd = await startUserSystemd(cmdop.env);
    await ok('host', 'enable');
    await ok('new', 'work', '--detach');
    shell = await shellPid();
  });
  afterAll(async () => {
    await systemd?.dispose();
    await cmdop?.dispose();
  });

  const ok = (...args: string[]) => systemd.run(nodePath(), resolve('dist/cli.mjs'), ...args);
  const shellPid = () => ok('run', 'work', '--', 'echo $$');
  /** As clients find it; soon after systemd has started its process. */
  const hostPid = async () => String(JSON.parse(await ok('host', 'status', '--json').catch(() => '{}')).pid);
  const hostIs = (pid: string | undefined) => expect.poll(hostPid, { timeout: 10_000 }).toBe(pid);
  const running = (other: string) =>
    systemd.until(UNIT, ({ MainPID, ActiveState }) => ActiveState === 'active' && MainPID !== '0' && MainPID !== other);

  test('enabled, its process is the host', async () => {
    await hostIs((await running('')).MainPID);
  });

  test('after an upgrade it is the new host, twice', async () => {
    for (let turn = 0; turn < 2; turn++) {
      const before = await hostPid();
      await ok('host', 'upgrade', '--force');
      const { MainPID, NRestarts } = await running(before);
      expect(NRestarts).toBe('0');
      await hostIs(MainPID);
    }
  });

  test('an upgraded host that is killed is started again, and has the session', async () => {
    const before = await hostPid();
    await systemd.run('kill', '-9', before);
    const { MainPID, NRestarts } = await running(before);
    expect(NRestarts).toBe('1');
    await hostIs(MainPID);
    expect(await shellPid()).toBe(shell);
  });

  test('a command that comes before systemd starts it again has it started as the service', async () => {
    const before = await hostPid();
    await systemd.run('kill', '-9', before);
    expect(await shellPid()).toBe(shell);
    await hostIs((await running(before)).MainPID);
  });

  test('restarted and stopped, also after an upgrade, it leaves the session alone', async () => {
    await ok('host', 'upgrade', '--force');
    const before = (await running('')).MainPID ?? '';
    await systemd.run('systemctl', '--user', 'restart', UNIT);
    await hostIs((await running(before)).MainPID);
    expect(await shellPid()).toBe(shell);
    await systemd.run('systemctl', '--user', 'stop', UNIT);
    expect(await systemd.until(UNIT, ({ ActiveState }) => ActiveState !== 'deactivating')).toMatchObject({
      ActiveState: 'inactive',
      Result: 'success',
    });
    await systemd.run('kill', '-0', shell.trim());
  });

  test('a host that somebody started by hand is left alone, and nothing starts again and again', async () => {
    await systemd.run('systemctl', '--user', 'reset-failed', UNIT); // it counts starts, and refuses the sixth in 10 s
    await systemd.run('sh', '-c', `setsid '${nodePath()}' '${resolve('dist/host.mjs')}' > /dev/null 2>&1 &`);
    await expect.poll(hostPid, { timeout: 10_000 }).toMatch(/^\d+$/);
    const byHand = await hostPid();
    expect(await shellPid()).toBe(shell);
    await systemd.run('systemctl', '--user', 'start', UNIT);
    const { NRestarts, Result } = await systemd.until(UNIT, ({ ActiveState }) => ActiveState === 'inactive');
    expect([Result, NRestarts]).toEqual(['success', '0']);
    expect(await hostPid()).toBe(byHand);
    await ok('host', 'stop');
    await systemd.run('systemctl', '--user', 'start', UNIT);
    await hostIs((await running('')).MainPID);
    expect(await shellPid()).toBe(shell);
  });
});
