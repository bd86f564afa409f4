/** Input that passed the gate while the program was busy: nobody who is stopped has any more of it read, and no verdict lies. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Verdict } from '#client/input-outbox.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';

/** More than a terminal holds that nobody reads: the rest waits in the keeper. */
const LINES = 300;
const LINE = 'x'.repeat(500);

/** How often an agent is stopped while its program reads: what is dropped in two steps shows one time in four. */
const STOPS = 40;

let engine: Engine;
let ann: Person;
let bot: Person;
beforeEach(async () => {
  engine = openEngine();
  engine.policy();
  await engine.startHost();
  ann = engine.person('ann');
  bot = engine.person('bot', { kind: 'agent' });
});
afterEach(() => engine.dispose());

/** A session whose program is busy until `go`, and then writes what it reads into a file. */
async function busy(name: string): Promise<{ view: Watched; agent: Watched; go(): void; read(): string }> {
  const [fifo, file] = [join(engine.home, `${name}.fifo`), join(engine.home, `${name}.read`)];
  execFileSync('mkfifo', [fifo]);
  await ann.client.request('session.create', { name, command: ['sh', '-c', `echo busy; read go < ${fifo}; exec cat > ${file}`], cwd: '/' });
  const [view, agent] = [ann.attach(name), bot.attach(name)];
  await Promise.all([view.until('busy'), agent.until('busy')]);
  return { view, agent, go: () => writeFileSync(fifo, 'go\n'), read: () => (existsSync(file) ? readFileSync(file, 'utf8') : '') };
}

/** The agent types ahead until its terminal takes no more. */
async function typeAhead(agent: Watched): Promise<Promise<Verdict>[]> {
  const verdicts = Array.from({ length: LINES }, (_, n) => agent.type(`${n} ${LINE}\r`));
  await verdicts[20]; // 10 kB are in the terminal
  return verdicts;
}

const refusalsIn = (verdicts: Verdict[]) => verdicts.flatMap((verdict) => (verdict.verdict === 'refused' ? [verdict] : []));

test.each([
  ['paused', () => ann.client.request('agents.pause', {}), /agents were paused in busy before the program read it/],
  ['paused here', () => ann.client.request('agents.pause', { session: 'busy' }), /agents were paused in busy/],
  ['removed', () => ann.client.request('session.kick', { session: 'busy', actor: 'bot' }), /bot was removed from busy/],
  ['an observer', () => ann.client.request('role.set', { session: 'busy', actor: 'bot', role: 'observer' }), /made an observer of busy/],
] as const)('of what an agent typed ahead, nothing runs once it is %s', { timeout: 20_000 }, async (_how, stop, message) => {
  const { view, agent, go, read } = await busy('busy');
  const typed = await typeAhead(agent);
  const stoppedAt = performance.now();
  await stop();
  const tookMs = performance.now() - stoppedAt;
  const verdicts = await Promise.all(typed);
  expect(refusalsIn(verdicts).some((refused) => message.test(refused.message))).toBe(true);
  const { events } = await ann.client.request('journal.list', { session: 'busy', kinds: ['refused'] });
  expect(events.find(({ payload }) => payload.takenBack)).toMatchObject({ actorName: 'bot', interface: 'mcp' });
  await view.stream.takeControl();
  expect(await view.type('after\r')).toMatchObject({ verdict: 'applied' });
  go();
  await expect.poll(read).toBe('after\n');
  console.log(`stopped after ${tookMs.toFixed(0)} ms, ${refusalsIn(verdicts).length} of ${LINES} taken back`);
});

