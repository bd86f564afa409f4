/**
 * A session over a real SSH server and a network that is cut at any moment of a flood and of typing: nothing is lost,
 * nothing comes or runs twice. CMDOP_CUTS=500 makes a campaign of it; the default fits a test run.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Asker } from '../../main/remote/asker.ts';
import { reach } from '../../main/remote/reach.ts';
import { type LightClient, lightClient } from '../process/load/light-client.ts';
import { numberedProgram } from '../process/load/numbered-program.ts';
import { moment, quantile, Typists, typedInto } from '../process/load/typists.ts';
import { type Far, startFar } from './far.ts';
import { type Network, startNetwork } from './network.ts';
import { type ClientFolder, clientFolder } from './sshd.ts';

const CUTS = Number(process.env.CMDOP_CUTS ?? 12);
/** Required of 95 in 100 reconnects, milliseconds: a campaign has the machine for itself, a test run shares it. */
const BACK_MS = CUTS >= 100 ? 1_000 : 10_000;

let far: Far;
let network: Network;
/** `far` and `farther` are the machine, through the network. */
let ssh: ClientFolder;
const home = process.env.CMDOP_HOME;
beforeAll(async () => {
  far = await startFar();
  network = await startNetwork(far.sshd.port);
  const knownHostsLines = far.sshd.knownHostsLines.map((line) => line.replace(`:${far.sshd.port} `, `:${network.port} `));
  ssh = clientFolder({ ...far.sshd, port: network.port, knownHostsLines }, { name: 'far farther' });
  process.env.CMDOP_HOME = ssh.folder; // the hosts file of this side
});
afterAll(async () => {
  if (home === undefined) delete process.env.CMDOP_HOME;
  else process.env.CMDOP_HOME = home;
  network.dispose();
  await far.dispose();
  rmSync(ssh.folder, { recursive: true, force: true });
});

/** Who gets in must not have to be asked. */
const ask: Asker = { hostKey: async () => false, secret: async () => null, notice: () => {} };

/** ann and ben share one SSH connection, cleo has her own. */
const person = (name: string): LightClient =>
  lightClient(far.home, name, {
    connect: () => reach(name === 'cleo' ? 'farther' : 'far', { ask, start: true, configFile: ssh.configFile }),
  });

test(`${CUTS} cuts: no byte and no unit is lost, nothing comes twice, and everyone is back at once`, {
  timeout: 120_000 + CUTS * 5_000,
}, async () => {
  const people = ['ann', 'ben', 'cleo'].map(person);
  const [ann] = people;
  if (!ann) throw new Error('nobody is there');
  const typed = join(far.home, 'typed');
  await ann.client.request('session.create', { name: 'notes', command: typedInto(typed), cwd: '/' });
  await ann.client.request('session.create', {
    name: 'flood',
    command: numberedProgram({ burst: { lines: 256, pauseMs: 60 } }),
    cwd: '/',
  });
  const notes = people.map((each) => each.attach('notes', { isNumbered: false }));
  const floods = people.map((each) => each.attach('flood'));

  const typists = new Typists(notes);
  const faults = [() => network.cut(), () => far.sshd.cutConnections(), () => network.cut(), () => network.corrupt()];
  const returns: number[] = [];
  await typists.applied(performance.now());
  for (let n = 0; n < CUTS; n++) {
    await moment();
    const before = network.connections;
    const cutAt = performance.now();
    faults[n % faults.length]?.();
    // A flipped bit breaks the link once bytes come; until then units are applied as if nothing were.
    await ann.until(() => network.connections > before);
    await typists.applied(cutAt);
    returns.push(performance.now() - cutAt);
    if (n % 4 === 3) continue; // cut again while others still come back
    const { sessions } = await ann.client.request('session.list', {});
    const end = sessions.find(({ name }) => name === 'flood')?.outputEnd ?? 0;
    for (const [who, view] of floods.entries()) await people[who]?.until(() => view.offset >= end || view.fault !== null);
  }
  await typists.stop();

  const { sessions } = await ann.client.request('session.list', {});
  expect(sessions.map(({ state }) => state)).toEqual(['running', 'running']);
  const end = sessions.find(({ name }) => name === 'flood')?.outputEnd ?? 0;
  for (const [who, view] of floods.entries()) {
    await people[who]?.until(() => view.offset >= end || view.fault !== null);
    expect({ fault: view.fault, gaps: view.gaps, snapshots: view.snapshots }).toEqual({ fault: null, gaps: [], snapshots: 1 });
  }

  await typists.untilRead(typed);
  await ann.client.request('session.kill', { session: 'notes', signal: 'SIGKILL' });
  await ann.until(() => notes[0]?.end !== null);
  typists.check(typed);
  const [p50, p95] = [quantile(returns, 0.5), quantile(returns, 0.95)];
  console.log(
    `${CUTS} cuts: ${typists.told.applied} units applied, ${typists.told.refused} refused, ${end} bytes of output for each of three; back p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, longest ${Math.max(...returns).toFixed(0)} ms`,
  );
  expect(p95).toBeLessThan(BACK_MS);
  for (const each of people) each.close();
});

test('a link that died without a word is found out, and the text typed meanwhile arrives once', { timeout: 120_000 }, async () => {
  const dan = person('dan');
  const typed = join(far.home, 'late');
  await dan.client.request('session.create', {
    name: 'late',
    command: typedInto(typed),
    cwd: '/',
  });
  const view = dan.attach('late', { isNumbered: false });
  await view.stream.type(Buffer.from('before '));
  network.stall();
  const pending = view.stream.type(Buffer.from('while dead '));
  await dan.until(() => dan.client.state.is === 'offline');
  const later = view.stream.type(Buffer.from('offline '));
  network.cut();
  network.heal();
  expect((await pending).verdict).toBe('applied');
  expect((await later).verdict).toBe('applied');
  await view.stream.type(Buffer.from('after'));
  await expect.poll(() => readFileSync(typed, 'latin1'), { timeout: 10_000 }).toContain('after');
  await dan.client.request('session.kill', { session: 'late', signal: 'SIGKILL' });
  await dan.until(() => view.end !== null);
  expect(readFileSync(typed, 'latin1')).toBe('before while dead offline after');
  dan.close();
});
