/** Another build takes the host's place: nothing is lost, nothing comes twice, and a build that cannot leaves the old one in service. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CmdopClient } from '#client/cmdop-client.ts';
import { nodePath } from '#local/runtime.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';

/** Handoffs of the long test; more of them for a campaign: CMDOP_HANDOFFS=100. */
const HANDOFFS = Number(process.env.CMDOP_HANDOFFS ?? 5);
const BUNDLE = resolve('dist/host.mjs');

let engine: Engine;
beforeEach(() => {
  engine = openEngine();
});
afterEach(() => engine.dispose());

const pidOf = (person: Person) => person.client.host?.pid ?? 0;

/** Asks for the handoff, and waits until the one who asked is connected again. Returns how long that took, milliseconds. */
async function handOff(person: Person, hostBundle = BUNDLE): Promise<{ pid: number; awayMs: number }> {
  const { pid } = await person.client.request('host.handoff', { build: { node: nodePath(), hostBundle } });
  await person.until(() => person.client.state.is !== 'connected');
  const leftAt = performance.now();
  await person.until(() => person.client.state.is === 'connected');
  return { pid, awayMs: performance.now() - leftAt };
}

/** A bundle that is ours up to a place and then does something else. */
function brokenBuild(name: string, text: string): string {
  const file = join(engine.home, `${name}.mjs`);
  writeFileSync(file, text);
  return file;
}

const running = async (client: CmdopClient) => (await client.request('host.status', {})).sessions.running;

test('three people type and a program floods through handoffs: nothing lost, nothing twice, as many sessions as before', async () => {
  await engine.startHost();
  const people = ['ann', 'ben', 'cleo'].map((name) => engine.person(name));
  const [ann] = people;
  if (!ann) throw new Error('ann is here');
  const typed = join(engine.home, 'typed');
  await ann.client.request('session.create', {
    name: 'notes',
    command: ['/bin/sh', '-c', `stty raw -echo; echo ready; exec cat > ${typed}`],
    cwd: '/',
  });
  const stop = join(engine.home, 'stop');
  const program = `read go; n=0; while [ ! -e ${stop} ]; do seq $n $((n+999)); n=$((n+1000)); sleep 0.005; done; echo done $n; read end`;
  const { session } = await ann.client.request('session.create', { name: 'flood', command: ['/bin/sh', '-c', program], cwd: '/' });
  for (const name of ['idle-1', 'idle-2', 'idle-3']) await ann.client.request('session.create', { name, cwd: '/' });
  const views = people.map((person) => person.attach('notes'));
  const flood = people.map((person) => person.attach('flood'));
  await views[0]?.until('ready');
  await flood[0]?.until(() => flood[0]?.stream.isAttached === true);

  const verdicts: { unit: string; applied: boolean }[] = [];
  const appliedBy = [0, 0, 0];
  let isDone = false;
  const offline: string[] = [];
  const typing = views.map(async (view, who) => {
    for (let n = 1; !isDone; n++) {
      const unit = `<${who}:${n}>`;
      const { verdict } = await view.type(unit);
      verdicts.push({ unit, applied: verdict === 'applied' });
      if (verdict === 'applied') appliedBy[who] = (appliedBy[who] ?? 0) + 1;
      if (people[who]?.client.state.is === 'offline') offline.push(unit);
      if (!view.stream.hasControl && view.stream.isAttached) await view.stream.takeControl().catch(() => {});
    }
  });
  await flood[0]?.type('go\r');
  const away: number[] = [];
  for (let n = 0; n < HANDOFFS; n++) {
    const before = [...appliedBy];
    await ann.until(() => appliedBy.every((count, who) => count > (before[who] ?? 0) + 5));
    const { pid, awayMs } = await handOff(ann);
    expect(pidOf(ann)).toBe(pid);
    expect(await running(ann.client)).toBe(5);
    away.push(awayMs);
  }
  isDone = true;
  await Promise.all(typing);
  writeFileSync(stop, '');
  expect(offline).toEqual([]);
  expect(Math.max(...away)).toBeLessThan(3_000); // on two busy cores; 0.3 s on idle ones

  await ann.client.request('session.kill', { session: 'notes', signal: 'SIGKILL' });
  await views[0]?.until(() => views[0]?.end !== null);
  const reached = readFileSync(typed, 'latin1').match(/<\d:\d+>/g) ?? [];
  expect(new Set(reached).size).toBe(reached.length);
  expect([...reached].sort()).toEqual(
    verdicts
      .filter(({ applied }) => applied)
      .map(({ unit }) => unit)
      .sort(),
  );
  for (const who of [0, 1, 2]) {
    const numbers = reached.filter((unit) => unit.startsWith(`<${who}:`)).map((unit) => Number(unit.slice(3, -1)));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  }

  await flood[0]?.until('\ndone ');
  const lines = Number(/\ndone (\d+)/.exec(flood[0]?.text() ?? '')?.[1]);
  const expected = `go\r\n${Array.from({ length: lines }, (_, i) => `${i}\r\n`).join('')}done ${lines}\r\n`;
  for (const view of flood) {
    await view.until(() => view.received.from + view.received.length === expected.length);
    expect(view.gaps).toEqual([]);
    expect(tailOf(view) === expected.slice(view.received.from)).toBe(true);
  }
  let stored = '';
  while (stored.length < expected.length) {
    const part = await ann.client.request('output.read', { session: session.id, from: stored.length as never, max: 512 * 1024 });
    stored += Buffer.from(part.bytes, 'base64').toString('latin1');
  }
  expect(stored === expected).toBe(true);
  expect((await ann.client.request('journal.verify', {})).ok).toBe(true);
});

