/** Several people and agents in one session, on real PTYs: who may type, who is stopped, removed or overtaken. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Verdict } from '#client/input-outbox.ts';
import type { ControlMode } from '#protocol/shapes.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';

/** Agents that write while all are stopped. */
const AGENTS = 50;
/** What Linux keeps of a terminal’s input that nobody reads, bytes. */
const TERMINAL_HOLDS = 4096;

let engine: Engine;
let ann: Person;
beforeEach(async () => {
  engine = openEngine();
  engine.policy(); // agents may do everything that control and roles allow
  await engine.startHost();
  ann = engine.person('ann');
});
afterEach(() => engine.dispose());

const isApplied = ({ verdict }: Verdict) => verdict === 'applied';
const fileText = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '');

/** A session whose program writes what it reads into a file, byte by byte as it comes. */
async function recorder(name: string, controlMode: ControlMode = 'turns'): Promise<{ file: string }> {
  const file = join(engine.home, `${name}.typed`);
  const command = ['sh', '-c', `stty raw -echo; printf ready; exec cat > '${file}'`];
  await ann.client.request('session.create', { name, command, cwd: '/', controlMode });
  return { file };
}

async function attached(person: Person, session: string, shown = 'ready'): Promise<Watched> {
  const view = person.attach(session);
  await view.until(shown);
  return view;
}

describe('two typists in vim', () => {
  const tokens = (name: string) => Array.from({ length: 40 }, (_, n) => `<${name} é漢 ${n}>`);

  async function inVim(controlMode: ControlMode): Promise<{ text: string; applied: Record<string, string[]> }> {
    const file = join(engine.home, `${controlMode}.txt`);
    const ben = engine.person('ben');
    await ann.client.request('session.create', { name: 'vim', command: ['vim', '-u', 'NONE', '-N', '-n', file], cwd: '/', controlMode });
    const views = { ann: await attached(ann, 'vim', '~'), ben: await attached(ben, 'vim', '~') };
    await views.ann.stream.takeControl();
    await views.ann.type('i');
    const applied: Record<string, string[]> = {};
    await Promise.all(
      Object.entries(views).map(async ([name, view]) => {
        const verdicts = await Promise.all(tokens(name).map(async (token) => ({ token, verdict: await view.type(token) })));
        applied[name] = verdicts.filter(({ verdict }) => isApplied(verdict)).map(({ token }) => token);
      }),
    );
    expect(isApplied(await views.ann.type('\x1b:wq\r'))).toBe(true);
    await views.ann.until(() => views.ann.end !== null);
    return { text: fileText(file).trim(), applied };
  }

  test.each(['turns', 'locked'] as const)('in mode %s the file is what one of them wrote', { timeout: 30_000 }, async (mode) => {
    const { text, applied } = await inVim(mode);
    expect(text).toBe(tokens('ann').join(''));
    expect(applied.ben).toEqual([]);
  });

  test('in mode open it holds what both wrote, each unit whole and in its order', { timeout: 30_000 }, async () => {
    const { text, applied } = await inVim('open');
    const units = text.match(/<[^<>]*>/g) ?? [];
    expect(units.join('')).toBe(text);
    for (const name of ['ann', 'ben']) {
      expect(applied[name]).toEqual(tokens(name));
      expect(units.filter((unit) => unit.startsWith(`<${name}`))).toEqual(tokens(name));
    }
  });
});

