/** Requests that are wrong, or not for whoever sends them: a typed answer each, nothing for the others. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeMessage, MAGIC } from '#protocol/frames.ts';
import { METHODS } from '#protocol/messages.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';
import { calmPerson, hello, strangerAt } from './stranger.ts';

let engine: Engine;
let ann: Person;
let view: Watched;
let expectCalm: () => Promise<void>;
const stranger = () => strangerAt(engine.home);

beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  ({ ann, view, expectCalm } = await calmPerson(engine));
});
afterAll(() => engine.dispose());

test('sessions and commands that do not exist are named, with what there is', async () => {
  await expect(ann.client.request('session.screen', { session: 'nope' })).rejects.toMatchObject({
    code: 'session-not-found',
    message: expect.stringContaining('calm ('),
  });
  await expect(ann.client.request('session.create', { command: ['no-such-program'], cwd: '/' })).rejects.toMatchObject({
    code: 'command-not-found',
  });
  await expect(ann.client.request('session.create', { cwd: '/no/such/folder' })).rejects.toMatchObject({ code: 'cwd-missing' });
  await expect(ann.client.request('session.create', { name: 'calm', cwd: '/' })).rejects.toMatchObject({ code: 'name-taken' });
});

test('an ambiguous prefix is refused with the candidates, never guessed', async () => {
  const made = await Promise.all(
    Array.from({ length: 28 }, () => ann.client.request('session.create', { command: ['/bin/cat'], cwd: '/' })),
  );
  const ids = made.map(({ session }) => session.id);
  const prefix = ids.map((id) => id.slice(0, 2)).find((two, i, all) => all.indexOf(two) !== i);
  if (prefix) await expect(ann.client.request('session.screen', { session: prefix })).rejects.toMatchObject({ code: 'session-ambiguous' });
  const [first] = ids;
  expect((await ann.client.request('session.inspect', { session: first?.slice(0, 8) ?? '' })).session.id).toBe(first);
});

const LONG = 'x'.repeat(60_000);
/** Wrong in another way each; none of them ends the host by being right. */
const ODD_PARAMS: readonly [name: string, params: (method: string) => unknown][] = [
  ['no parameters', () => null],
  ['a list', () => [1, 2]],
  [
    'wrong types',
    () => ({ ...fields(['session', 'channel', 'actor', 'to', 'id', 'text', 'mode', 'build', 'port', 'protocol'], { x: [] }) }),
  ],
  ['texts of 60 000 characters', () => fields(['session', 'actor', 'to', 'text', 'reason', 'question', 'name', 'build', 'port'], LONG)],
  ['numbers beyond all', () => fields(['session', 'channel', 'id', 'offset', 'from', 'limit', 'line', 'port', 'build'], 1e300)],
  [
    'ids of nobody',
    () => ({
      session: 'nobody',
      channel: 4_000_000,
      actor: 'nobody',
      to: 'nobody',
      id: 1e9,
      decision: 'approve',
      role: 'owner',
      policy: 'largest',
      port: -1,
      build: 1,
    }),
  ],
];
const fields = (names: readonly string[], value: unknown) => Object.fromEntries(names.map((name) => [name, value]));

test.each(['human', 'agent'] as const)(
  'every method with every kind of wrong parameter, from a %s: an answer each, and nothing happens',
  async (kind) => {
    const before = await ann.client.request('session.list', {});
    const { socket, next, messages } = stranger();
    socket.write(Buffer.concat([MAGIC, hello({ min: 1, max: 1 }, kind)]));
    // Nothing can be wrong about them, or the connection ends for it.
    const needsNothing = [
      'hello',
      'session.create',
      'ping',
      'host.watch',
      'host.status',
      'host.stop',
      'session.list',
      'agents.pause',
      'agents.resume',
      'host.handoff',
    ];
    let id = 10;
    for (const method of Object.keys(METHODS).filter((each) => !needsNothing.includes(each))) {
      for (const [, params] of ODD_PARAMS) socket.write(encodeMessage({ id: id++, method, params: params(method) }));
      await next((message) => message.id === id - 1);
    }
    for (let each = 10; each < id; each++) await next((message) => message.id === each);
    const codes = messages.flatMap(({ error }) => ((error as { code: string } | undefined)?.code === 'internal' ? [error] : []));
    expect(codes).toEqual([]);
    const after = await ann.client.request('session.list', {});
    expect(after.sessions.map(({ id, name, control }) => [id, name, control.mode])).toEqual(
      before.sessions.map(({ id, name, control }) => [id, name, control.mode]),
    );
    socket.destroy();
    await expectCalm();
  },
);

test('a channel of somebody else, and an approval that waits, are nothing to a stranger', async () => {
  const { socket, next } = stranger();
  socket.write(Buffer.concat([MAGIC, hello({ min: 1, max: 1 }, 'agent')]));
  const { control } = await view.stream
    .takeControl()
    .then(() => ann.client.request('session.inspect', { session: 'calm' }))
    .then(({ session }) => session);
  const refusedMethods = [
    'control.take',
    'control.release',
    'control.request',
    'input.interrupt',
    'session.resize',
    'agent.reason',
  ] as const;
  for (const [at, method] of refusedMethods.entries()) {
    socket.write(encodeMessage({ id: 50 + at, method, params: { channel: 1, force: true, reason: 'x', size: { cols: 9, rows: 9 } } }));
    expect(await next(({ id }) => id === 50 + at), method).toMatchObject({ error: { code: expect.any(String) } });
  }
  for (const [at, [method, params]] of [
    ['approval.decide', { id: 1, decision: 'approve' }],
    ['policy.set', { text: '{ "default": { "agents": "allow" } }' }],
    ['role.set', { session: 'calm', actor: 'stranger', role: 'owner' }],
    ['session.kick', { session: 'calm', actor: 'ann' }],
    ['control.mode', { session: 'calm', mode: 'open' }],
    ['agents.resume', {}],
  ].entries()) {
    socket.write(encodeMessage({ id: 80 + at, method, params }));
    expect(await next(({ id }) => id === 80 + at), String(method)).toMatchObject({
      error: { code: expect.stringMatching(/^(unauthorized|not-owner)$/) },
    });
  }
  const now = (await ann.client.request('session.inspect', { session: 'calm' })).session.control;
  expect(now).toEqual(control);
  socket.destroy();
  await expectCalm();
});

test('an agent that types a megabyte as one line: it is told that nobody can approve it, and nobody else notices', async () => {
  await ann.client.request('session.create', { name: 'wide', command: ['/bin/cat'], cwd: '/' });
  const agent = engine.person('flooder', { kind: 'agent' });
  const asked = async (text: RegExp) => {
    await ann.until(() => ann.approvals.some((each) => each.state === 'pending' && text.test(each.text)));
    return ann.approvals.findLast((each) => each.state === 'pending' && text.test(each.text));
  };
  const typing = agent.attach('wide');
  await ann.client.request('approval.decide', { id: (await asked(/^join/))?.id ?? 0, decision: 'approve' });
  const typed = typing.type(`echo ${'\u202e\u0007'.repeat(250_000)}\r`);
  await expectCalm();
  expect(await typed).toMatchObject({ verdict: 'refused' });
  expect((await ann.client.request('approval.list', { state: 'pending' })).approvals).toEqual([]);
});