/** What a client has received since its last snapshot. */
const tailOf = (view: Watched) => Buffer.concat(view.received.bytes).toString('latin1');

test.each([
  ['throws while it loads', 'throw new Error("of no use")', /did not load: it ended with exit code 1/],
  ['is no program', 'this is no javascript', /did not load: it ended with exit code 1/],
  ['is too old to take over', 'console.log("ready")', /too old to take over/],
])('a build that %s is refused before anybody notices', async (name, text, why) => {
  await engine.startHost();
  const ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'work', cwd: '/' });
  const work = ann.attach('work');
  await work.until('# ');
  const pid = pidOf(ann);
  const build = { node: nodePath(), hostBundle: brokenBuild(name, text) };
  await expect(ann.client.request('host.handoff', { build })).rejects.toMatchObject({
    code: 'spawn-failed',
    message: expect.stringMatching(why),
  });
  expect(work.stream.isAttached).toBe(true);
  expect(pidOf(ann)).toBe(pid);
  await work.type('echo still $((1+1))\r');
  await work.until('still 2');
});

const WAIT_AND = 'console.log("waiting"); process.stdin.once("data", () => {';
test.each([
  ['throws when it is its turn', `${WAIT_AND} throw new Error("of no use") })`, /did not take over: it ended with exit code 1/],
  ['never adopts', `${WAIT_AND} console.log("ready 0"); setInterval(() => {}, 1000) })`, /found 0 of 2 running sessions/],
  ['hangs', `${WAIT_AND} setInterval(() => {}, 1000) })`, /was not ready after/],
])('a build that %s is ended: the old host goes on with every session, and says why', async (name, text, why) => {
  await engine.startHost();
  const ann = engine.person('ann');
  for (const session of ['work', 'other']) await ann.client.request('session.create', { name: session, cwd: '/' });
  const work = ann.attach('work');
  await work.until('# ');
  const old = pidOf(ann);
  const { startedAt } = await ann.client.request('host.status', {});
  const broken = await handOff(ann, brokenBuild(name, text));
  expect(broken.pid).not.toBe(old);
  const status = await ann.client.request('host.status', {});
  expect(status).toMatchObject({ pid: old, startedAt, sessions: { running: 2, ended: 0 } });
  expect(status.failedHandoff?.message).toMatch(why);
  expect(() => process.kill(broken.pid, 0)).toThrow();
  await work.type('echo still $((1+1))\r');
  await work.until('still 2');
  // It can still give way to one that works.
  const next = await handOff(ann);
  expect(pidOf(ann)).toBe(next.pid);
  await work.type('echo again $((2+2))\r');
  await work.until('again 4');
});