test('a program that reads on while an agent is stopped gets the beginning of what it typed, and nothing from behind what is dropped', {
  timeout: 30_000,
}, async () => {
  const file = join(engine.home, 'slow.read');
  const command = `stty raw -echo; echo reads; exec dd bs=1 status=none of=${file}`; // a byte at a time: there is always more
  await ann.client.request('session.create', { name: 'slow', command: ['sh', '-c', command], cwd: '/' });
  const [view, agent] = [ann.attach('slow'), bot.attach('slow')];
  await Promise.all([view.until('reads'), agent.until('reads')]);
  const read = () => readFileSync(file, 'latin1');
  const numbers = Array.from({ length: 10_000 }, (_, n) => `${n};`).join('');
  for (let round = 0; round < STOPS; round++) {
    const before = read().length;
    const typed = agent.type(numbers);
    await expect.poll(() => read().length, { interval: 1 }).toBeGreaterThan(before);
    await ann.client.request('agents.pause', {});
    await typed;
    await view.stream.takeControl();
    await view.type('|');
    await expect.poll(read, { interval: 1 }).toMatch(/\|$/);
    const got = read().slice(before, -1);
    expect(numbers.startsWith(got), `${got.slice(-200)} is no end of a beginning`).toBe(true);
    await view.stream.releaseControl();
    await ann.client.request('agents.resume', {});
  }
});

