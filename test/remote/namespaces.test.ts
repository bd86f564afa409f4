/** A real network of two machines, as network namespaces: the link goes down, and comes back under another address. Linux, as root. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Asker } from '../../main/remote/asker.ts';
import { reach } from '../../main/remote/reach.ts';
import { lightClient } from '../process/load/light-client.ts';
import { numberedProgram } from '../process/load/numbered-program.ts';
import { type Far, startFar } from './far.ts';
import { type ClientFolder, clientFolder } from './sshd.ts';

const NAMESPACE = `cmdop-${process.pid}`;
const OURS = `cn${process.pid}`.slice(0, 15);
const THEIRS = `cf${process.pid}`.slice(0, 15);
/** A network that nothing else of this machine is in: 198.18.0.0/15 is set aside for tests (RFC 2544). */
const NETWORK = '198.18.7.0/24';
const [FAR, HERE, HERE_LATER] = ['198.18.7.1', '198.18.7.2', '198.18.7.3'];
/** Well below the 20 s that silence may last otherwise, milliseconds. */
const SOON_MS = 12_000;

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' });
const mayMakeNamespaces = (): boolean => {
  try {
    ip('netns', 'add', `${NAMESPACE}t`);
    ip('netns', 'del', `${NAMESPACE}t`);
    return true;
  } catch {
    return false; // not Linux, not root, or forbidden here
  }
};

describe.runIf(mayMakeNamespaces())('over a network between two machines', () => {
  let far: Far;
  let ssh: ClientFolder;
  const home = process.env.CMDOP_HOME;
  beforeAll(async () => {
    ip('netns', 'add', NAMESPACE);
    ip('link', 'add', OURS, 'type', 'veth', 'peer', 'name', THEIRS);
    ip('link', 'set', THEIRS, 'netns', NAMESPACE);
    ip('addr', 'add', `${HERE}/24`, 'dev', OURS);
    ip('link', 'set', OURS, 'up');
    // Without it, what is sent while the link is down would leave by another one.
    ip('route', 'add', 'blackhole', NETWORK, 'metric', '9999');
    ip('-n', NAMESPACE, 'addr', 'add', `${FAR}/24`, 'dev', THEIRS);
    ip('-n', NAMESPACE, 'link', 'set', THEIRS, 'up');
    ip('-n', NAMESPACE, 'link', 'set', 'lo', 'up');
    far = await startFar({ address: FAR, within: ['ip', 'netns', 'exec', NAMESPACE] });
    ssh = clientFolder(far.sshd, { name: 'far' });
    process.env.CMDOP_HOME = ssh.folder;
  });
  afterAll(async () => {
    if (home === undefined) delete process.env.CMDOP_HOME;
    else process.env.CMDOP_HOME = home;
    ip('link', 'del', OURS); // and its other end
    ip('route', 'del', 'blackhole', NETWORK);
    await far.dispose();
    rmSync(ssh.folder, { recursive: true, force: true });
    ip('netns', 'del', NAMESPACE);
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
    ip('link', 'set', OURS, 'down');
    ip('addr', 'del', `${HERE}/24`, 'dev', OURS);
    await ann.until(() => ann.client.state.is === 'offline');
    ip('addr', 'add', `${HERE_LATER}/24`, 'dev', OURS);
    ip('link', 'set', OURS, 'up');
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
    const [, before = ''] = /inet (\S+)\/24/.exec(ip('addr', 'show', 'dev', OURS).toString()) ?? [];
    ip('link', 'set', OURS, 'down');
    ip('addr', 'del', `${before}/24`, 'dev', OURS);
    ip('addr', 'add', `${before === HERE ? HERE_LATER : HERE}/24`, 'dev', OURS);
    ip('link', 'set', OURS, 'up');
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
