/** A line that breaks while a login runs, at every moment of it: it refuses nobody, and whoever wants in gets in by itself. */
import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Asker } from '../../main/remote/asker.ts';
import { reach } from '../../main/remote/reach.ts';
import { lightClient } from '../process/load/light-client.ts';
import { type Far, startFar } from './far.ts';
import { type Network, startNetwork } from './network.ts';
import { type ClientFolder, clientFolder } from './sshd.ts';

const ONE_WAY_MS = 40;
const CUTS = 20;

let far: Far;
let network: Network;
let ssh: ClientFolder;
const home = process.env.CMDOP_HOME;
const ask: Asker = { hostKey: async () => false, secret: async () => null, notice: () => {} };
beforeAll(async () => {
  far = await startFar();
  network = await startNetwork(far.sshd.port);
  const knownHostsLines = far.sshd.knownHostsLines.map((line) => line.replace(`:${far.sshd.port} `, `:${network.port} `));
  ssh = clientFolder({ ...far.sshd, port: network.port, knownHostsLines }, { name: 'far' });
  process.env.CMDOP_HOME = ssh.folder; // the hosts file of this side
});
afterEach(() => network.cut());
afterAll(async () => {
  if (home === undefined) delete process.env.CMDOP_HOME;
  else process.env.CMDOP_HOME = home;
  network.dispose();
  await far.dispose();
  rmSync(ssh.folder, { recursive: true, force: true });
});

const reachFar = () => reach('far', { ask, start: true, configFile: ssh.configFile });

/** Calls `fault` so long after the next connection was made. */
async function afterConnecting(ms: number, fault: () => void): Promise<void> {
  const before = network.connections;
  await expect.poll(() => network.connections, { interval: 1, timeout: 30_000 }).toBeGreaterThan(before);
  setTimeout(fault, ms);
}

test(`cut at ${CUTS} moments of it, by the network and by a killed sshd, it is a host that cannot be reached`, {
  timeout: 120_000,
}, async () => {
  (await reachFar()).close(); // with a host that runs
  network.cut();
  network.setDelay(ONE_WAY_MS);
  const from = performance.now();
  (await reachFar()).close();
  const wholeMs = performance.now() - from;
  network.cut();

  const faults = [() => network.cut(), () => far.sshd.cutConnections()];
  const failures: { code: unknown; message: unknown }[] = [];
  for (let n = 0; n < CUTS; n++) {
    const fault = faults[n % faults.length] ?? network.cut;
    const [outcome] = await Promise.all([
      reachFar().then(
        (transport) => transport.close(), // it was faster this time
        ({ code, message }) => {
          failures.push({ code, message });
        },
      ),
      afterConnecting((wholeMs * n) / CUTS, fault),
    ]);
    expect(outcome).toBeUndefined();
    network.cut();
  }
  network.setDelay(0);
  expect(failures.filter(({ code }) => code !== 'host-unreachable')).toEqual([]);
  expect(failures.map(({ message }) => message)).toContainEqual(expect.stringContaining('broke during the login'));
});

test('a client whose login is cut again and again is there as soon as one is not', { timeout: 120_000 }, async () => {
  network.setDelay(ONE_WAY_MS);
  const ann = lightClient(far.home, 'ann', { connect: reachFar, isHeldBy: ({ code }) => code === 'unauthorized' });
  try {
    await ann.client.whenConnected();
    network.cut();
    for (let n = 1; n <= 5; n++) await afterConnecting(ONE_WAY_MS * 3 * n, () => network.cut());
    await ann.until(() => ann.client.state.is === 'connected');
    expect(await ann.client.request('session.list', {})).toMatchObject({ sessions: [] });
  } finally {
    ann.close();
    network.setDelay(0);
  }
});
