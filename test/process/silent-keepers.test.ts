/** A keeper that says nothing to a new host, as on a machine that swaps: here it is stopped, and goes on where a test says so. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import type { Method, ParamsInput } from '#protocol/messages.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';
import { byCode, invited, shareSocket } from './guest-clients.ts';

/** Sessions beside the one whose keeper is stopped. */
const OTHERS = ['one', 'two', 'three', 'four'];

let engine: Engine;
let stopped: number[] = [];
beforeEach(() => {
  engine = openEngine();
  stopped = [];
});
afterEach(async () => {
  for (const pid of stopped) go(pid);
  await engine.dispose();
});

/** Lets a keeper go on, unless it is gone. */
function go(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // a test has ended it
  }
}

async function stopKeeper(person: Person, session: string): Promise<number> {
  const { keeperPid } = await person.client.request('session.inspect', { session });
  if (!keeperPid) throw new Error(`${session} has no keeper`);
  stopped.push(keeperPid);
  process.kill(keeperPid, 'SIGSTOP');
  return keeperPid;
}

async function newHost(): Promise<number> {
  await engine.killHost();
  const begunAt = performance.now();
  expect(await engine.startHost()).toBe('ready');
  return performance.now() - begunAt;
}

/** `slow`, with its keeper stopped, under a new host; `view` has been attached since before. */
async function silent(): Promise<{ ann: Person; view: Watched; keeper: number; startMs: number }> {
  await engine.startHost();
  const ann = engine.person('ann');
  for (const name of ['slow', ...OTHERS]) await ann.client.request('session.create', { name, command: ['/bin/cat'], cwd: '/' });
  const view = ann.attach('slow');
  await view.type('before\r');
  await view.until('before\nbefore');
  const keeper = await stopKeeper(ann, 'slow');
  const startMs = await newHost();
  await ann.until(() => ann.client.state.is === 'connected');
  return { ann, view, keeper, startMs };
}

const slow = async ({ client }: Person) => (await client.sessions()).find(({ name }) => name === 'slow');
/** Every byte that a client was given, which must begin at 0 and have no gap. */
const whole = ({ received, gaps }: Watched): string => {
  expect(gaps).toEqual([]);
  expect(received.from).toBe(0);
  return Buffer.concat(received.bytes).toString();
};

test('one silent keeper holds up neither the host nor the other sessions, and its session is listed with why', async () => {
  const { ann, startMs } = await silent();
  expect(startMs).toBeLessThan(3_000); // on two busy cores; 0.4 s on idle ones
  const other = ann.attach('one');
  await other.type('hello\r');
  await other.until('hello\nhello');
  expect(await slow(ann)).toMatchObject({ state: 'running', end: null, command: ['/bin/cat'], unreachable: 'its keeper does not answer' });
  expect((await ann.client.sessions()).map(({ name }) => name)).toEqual(['slow', ...OTHERS]);
  const { sessions, warnings } = await ann.client.request('host.status', {});
  expect(sessions).toEqual({ running: 5, ended: 0 });
  expect(warnings).toEqual([expect.stringMatching(/^session slow goes on, but its keeper does not answer/)]);
});

test('who was attached to it goes on by itself when it answers: nothing is lost, and nothing comes twice', async () => {
  const { ann, view, keeper } = await silent();
  await view.until(() => view.waits.length > 0);
  expect(view.waits[0]).toMatch(/^slow goes on, but its keeper does not answer/);
  const typed = view.type('after\r'); // kept until then
  go(keeper);
  expect(await typed).toMatchObject({ verdict: 'applied' });
  await view.until('after\nafter');
  expect(whole(view)).toBe('before\r\nbefore\r\nafter\r\nafter\r\n');
  expect(view.refusals).toEqual([]);
  await ann.until(() => ann.sessions.some(({ name, unreachable }) => name === 'slow' && unreachable === undefined));
  expect((await ann.client.request('host.status', {})).warnings).toEqual([]);
});

