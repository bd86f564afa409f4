/**
 * The network is back, or the machine is awake: a link that died meanwhile is found out soon, one that is only slow is
 * kept, and what is shown says how old it is. Over a real SSH server, and a network that can leave a link dead.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ClientState } from '#client/client-options.ts';
import { PassingTransport } from '#local/passing-transport.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { TransportListener } from '#protocol/transport.ts';
import type { Asker } from '../../main/remote/asker.ts';
import { reach } from '../../main/remote/reach.ts';
import { type LightClient, lightClient } from '../process/load/light-client.ts';
import { type Far, startFar } from './far.ts';
import { type Network, startNetwork } from './network.ts';
import { type ClientFolder, clientFolder } from './sshd.ts';

/** Well below the 20 s that silence may last otherwise, milliseconds; it takes about three seconds. */
const SOON_MS = 12_000;
/** How long the machine is away, milliseconds: long enough to tell what was before from what is after. */
const AWAY_MS = 3_000;
/** What is on its way when a link dies may still arrive, milliseconds. */
const ON_ITS_WAY_MS = 1_000;

let far: Far;
let network: Network;
let ssh: ClientFolder;
const home = process.env.CMDOP_HOME;
beforeAll(async () => {
  far = await startFar();
  network = await startNetwork(far.sshd.port);
  const knownHostsLines = far.sshd.knownHostsLines.map((line) => line.replace(`:${far.sshd.port} `, `:${network.port} `));
  ssh = clientFolder({ ...far.sshd, port: network.port, knownHostsLines }, { name: 'far' });
  cpSync(join(ssh.folder, '.ssh'), join(far.near.home, '.ssh'), { recursive: true });
  process.env.CMDOP_HOME = ssh.folder; // the hosts file of this side
});
afterEach(() => network.setDelay(0));
afterAll(async () => {
  if (home === undefined) delete process.env.CMDOP_HOME;
  else process.env.CMDOP_HOME = home;
  network.dispose();
  await far.dispose();
  rmSync(ssh.folder, { recursive: true, force: true });
});

const ask: Asker = { hostKey: async () => false, secret: async () => null, notice: () => {} };

const reachFar = (signal: AbortSignal) => reach('far', { ask, start: true, configFile: ssh.configFile, signal });

/** Dies when the client asks for the list of sessions. */
class DyingTransport extends PassingTransport {
  readonly #died = Promise.withResolvers<void>();
  #isDead = false;

  get died(): Promise<void> {
    return this.#died.promise;
  }

  override send(...parts: Uint8Array[]): void {
    super.send(...parts);
    if (!parts.some((part) => Buffer.from(part).includes('host.watch'))) return;
    this.#isDead = true;
    this.#died.resolve();
  }

  protected override received(bytes: Uint8Array, listener: TransportListener): void {
    if (!this.#isDead) super.received(bytes, listener);
  }
}

/** Somebody at work there, and the states in which their link was. */
async function person(name: string): Promise<LightClient & { states: ClientState[] }> {
  const states: ClientState[] = [];
  const light = lightClient(far.home, name, { connect: reachFar, onState: (state) => states.push(state) });
  await light.client.request('session.create', { name, command: ['cat'], cwd: '/' });
  return { ...light, states };
}

test('a dead link is found out soon after the network is said to be back, and its picture is as old as its last byte', async () => {
  const ann = await person('ann');
  const view = ann.attach('ann', { isNumbered: false });
  await view.stream.type(Buffer.from('before '));
  await ann.client.request('ping', {});
  network.strand();
  const [diedAt, from] = [Date.now(), performance.now()];
  ann.client.networkChanged();
  await ann.until(() => ann.client.state.is === 'offline');
  await ann.until(() => ann.client.state.is === 'connected' && view.stream.isAttached);
  const took = performance.now() - from;
  console.log(`back ${took.toFixed(0)} ms after the network was`);
  expect(took).toBeLessThan(SOON_MS);
  const since = ann.states.flatMap((state) => (state.is === 'offline' ? [state.since] : []));
  expect(Math.max(...since)).toBeLessThan(diedAt + ON_ITS_WAY_MS);
  expect((await view.stream.type(Buffer.from('after'))).verdict).toBe('applied');
  ann.close();
});

test('a link with a round trip of 600 ms is kept when the network is said to be back', async () => {
  const ben = await person('ben');
  network.setDelay(300);
  await ben.client.request('ping', {});
  const { connections } = network;
  ben.client.networkChanged();
  // Longer than it has to show that it holds.
  for (const from = performance.now(); performance.now() - from < 4_000; ) await ben.client.request('ping', {});
  expect(network.connections).toBe(connections);
  expect(ben.states.filter(({ is }) => is === 'offline')).toEqual([]);
  ben.close();
});

test('a host that was greeted halfway when the network changed is tried for as long as it takes', async () => {
  const first = Promise.withResolvers<DyingTransport>();
  let attempts = 0;
  const cleo = lightClient(far.home, 'cleo', {
    watch: true,
    connect: async (signal) => {
      attempts++;
      if (attempts === 2) throw new CmdopError('host-unreachable', 'not yet');
      const transport = await reachFar(signal);
      if (attempts > 2) return transport;
      const dying = new DyingTransport(transport);
      first.resolve(dying);
      return dying;
    },
  });
  await (await first.promise).died;
  cleo.client.networkChanged();
  await cleo.client.whenConnected();
  expect(attempts).toBe(3);
  cleo.close();
});

test('`cmdop attach` looks at its link when it is continued, and says since when its picture is old', async () => {
  await far.near.ok('new', 'work', '--detach', '-H', 'far');
  const terminal = far.near.terminal(['attach', 'work', '-H', 'far'], { cols: 120 });
  await terminal.until(/^\$$/m);
  network.strand();
  const diedAt = Date.now();
  await new Promise((resolve) => setTimeout(resolve, ON_ITS_WAY_MS));
  process.kill(terminal.pid, 'SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, AWAY_MS)); // the stop itself
  process.kill(terminal.pid, 'SIGCONT');
  const from = performance.now();
  await terminal.until('far is gone since');
  expect(performance.now() - from).toBeLessThan(SOON_MS);
  const [, shown = ''] = /gone since (\d\d:\d\d:\d\d),/.exec(terminal.text()) ?? [];
  // It was less than a minute ago, whatever day it is now.
  const clockMs = (text: string) => Date.parse(`1970-01-01T${text}Z`);
  const ageMs = clockMs(new Date(diedAt + ON_ITS_WAY_MS).toTimeString().slice(0, 8)) - clockMs(shown);
  expect((ageMs + 86_400_000) % 86_400_000).toBeLessThan(60_000);
  terminal.type('echo ba""ck\r');
  await terminal.until((lines) => lines.includes('back') && !lines.join('\n').includes('gone since'));
  terminal.type('\x1c');
  expect(await terminal.exited).toMatchObject({ code: 0 });
});
