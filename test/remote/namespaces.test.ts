/** A real network of two machines, as network namespaces: the link goes down, and comes back under another address. Linux, as root. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Asker } from '../../main/remote/asker.ts';
import { reach } from '../../main/remote/reach.ts';
import { lightClient } from '../process/load/light-client.ts';
import { numberedProgram } from '../process/load/numbered-program.ts';
import { canHaveSecondMachine, ip, type SecondMachine, startSecondMachine } from '../second-machine.ts';
import { type Far, startFar } from './far.ts';
import { type ClientFolder, clientFolder } from './sshd.ts';

/** Well below the 20 s that silence may last otherwise, milliseconds. */
const SOON_MS = 12_000;

describe.runIf(canHaveSecondMachine())('over a network between two machines', () => {
  let machine: SecondMachine;
  let far: Far;
  let ssh: ClientFolder;
  const home = process.env.CMDOP_HOME;
  beforeAll(async () => {
    machine = await startSecondMachine();
    far = await startFar({ address: machine.there, within: machine.within });
    ssh = clientFolder(far.sshd, { name: 'far' });
    process.env.CMDOP_HOME = ssh.folder;
  });
  afterAll(async () => {
    if (home === undefined) delete process.env.CMDOP_HOME;
    else process.env.CMDOP_HOME = home;
    machine.dispose();
    await far.dispose();
    rmSync(ssh.folder, { recursive: true, force: true });
  });

  const ask: Asker = { hostKey: async () => false, secret: async () => null, notice: () => {} };
  const reachFar = (signal: AbortSignal) => reach('far', { ask, start: true, configFile: ssh.configFile, signal });
  const person = (name: string) => lightClient(far.home, name, { connect: reachFar });

  test('a machine that comes back with another address goes on where it was', { timeout: 120_000 }, async () => {
    const ann = person('ann');
    await ann.client.request('session.create', {
      name: 'flood',
      command: numberedProgram({ burst: { lines: 16, pauseMs: 50 } }),
      cwd: '/',
    });
    const view = ann.attach('flood');
    await ann.until(() => view.bytes > 100_000);
    const { device, here } = machine;
    ip('link', 'set', device, 'down');
    ip('addr', 'del', `${here[0]}/24`, 'dev', device);
    await ann.until(() => ann.client.state.is === 'offline');
    ip('addr', 'add', `${here[1]}/24`, 'dev', device);
    ip('link', 'set', device, 'up');
    const back = performance.now();
    ann.client.networkChanged(); // as the app does when the system says that there is a network
    await ann.until(() => ann.client.state.is === 'connected' && view.stream.isAttached);
    const { sessions } = await ann.client.request('session.list', {});
    const end = sessions[0]?.outputEnd ?? 0;
    await ann.until(() => view.offset >= end || view.fault !== null);
    console.log(`back ${(performance.now() - back).toFixed(0)} ms after the network was`);
    expect({ fault: view.fault, gaps: view.gaps, snapshots: view.snapshots }).toEqual({ fault: null, gaps: [], snapshots: 1 });
    // Here, for nobody sees the sockets of another namespace, by which what is left of a home is found.
    await ann.client.request('session.kill', { session: 'flood' });
    await ann.until(() => view.end !== null);
    ann.close();
  });

  test('a machine that gets another address is back soon, before silence has told it of the loss', { timeout: 120_000 }, async () => {
    const states: string[] = [];
    const ben = lightClient(far.home, 'ben', { connect: reachFar, onState: ({ is }) => states.push(is) });
    await ben.client.request('session.create', { name: 'quiet', command: ['cat'], cwd: '/' });
    const view = ben.attach('quiet', { isNumbered: false });
    await view.stream.type(Buffer.from('before '));
    const { device, here } = machine;
    const [, before = ''] = /inet (\S+)\/24/.exec(ip('addr', 'show', 'dev', device)) ?? [];
    ip('link', 'set', device, 'down');
    ip('addr', 'del', `${before}/24`, 'dev', device);
    ip('addr', 'add', `${here.find((each) => each !== before)}/24`, 'dev', device);
    ip('link', 'set', device, 'up');
    expect(ben.client.state.is).toBe('connected');
    const back = performance.now();
    ben.client.networkChanged();
    await ben.until(() => states.includes('offline'));
    await ben.until(() => ben.client.state.is === 'connected' && view.stream.isAttached);
    const took = performance.now() - back;
    console.log(`back ${took.toFixed(0)} ms after the address changed`);
    expect(took).toBeLessThan(SOON_MS);
    expect((await view.stream.type(Buffer.from('after'))).verdict).toBe('applied');
    await ben.client.request('session.kill', { session: 'quiet' });
    await ben.until(() => view.end !== null);
    ben.close();
  });
});