test('a keeper that dies instead ends its session, with its history, for who waited too', async () => {
  const { ann, view, keeper } = await silent();
  await view.until(() => view.waits.length > 0);
  process.kill(keeper, 'SIGKILL');
  await view.until(() => view.end !== null);
  expect(view.end).toEqual({ reason: 'keeper-lost', code: null, signal: null });
  expect(whole(view)).toBe('before\r\nbefore\r\n');
  const ended = await slow(ann);
  expect(ended).toMatchObject({ state: 'ended', end: view.end });
  expect(ended?.unreachable).toBeUndefined();
  expect((await ann.client.request('session.screen', { session: 'slow' })).lines.slice(0, 2)).toEqual(['before', 'before']);
  await ann.client.request('session.remove', { session: 'slow' });
  await ann.client.request('session.create', { name: 'slow', command: ['/bin/cat'], cwd: '/' });
});

test('what cannot be done with it meanwhile is refused in a sentence; its name stays its own, and what it did can be read', async () => {
  const { ann, view } = await silent();
  const refused = async <M extends Method>(method: M, params: ParamsInput<M>) =>
    expect([method, await ann.client.request(method, params).catch((error: unknown) => error)]).toEqual([
      method,
      expect.objectContaining({
        code: 'session-unreachable',
        message: expect.stringMatching(
          /^slow goes on, but its keeper does not answer: wait until it does, or look what holds up its process/,
        ),
      }),
    ]);
  await refused('session.kill', { session: 'slow' });
  await refused('session.remove', { session: 'slow' });
  await refused('session.restart', { session: 'slow' });
  await refused('session.rename', { session: 'slow', name: 'other' });
  await refused('session.inspect', { session: view.stream.sessionId ?? '' });
  await refused('session.screen', { session: 'slow' });
  await expect(ann.client.request('session.create', { name: 'slow', cwd: '/' })).rejects.toMatchObject({ code: 'name-taken' });
  const { events } = await ann.client.request('journal.list', { session: 'slow' });
  expect(events[0]).toMatchObject({ kind: 'session', payload: { is: 'created', name: 'slow' } });
  const { sessions } = await ann.client.request('retention.get', {});
  expect(sessions.find(({ name }) => name === 'slow')).toMatchObject({ state: 'running' });
});

test('who waits for it too often is refused, and who leaves meanwhile is not attached later', async () => {
  const { ann, keeper } = await silent();
  const ben = engine.person('ben');
  const views = Array.from({ length: 17 }, () => ben.attach('slow', { role: 'observer' }));
  await ben.until(() => views.some(({ refusals }) => refusals.length > 0));
  expect(views.filter(({ refusals }) => refusals.length > 0).length).toBe(1);
  for (const view of views) view.stream.detach();
  const cleo = engine.person('cleo');
  const gone = cleo.attach('slow');
  await gone.until(() => gone.waits.length > 0);
  cleo.client.close();
  go(keeper);
  await ann.until(() => ann.sessions.some(({ name, unreachable }) => name === 'slow' && unreachable === undefined));
  const here = async () => (await slow(ann))?.attached.map(({ actor }) => actor.name);
  await expect.poll(here, { timeout: 15_000 }).toEqual(['ann']);
});