test('who is removed while typing is told the truth of every unit, and stays out until let in', { timeout: 30_000 }, async () => {
  const { file } = await recorder('kicked', 'open');
  const ben = engine.person('ben');
  const view = await attached(ben, 'kicked');
  const typed = Array.from({ length: 2_000 }, (_, n) => `<${n}>`).map(async (unit) => ({ unit, verdict: await view.type(unit) }));
  await typed[20];
  const heard: string[] = [];
  ben.hearers.push(({ event, params }) => event === 'journal.event' && heard.push(params.event.kind));
  await ben.client.request('journal.watch', { session: 'kicked' });
  await ann.client.request('session.kick', { session: 'kicked', actor: 'ben' });
  const verdicts = await Promise.all(typed);
  const applied = verdicts.filter(({ verdict }) => isApplied(verdict)).map(({ unit }) => unit);
  expect(view.refusals.at(-1)).toMatch(/ben was removed from kicked by its owner/);
  for (const method of ['session.screen', 'history.list', 'history.count', 'journal.list', 'journal.watch'] as const)
    await expect(ben.client.request(method, { session: 'kicked' }), method).rejects.toMatchObject({ code: 'kicked' });
  expect(heard).not.toContain('role'); // nor of their own removal
  const { commands } = await ben.client.request('history.list', { limit: 500 });
  const { events } = await ben.client.request('journal.list', { limit: 500 });
  const { session } = await ann.client.request('session.inspect', { session: 'kicked' });
  const reads = [...commands.map((command) => command.session), ...events.map((event) => event.session)];
  expect(reads.length).toBeGreaterThan(0);
  expect(reads).not.toContain(session.id);
  expect((await ann.client.request('journal.list', { limit: 500 })).events.map((event) => event.session)).toContain(session.id);
  const again = ben.attach('kicked');
  await again.until(() => again.refusals.length > 0);
  expect(again.refusals[0]).toContain('`cmdop role kicked ben operator`');

  await ann.client.request('role.set', { session: 'kicked', actor: 'ben', role: 'operator' });
  const back = await attached(ben, 'kicked', '');
  await back.until(() => back.stream.isAttached);
  expect(isApplied(await back.type('back'))).toBe(true);
  await expect.poll(() => fileText(file)).toMatch(/back$/);
  const before = fileText(file).slice(0, -'back'.length);
  // What the program had not read yet when he was removed is taken back from the terminal.
  expect(applied.join('').startsWith(before)).toBe(true);
  expect(applied.join('').length - before.length).toBeLessThan(TERMINAL_HOLDS);
});

test('who is made an observer types nothing from the next unit on, and decides nothing', async () => {
  const { file } = await recorder('watched');
  const ben = engine.person('ben');
  const view = await attached(ben, 'watched');
  expect(isApplied(await view.type('1'))).toBe(true);
  await expect.poll(() => fileText(file)).toBe('1');
  await ann.client.request('role.set', { session: 'watched', actor: 'ben', role: 'observer' });
  expect(await view.type('2')).toMatchObject({ verdict: 'refused', reason: 'observer' });
  await expect.poll(() => fileText(file)).toBe('1');
  const refusedTo = [
    () => ben.client.request('session.kill', { session: 'watched' }),
    () => ben.client.request('session.rename', { session: 'watched', name: 'x' }),
    () => ben.client.request('session.size', { session: 'watched', policy: 'largest' }),
  ];
  for (const act of refusedTo) {
    await expect(act()).rejects.toMatchObject({ code: 'observer' });
  }
  await expect(ben.client.request('control.mode', { session: 'watched', mode: 'open' })).rejects.toMatchObject({ code: 'not-owner' });
});