test.each([0, 20, 150])('a host killed %i ms into its own replacement leaves a host that serves every session', async (delayMs) => {
  await engine.startHost();
  const ann = engine.person('ann');
  for (const name of ['work', 'other']) await ann.client.request('session.create', { name, cwd: '/' });
  const work = ann.attach('work');
  await work.until('# ');
  const old = pidOf(ann);
  const { pid } = await ann.client.request('host.handoff', { build: { node: nodePath(), hostBundle: BUNDLE } });
  await new Promise((resolve) => setTimeout(resolve, delayMs)); // a moment to be killed at, not one to wait for
  await engine.killHost();
  await ann.until(() => ann.client.state.is === 'connected' && pidOf(ann) !== old);
  expect(pidOf(ann)).toBe(pid);
  expect(await running(ann.client)).toBe(2);
  await work.type('echo still $((1+1))\r');
  await work.until('still 2');
});

test('whoever comes while the host is replaced waits a moment and is served; two replacements at once are refused', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'work', cwd: '/' });
  const build = { node: nodePath(), hostBundle: BUNDLE };
  const both = await Promise.allSettled([1, 2].map(() => ann.client.request('host.handoff', { build })));
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  await ann.until(() => ann.client.state.is !== 'connected');
  const late = Array.from({ length: 20 }, (_, n) => engine.person(`late ${n}`, { reconnect: false }));
  const lists = await Promise.all(late.map(({ client }) => client.request('session.list', {})));
  expect(lists.every(({ sessions }) => sessions.length === 1 && sessions[0]?.state === 'running')).toBe(true);
});

test('a build that marks sessions as ended cannot hide them', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'work', cwd: '/' });
  const liar = `${WAIT_AND}
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
    const db = new DatabaseSync(process.env.CMDOP_HOME + '/state/journal.db');
    const end = JSON.stringify({ reason: 'keeper-lost', code: null, signal: null });
    db.exec("UPDATE sessions SET state = json_set(state, '$.end', json('" + end + "'), '$.endedAt', 1)");
    console.log('ready 0');
  })`;
  await handOff(ann, brokenBuild('liar', liar));
  expect(ann.sessions.map(({ name, state }) => [name, state])).toEqual([['work', 'running']]);
});

test('what others could have changed is never run', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  const open = brokenBuild('open', 'console.log("waiting")');
  chmodSync(open, 0o666);
  for (const [hostBundle, why] of [
    ['dist/host.mjs', 'is no absolute path'],
    [join(engine.home, randomBytes(4).toString('hex')), 'is not there'],
    [engine.home, 'is no file'],
    [open, 'can be changed by others'],
  ] as const) {
    await expect(ann.client.request('host.handoff', { build: { node: nodePath(), hostBundle } })).rejects.toThrow(why);
  }
});

test('told to stop while another build is loaded, the host stops', async () => {
  await engine.startHost();
  const ann = engine.person('ann', { reconnect: false });
  await ann.client.request('session.create', { name: 'work', cwd: '/' });
  const hasExited = new Promise((resolve) => engine.host?.once('exit', resolve));
  const slow = brokenBuild('slow', 'setTimeout(() => console.log("waiting"), 300); setInterval(() => {}, 1000)');
  const asked = ann.client.request('host.handoff', { build: { node: nodePath(), hostBundle: slow } });
  const refused = expect(asked).rejects.toThrow();
  await ann.client.request('host.stop', {});
  await refused;
  expect(await hasExited).toBe(0);
  await engine.startHost();
  expect(await running(engine.person('ben').client)).toBe(1);
});

test('told to stop while the next host takes over, that one stops', async () => {
  await engine.startHost();
  const ann = engine.person('ann', { reconnect: false });
  await ann.client.request('session.create', { name: 'work', cwd: '/' });
  const old = engine.host;
  const hasExited = new Promise((resolve) => old?.once('exit', resolve));
  const { pid } = await ann.client.request('host.handoff', { build: { node: nodePath(), hostBundle: BUNDLE } });
  old?.kill('SIGTERM');
  expect(await hasExited).toBe(0);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  await engine.startHost();
  expect(await running(engine.person('ben').client)).toBe(1);
});
