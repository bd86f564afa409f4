/** What was said and pointed at, had again from the journal: page by page, by who may see the session. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Engine, openEngine, type Person } from './engine.ts';
import { byCode, invited, shareSocket } from './guest-clients.ts';

let engine: Engine;
let ann: Person;
beforeEach(async () => {
  engine = openEngine();
  engine.policy('{ "default": { "agents": "deny" } }');
  await engine.startHost();
  ann = engine.person('ann');
  await shareSocket(ann);
  for (const name of ['build', 'payroll'])
    await ann.client.request('session.create', { name, command: ['sh', '-c', 'echo hello; cat'], cwd: '/' });
  await expect.poll(async () => (await ann.client.request('session.screen', { session: 'build' })).lines[0]).toBe('hello');
  for (const text of ['one', 'two', 'three']) await ann.client.request('share.say', { session: 'build', text });
  await ann.client.request('share.point', { session: 'build', at: { last: { from: 1, to: 1 } }, text: 'here' });
  await ann.client.request('share.say', { session: 'payroll', text: 'secret' });
});
afterEach(() => engine.dispose());

test('the newest first, earlier ones by page, after a crash of the host too, and nothing of another session', async () => {
  await engine.killHost();
  await engine.startHost();
  const newest = await ann.client.request('share.talk', { session: 'build', limit: 2 });
  expect(newest.talked.map(({ text, by, pointed }) => [text, by.name, pointed !== null])).toEqual([
    ...[
      ['three', 'ann', false],
      ['here', 'ann', true],
    ],
  ]);
  expect(newest.more).toBe(true);
  const earlier = await ann.client.request('share.talk', { session: 'build', limit: 50, before: newest.talked[0]?.seq ?? 0 });
  expect([earlier.talked.map(({ text }) => text), earlier.more]).toEqual([['one', 'two'], false]);
});

test('a guest has what was said before they came, and what is told then carries the same place', async () => {
  const bob = engine.person('bob', { connect: byCode(engine, await invited(ann, { session: 'build', name: 'bob', role: 'observer' })) });
  const { talked } = await bob.client.request('share.talk', { session: 'build' });
  expect(talked.map(({ text }) => text)).toEqual(['one', 'two', 'three', 'here']);
  await expect(bob.client.request('share.talk', { session: 'payroll' })).rejects.toThrow(/payroll/);
  await bob.client.request('share.say', { session: 'build', text: 'mine' });
  expect((await ann.client.request('share.talk', { session: 'build', limit: 1 })).talked).toMatchObject([
    { text: 'mine', by: { name: 'bob' } },
  ]);
});

test('who was removed has none of it, nor an agent that may not read the session', async () => {
  const cleo = engine.person('cleo');
  await cleo.client.request('share.say', { session: 'build', text: 'hello' });
  const [last] = (await ann.client.request('share.talk', { session: 'build', limit: 1 })).talked;
  await ann.client.request('session.kick', { session: 'build', actor: last?.by.id ?? '' });
  await expect(cleo.client.request('share.talk', { session: 'build' })).rejects.toThrow('was removed from build');
  const agent = engine.person('bot', { kind: 'agent' });
  await expect(agent.client.request('share.talk', { session: 'build' })).rejects.toThrow('may not join');
});