describe('agents', () => {
  test('lose control to a person who types, ask for it, and are told what they missed', { timeout: 30_000 }, async () => {
    await ann.client.request('session.create', { name: 'shell', cwd: '/' });
    const bot = engine.person('bot', { kind: 'agent' });
    const agent = bot.attach('shell');
    const person = ann.attach('shell');
    await agent.until(/[$#] /);
    await person.until(() => person.stream.isAttached);
    expect(isApplied(await agent.type(' '))).toBe(true);
    const from = agent.stream.offset;
    expect(isApplied(await person.type("printf '%s' mis sed; echo\r"))).toBe(true);
    await agent.until('missed');
    const refused = await agent.type('x');
    expect(refused).toMatchObject({ verdict: 'refused', reason: 'not-in-control' });
    expect(agent.refusals.at(-1)).toMatch(/^ann has control, and an agent never takes it from a person/);

    expect(await agent.stream.requestControl('to fix the test')).toBe(false);
    await person.until(() => person.requests.length > 0);
    expect(person.requests).toEqual(['bot: to fix the test']);
    await ann.client.request('control.grant', { session: 'shell', to: 'bot' });
    await agent.until(() => agent.stream.hasControl);
    expect(agent.stream.missed?.from).toBeGreaterThanOrEqual(from);
    const { missed } = agent.stream;
    const output = async () => {
      const page = await bot.client.request('output.read', { session: 'shell', from: missed?.from ?? from });
      return Buffer.from(page.bytes, 'base64').toString();
    };
    await expect.poll(output).toContain('missed'); // a page may end early
    expect(isApplied(await agent.type('y'))).toBe(true);
  });

  test('are stopped everywhere at once while they write, and stay stopped through a crash', { timeout: 60_000 }, async () => {
    const { file } = await recorder('busy', 'open');
    const agents = await Promise.all(
      Array.from({ length: AGENTS }, async (_, n) => {
        const bot = engine.person(`bot ${n}`, { kind: 'agent' });
        return { bot, view: await attached(bot, 'busy') };
      }),
    );
    let isStopped = false;
    const writing = agents.map(async ({ view }) => {
      while (!isStopped) {
        const verdict = await view.type('.'.repeat(64));
        if (!isApplied(verdict)) return verdict;
      }
      return null;
    });
    await expect.poll(() => fileText(file).length).toBeGreaterThan(AGENTS * 64 * 5);
    const askedAt = performance.now();
    await ann.client.request('agents.pause', {});
    const answeredMs = performance.now() - askedAt;
    const refusals = await Promise.all(writing);
    const stoppedMs = performance.now() - askedAt;
    isStopped = true;
    console.log(`${AGENTS} agents stopped: answered after ${answeredMs.toFixed(1)} ms, all refused after ${stoppedMs.toFixed(1)} ms`);
    expect(refusals.map((verdict) => verdict && 'reason' in verdict && verdict.reason)).toEqual(Array(AGENTS).fill('agents-paused'));
    expect(stoppedMs).toBeLessThan(1_000); // 100 on a quiet machine
    const length = fileText(file).length;

    const [first] = agents;
    if (!first) throw new Error('no agent');
    await expect(first.bot.client.request('agents.resume', {})).rejects.toMatchObject({ code: 'not-owner' });
    await expect(first.bot.client.request('session.create', { name: 'way out' })).rejects.toMatchObject({ code: 'agents-paused' });
    await expect(first.bot.client.request('session.kill', { session: 'busy' })).rejects.toMatchObject({ code: 'agents-paused' });
    await engine.killHost();
    await engine.startHost();
    await first.view.until(() => first.view.stream.isAttached);
    expect(await first.view.type('x')).toMatchObject({ verdict: 'refused', reason: 'agents-paused' });
    expect(fileText(file).length).toBe(length);
    await ann.client.request('agents.resume', {});
    expect(isApplied(await first.view.type('x'))).toBe(true);
  });
});

test('one Ctrl-C behind a paste that lies in the terminal unread ends the program', { timeout: 20_000 }, async () => {
  await ann.client.request('session.create', { name: 'full', cwd: '/' });
  const view = ann.attach('full');
  await view.until(/[$#] /);
  await view.type('sleep 1000\r');
  await ann.until(() => ann.commands.some(({ text }) => text === 'sleep 1000'));
  expect(isApplied(await view.type('# pasted line\n'.repeat(500)))).toBe(true); // 7 kB: the terminal takes it all
  expect(isApplied(await view.type('\x03'))).toBe(true);
  await ann.until(() => ann.commands.some(({ text, endedAt }) => text === 'sleep 1000' && endedAt !== null));
});

test('Ctrl-C overtakes a paste that the program does not read, and the rest of it is not typed', { timeout: 30_000 }, async () => {
  await ann.client.request('session.create', { name: 'stuck', cwd: '/', size: { cols: 80, rows: 24 } });
  const view = ann.attach('stuck');
  await view.until(/[$#] /);
  await view.type('sleep 1000\r');
  await ann.until(() => ann.commands.some(({ text }) => text === 'sleep 1000'));
  const paste = Array.from({ length: 64 }, () => view.type(`${'# pasted line\n'.repeat(600)}`)); // 530 kB
  expect(isApplied((await paste[0]) as Verdict)).toBe(true);
  const pressedAt = performance.now();
  expect(isApplied(await view.type('\x03'))).toBe(true);
  await ann.until(() => ann.commands.some(({ text, endedAt }) => text === 'sleep 1000' && endedAt !== null));
  console.log(`Ctrl-C ended the program after ${(performance.now() - pressedAt).toFixed(0)} ms`);
  const verdicts = await Promise.all(paste);
  expect(verdicts.at(-1)).toMatchObject({ verdict: 'refused', reason: 'dropped' });
  const { events } = await ann.client.request('journal.list', { session: 'stuck', kinds: ['signal'] });
  expect(events).toMatchObject([{ actorName: 'ann', interface: 'cli', payload: { signal: 'SIGINT', how: 'signal' } }]);
});

test('Ctrl-C reaches a program that reads keys itself as the byte', async () => {
  const { file } = await recorder('raw');
  const view = await attached(ann, 'raw');
  await view.type('a');
  expect(await view.stream.interrupt()).toBe('byte');
  await view.type('b');
  await expect.poll(() => fileText(file)).toBe('a\x03b');
});

test('modes, roles, sizes and stops are in the journal with who did it, and last through a crash', async () => {
  await recorder('kept');
  await attached(engine.person('ben'), 'kept');
  const session = 'kept';
  await ann.client.request('control.mode', { session, mode: 'locked' });
  await ann.client.request('role.set', { session, actor: 'ben', role: 'observer' });
  await ann.client.request('session.size', { session, policy: { cols: 100, rows: 30 } });
  await ann.client.request('agents.pause', { session });
  await engine.killHost();
  await engine.startHost();
  const { session: kept } = await ann.client.request('session.inspect', { session });
  expect(kept).toMatchObject({
    control: { mode: 'locked' },
    agentsPaused: true,
    sizePolicy: { cols: 100, rows: 30 },
    size: { cols: 100, rows: 30 },
  });
  expect(kept.attached.find(({ actor }) => actor.name === 'ben')?.role ?? 'observer').toBe('observer');
  const { events } = await ann.client.request('journal.list', { session, kinds: ['control', 'role', 'size', 'agents'] });
  expect(events.map(({ kind, actorName, interface: via }) => [kind, actorName, via])).toEqual([
    ['control', 'ann', 'cli'],
    ['role', 'ann', 'cli'],
    ['size', 'ann', 'cli'],
    ['agents', 'ann', 'cli'],
  ]);
});

test('an agent goes on with its line after a pause as before it', { timeout: 20_000 }, async () => {
  engine.policy('{ "default": { "agents": "allow" } }');
  await ann.client.request('session.create', { name: 'line', cwd: '/' });
  const bot = engine.person('bot', { kind: 'agent' });
  const agent = bot.attach('line');
  await agent.until(/[$#] $/m);
  expect(isApplied(await agent.type('echo be'))).toBe(true);
  await ann.client.request('agents.pause', {});
  expect(await agent.type('x')).toMatchObject({ verdict: 'refused', reason: 'agents-paused' });
  await ann.client.request('agents.resume', {});
  expect(await agent.type('fore')).toMatchObject({ verdict: 'applied' });
  expect(await agent.type('-after\r')).toMatchObject({ verdict: 'applied' });
  await agent.until(/^before-after/m);
});