test("at a human's Ctrl-C nothing of an agent's lines runs", { timeout: 20_000 }, async () => {
  const ran = join(engine.home, 'ran');
  await ann.client.request('session.create', { name: 'shell', cwd: '/' });
  const [view, agent] = [ann.attach('shell'), bot.attach('shell')];
  await Promise.all([view.until(/[$#] /), agent.until(/[$#] /)]);
  await agent.type('sleep 1000\r');
  await ann.until(() => ann.commands.some(({ text }) => text === 'sleep 1000'));
  const typed = Array.from({ length: LINES }, () => agent.type(`echo ran >> ${ran} # ${LINE}\r`));
  await typed[20];
  await view.stream.takeControl();
  expect(await view.stream.interrupt()).toBe('signal');
  expect(refusalsIn(await Promise.all(typed)).length).toBeGreaterThan(0);
  await ann.until(() => ann.commands.some(({ text, endedAt }) => text === 'sleep 1000' && endedAt !== null));
  await view.type('echo after\r');
  await ann.until(() => ann.commands.some(({ text, endedAt }) => text === 'echo after' && endedAt !== null));
  expect(existsSync(ran)).toBe(false);
});

test('a host that is killed while an agent is stopped: the next one finishes it', {
  timeout: 30_000,
}, async () => {
  const { agent, view, go, read } = await busy('crash');
  const typed = await typeAhead(agent);
  const stopped = ann.client.request('agents.pause', {}).catch(() => {}); // its answer dies with the host
  await agent.until(() => !agent.stream.hasControl); // the gate is closed, the rest is under way
  await engine.killHost();
  await stopped;
  await engine.startHost();
  const verdicts = await Promise.all(typed);
  expect((await ann.client.request('host.status', {})).agentsPaused).toBe(true);
  await view.until(() => view.stream.isAttached);
  await view.stream.takeControl();
  go();
  await view.type('after\r');
  await expect.poll(read).toBe('after\n');
  expect(refusalsIn(verdicts).length).toBeGreaterThan(0);
});

test("an agent's typing ahead is its own: of what a person typed, a stopped agent takes nothing along", { timeout: 20_000 }, async () => {
  const { view, go, read } = await busy('mine');
  await view.stream.takeControl();
  expect(await view.type('mine\r')).toMatchObject({ verdict: 'applied' });
  await ann.client.request('agents.pause', {});
  go();
  await expect.poll(read).toBe('mine\n');
});

test('a program that got the beginning of a paste gets its end before the Ctrl-C', { timeout: 20_000 }, async () => {
  const [fifo, file] = [join(engine.home, 'paste.fifo'), join(engine.home, 'paste.read')];
  execFileSync('mkfifo', [fifo]);
  const command = `stty raw -echo; printf '\\033[?2004hbusy'; read go < ${fifo}; exec cat > ${file}`;
  await ann.client.request('session.create', { name: 'paste', command: ['sh', '-c', command], cwd: '/' });
  const view = ann.attach('paste');
  await view.until('busy');
  void view.type(`\x1b[200~${'p'.repeat(150_000)}\x1b[201~`); // one unit: the terminal takes its beginning
  await expect.poll(async () => (await ann.client.request('session.inspect', { session: 'paste' })).modes.bracketedPaste).toBe(true);
  expect(await view.stream.interrupt()).toBe('byte');
  expect(view.refusals.join()).toMatch(
    /ann interrupted the program before it read this; the first \d+ bytes of it had reached the terminal/,
  );
  writeFileSync(fifo, 'go\n');
  const read = () => (existsSync(file) ? readFileSync(file, 'latin1') : '');
  await expect.poll(read).toMatch(/^\x1b\[200~p+\x1b\[201~\x03$/);
});

test.each([
  ['as much as the terminal does not hold', (agent: Watched) => typeAhead(agent)],
  ['one line, which lies in the terminal', async (agent: Watched) => [agent.type('theirs\r')]],
])('of what an agent typed ahead, %s, nothing runs once a person takes over by typing', { timeout: 20_000 }, async (how, type) => {
  const { view, agent, go, read } = await busy('taken');
  const typed = await type(agent);
  if (typed.length === 1) await typed[0];
  const askedAt = performance.now();
  expect(await view.type('after\r')).toMatchObject({ verdict: 'applied' });
  console.log(`${how}: a person's first key is applied after ${(performance.now() - askedAt).toFixed(0)} ms`);
  const refused = refusalsIn(await Promise.all(typed));
  const isTakenBack = refused.some(({ message }) => /ann took control before the program read it/.test(message));
  expect(isTakenBack).toBe(typed.length > 1);
  go();
  await expect.poll(read).toBe('after\n');
});

test('what a program has read of a person is no reason to leave there what an agent typed behind it', { timeout: 20_000 }, async () => {
  const [ran, fifo] = [join(engine.home, 'ran'), join(engine.home, 'shell.fifo')];
  execFileSync('mkfifo', [fifo]);
  await ann.client.request('session.create', { name: 'shell', cwd: '/' });
  const [view, agent] = [ann.attach('shell'), bot.attach('shell')];
  await Promise.all([view.until(/[$#] /), agent.until(/[$#] /)]);
  const ended = (line: string) => ann.commands.some(({ text, endedAt }) => text === line && endedAt !== null);
  await view.type(`cat ${fifo}\r`);
  await ann.until(() => ann.commands.some(({ text }) => text === `cat ${fifo}`));
  await view.stream.releaseControl();
  expect(await agent.type(`echo ran > ${ran}\r`)).toMatchObject({ verdict: 'applied' });
  await view.type('echo after\r');
  writeFileSync(fifo, 'go\n');
  await ann.until(() => ended(`cat ${fifo}`) && ended('echo after'));
  expect(existsSync(ran)).toBe(false);
});

test("a person's own typing ahead is not dropped with an agent's, which nobody can tell from it", { timeout: 20_000 }, async () => {
  const { view, agent, go, read } = await busy('mixed');
  await view.type('mine\r');
  await view.stream.releaseControl();
  expect(await agent.type('theirs\r')).toMatchObject({ verdict: 'applied' });
  await view.type('after\r');
  go();
  await expect.poll(read).toBe('mine\ntheirs\nafter\n');
});

test('what an agent typed and then gave control up for is not taken back', { timeout: 20_000 }, async () => {
  const { view, agent, go, read } = await busy('given');
  await agent.type('theirs\r');
  await agent.stream.releaseControl();
  await view.type('after\r');
  go();
  await expect.poll(read).toBe('theirs\nafter\n');
});

test('a host that dies while an agent has typed ahead: the next one takes it back for the person who takes over', {
  timeout: 30_000,
}, async () => {
  const { view, agent, go, read } = await busy('died');
  const typed = await typeAhead(agent);
  await engine.killHost();
  await engine.startHost();
  await view.until(() => view.stream.isAttached);
  expect(await view.type('after\r')).toMatchObject({ verdict: 'applied' });
  go();
  await expect.poll(read).toBe('after\n');
  expect(refusalsIn(await Promise.all(typed)).length).toBeGreaterThan(0);
});
