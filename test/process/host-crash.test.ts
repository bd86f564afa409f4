/** kill -9 of the host: no session, no byte and no unit is lost, and nothing runs twice. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Engine, openEngine, type Watched } from './engine.ts';

/** Crashes per test; more of them for a campaign. */
const CRASHES = Number(process.env.CMDOP_CRASHES ?? 5);

let engine: Engine;
beforeEach(() => {
  engine = openEngine();
});
afterEach(() => engine.dispose());

/** Every byte of a client's stream, which must begin at 0 and have no gap. */
const whole = (watched: Watched): Buffer => {
  expect(watched.gaps).toEqual([]);
  return Buffer.concat(watched.received.bytes);
};

test('a build that prints through crashes is seen whole by every client', async () => {
  await engine.startHost();
  const [ann, ben] = [engine.person('ann'), engine.person('ben')];
  const program =
    'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "line $i of the build"; [ $((i % 30)) = 0 ] && sleep 0.02; done; echo built';
  const { session } = await ann.client.request('session.create', { name: 'build', command: ['/bin/sh', '-c', program], cwd: '/' });
  const views = [ann.attach('build'), ben.attach('build')];
  for (let kill = 0; kill < CRASHES; kill++) {
    const seen = views[0]?.received.length ?? 0;
    await views[0]?.until(() => (views[0]?.received.length ?? 0) > seen + 2000 || views[0]?.end !== null);
    await engine.killHost();
    await engine.startHost();
  }
  const expected = `${Array.from({ length: 3000 }, (_, i) => `line ${i + 1} of the build`).join('\r\n')}\r\nbuilt\r\n`;
  for (const view of views) {
    await view.until(() => view.end !== null && view.received.length + view.received.from >= expected.length);
    expect(whole(view).toString()).toBe(expected.slice(view.received.from));
  }
  const stored = await ann.client.request('output.read', { session: session.id, from: 0 as never, max: 512 * 1024 });
  expect(Buffer.from(stored.bytes, 'base64').toString()).toBe(expected);
});

test('three people type through crashes: each unit once, in order, with a true verdict', async () => {
  await engine.startHost();
  const people = ['ann', 'ben', 'cleo'].map((name) => engine.person(name));
  const typed = join(engine.home, 'typed');
  await people[0]?.client.request('session.create', {
    name: 'notes',
    command: ['/bin/sh', '-c', `stty raw -echo; echo ready; exec cat > ${typed}`],
    cwd: '/',
  });
  const views = people.map((person) => person.attach('notes'));
  await views[0]?.until('ready');
  const verdicts: Promise<{ unit: string; applied: boolean }>[] = [];
  const appliedBy = [0, 0, 0];
  let isDone = false;
  const typing = views.map(async (view, who) => {
    for (let n = 1; !isDone; n++) {
      const unit = `<${who}:${n}>`;
      const verdict = view.type(unit).then(({ verdict }) => {
        if (verdict === 'applied') appliedBy[who] = (appliedBy[who] ?? 0) + 1;
        return { unit, applied: verdict === 'applied' };
      });
      verdicts.push(verdict);
      await verdict;
      // Refused without a wait, the loop would spin: taking over is what a person would do.
      if (!view.stream.hasControl && view.stream.isAttached) await view.stream.takeControl().catch(() => {});
    }
  });
  for (let kill = 0; kill < CRASHES; kill++) {
    const before = [...appliedBy];
    await people[0]?.until(() => appliedBy.every((count, who) => count > (before[who] ?? 0) + 5));
    await engine.killHost();
    await engine.startHost();
  }
  isDone = true;
  await Promise.all(typing);
  const told = await Promise.all(verdicts);
  const applied = told.filter((unit) => unit.applied).map(({ unit }) => unit);
  await people[0]?.client.request('session.kill', { session: 'notes', signal: 'SIGKILL' });
  await views[0]?.until(() => views[0]?.end !== null);
  const reached = readFileSync(typed, 'latin1').match(/<\d:\d+>/g) ?? [];
  expect(new Set(reached).size).toBe(reached.length);
  expect([...reached].sort()).toEqual([...applied].sort());
  for (const who of [0, 1, 2]) {
    const numbers = reached.filter((unit) => unit.startsWith(`<${who}:`)).map((unit) => Number(unit.slice(3, -1)));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(numbers.length).toBeGreaterThan(CRASHES * 5);
  }
});

test("a keeper's death ends its own session only, with its last screen and its history", async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  for (const name of ['one', 'two']) await ann.client.request('session.create', { name, cwd: '/' });
  const [one, two] = [ann.attach('one'), ann.attach('two')];
  await one.until('# ');
  await one.type('echo last words\r');
  await ann.until(() => ann.commands.some(({ text, endedAt }) => text === 'echo last words' && endedAt !== null));
  const { keeperPid } = await ann.client.request('session.inspect', { session: 'one' });
  process.kill(keeperPid ?? 0, 'SIGKILL');
  await one.until(() => one.end !== null);
  expect(one.end).toEqual({ reason: 'keeper-lost', code: null, signal: null });
  await two.type('echo still here\r');
  await two.until('\nstill here');
  one.stream.detach();
  const screen = await ann.client.request('session.screen', { session: 'one' });
  expect(screen.lines.join('\n')).toContain('\nlast words');
  const { commands } = await ann.client.request('history.list', { session: 'one' });
  expect(commands.map(({ text, submitter }) => [text, submitter?.name])).toEqual([['echo last words', 'ann']]);
});

test('a session whose folder cannot be made starts no program', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  const sessions = join(engine.home, 'state', 'sessions');
  rmSync(sessions, { recursive: true, force: true });
  writeFileSync(sessions, 'in the way');
  const ran = join(engine.home, 'ran');
  const command = ['/bin/sh', '-c', `: > ${ran}; exec cat`];
  await expect(ann.client.request('session.create', { name: 'new', command, cwd: '/' })).rejects.toMatchObject({
    code: 'storage',
    message: expect.stringContaining(sessions),
  });
  rmSync(sessions);
  // The next one is begun after it would have been.
  await ann.client.request('session.create', { name: 'next', command: ['/bin/cat'], cwd: '/' });
  const view = ann.attach('next');
  await view.type('there\r');
  await view.until('there');
  expect(existsSync(ran)).toBe(false);
  expect((await ann.client.sessions()).map(({ name }) => name)).toEqual(['next']);
});