test('a guest waits for it as its owner does, and may do no more', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  await shareSocket(ann);
  for (const name of ['slow', 'payroll']) await ann.client.request('session.create', { name, command: ['/bin/cat'], cwd: '/' });
  const bob = engine.person('bob', { connect: byCode(engine, await invited(ann, { session: 'slow', name: 'bob', role: 'operator' })) });
  const zoe = engine.person('zoe', { connect: byCode(engine, await invited(ann, { session: 'slow', name: 'zoe', role: 'observer' })) });
  const [view, looking] = [bob.attach('slow'), zoe.attach('slow')];
  await view.type('before\r');
  await looking.until('before\nbefore');
  const keeper = await stopKeeper(ann, 'slow');
  await newHost();
  await view.until(() => view.waits.length > 0);
  await looking.until(() => looking.waits.length > 0);
  expect((await bob.client.sessions()).map(({ name, unreachable }) => [name, unreachable])).toEqual([
    ['slow', 'its keeper does not answer'],
  ]);
  await expect(bob.client.request('session.kill', { session: 'slow' })).rejects.toMatchObject({ code: 'unauthorized' });
  await expect(bob.client.request('session.screen', { session: 'payroll' })).rejects.toMatchObject({ code: 'session-not-found' });
  const { invites } = await ann.client.request('share.list', { session: 'slow' });
  expect(invites.map(({ name, role, sessionName }) => [name, role, sessionName])).toEqual([
    ['bob', 'operator', 'slow'],
    ['zoe', 'observer', 'slow'],
  ]);
  await ann.client.request('share.revoke', { id: invites[1]?.id ?? '' });
  await zoe.until(() => zoe.client.state.is !== 'connected');
  const typed = view.type('after\r');
  go(keeper);
  expect(await typed).toMatchObject({ verdict: 'applied' });
  await view.until('after\nafter');
  expect((await ann.client.sessions()).find(({ name }) => name === 'slow')?.attached.map(({ actor }) => actor.name)).toEqual(['bob']);
});

test('a host is stopped at once, whoever waits', async () => {
  const { ann, view } = await silent();
  await view.until(() => view.waits.length > 0);
  const { host } = engine;
  const hasExited = new Promise((resolve) => host?.once('exit', resolve));
  const askedAt = performance.now();
  await ann.client.request('host.stop', {});
  expect(await hasExited).toBe(0);
  expect(performance.now() - askedAt).toBeLessThan(2_000);
});

const BUNDLE = resolve('dist/host.mjs');

/** Another build takes over, or fails to: who asked is connected again. */
async function handOff(person: Person, hostBundle = BUNDLE): Promise<{ pid: number; awayMs: number }> {
  const { pid } = await person.client.request('host.handoff', { build: { node: nodePath(), hostBundle } });
  await person.until(() => person.client.state.is !== 'connected');
  const leftAt = performance.now();
  await person.until(() => person.client.state.is === 'connected');
  return { pid, awayMs: performance.now() - leftAt };
}

test('an upgrade takes it along, whether the old host could reach it or not', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  for (const name of ['slow', ...OTHERS]) await ann.client.request('session.create', { name, command: ['/bin/cat'], cwd: '/' });
  const view = ann.attach('slow');
  await view.type('before\r');
  await view.until('before\nbefore');
  const keeper = await stopKeeper(ann, 'slow');
  for (const _ of ['reached until now', 'not reached']) {
    const { pid, awayMs } = await handOff(ann);
    expect(awayMs).toBeLessThan(4_000);
    const status = await ann.client.request('host.status', {});
    expect(status).toMatchObject({ pid, failedHandoff: null, sessions: { running: 5, ended: 0 } });
    expect((await slow(ann))?.unreachable).toBe('its keeper does not answer');
  }
  const typed = view.type('after\r');
  go(keeper);
  expect(await typed).toMatchObject({ verdict: 'applied' });
  await view.until('after\nafter');
  expect(whole(view)).toBe('before\r\nbefore\r\nafter\r\nafter\r\n');
});

test('a build that cannot reach what this one reaches takes nothing over', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  for (const name of ['work', 'other']) await ann.client.request('session.create', { name, command: ['/bin/cat'], cwd: '/' });
  const deaf = join(engine.home, 'deaf.mjs');
  writeFileSync(
    deaf,
    'console.log("waiting"); process.stdin.once("data", () => { console.log("unreachable 2"); console.log("ready 2"); setInterval(() => {}, 1000) })',
  );
  const { pid } = await ann.client.request('host.status', {});
  await handOff(ann, deaf);
  const status = await ann.client.request('host.status', {});
  expect(status).toMatchObject({ pid, sessions: { running: 2, ended: 0 } });
  expect(status.failedHandoff?.message).toContain('the new build cannot reach 2 of 2 sessions, this one 0');
});
