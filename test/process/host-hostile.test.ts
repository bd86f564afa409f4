/** What strangers and broken clients send: a typed error for them, nothing for the others. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localPaths } from '#local/paths.ts';
import { encodeInput, encodeMessage, encodeOrigin, type Frame, FrameDecoder, MAGIC } from '#protocol/frames.ts';
import type { Channel, Epoch, Seq } from '#protocol/ids.ts';
import { METHODS } from '#protocol/messages.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';

let engine: Engine;
let ann: Person;
let view: Watched;

beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'calm', command: ['/bin/cat'], cwd: '/' });
  view = ann.attach('calm');
  await view.type('hello\r');
  await view.until('hello\nhello'); // also what `cat` says, which would come between a later line and its echo
});
afterAll(() => engine.dispose());

/** A raw connection: what it was told until it was closed. */
function stranger(): {
  socket: Socket;
  messages: Record<string, unknown>[];
  closed: Promise<void>;
  next(match: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
} {
  const socket = connect(localPaths({ CMDOP_HOME: engine.home }).hostSocket);
  const decoder = new FrameDecoder();
  const messages: Record<string, unknown>[] = [];
  let skipMagic = MAGIC.length;
  let look = () => {};
  socket.on('data', (bytes: Buffer) => {
    const rest = bytes.subarray(skipMagic);
    skipMagic = Math.max(0, skipMagic - bytes.length);
    for (const frame of decoder.push(rest) as Iterable<Frame>) if (frame.kind === 'message') messages.push(JSON.parse(frame.json));
    look();
  });
  socket.on('error', () => {}); // reset by the host
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const next = (match: (message: Record<string, unknown>) => boolean) =>
    new Promise<Record<string, unknown>>((resolve) => {
      look = () => {
        const found = messages.find(match);
        if (found) resolve(found);
      };
      look();
    });
  return { socket, messages, closed, next };
}

const hello = (protocol = { min: 1, max: 1 }, kind: 'human' | 'agent' = 'human') =>
  encodeMessage({
    id: 1,
    method: 'hello',
    params: { protocol, client: { id: 'stranger-1', interface: 'cli', name: 'stranger', kind, build: 'x' } },
  });

/** The others notice nothing. */
async function expectCalm(): Promise<void> {
  const word = `calm-${Math.random()}`;
  expect((await view.type(`${word}\r`)).verdict).toBe('applied');
  await view.until(`${word}\n${word}`);
  expect(view.stream.isAttached).toBe(true);
}

test('how a client came is the bridge’s word, which comes first; what the client says of it later is not heard', async () => {
  const { socket, next } = stranger();
  const attach = (id: number) => encodeMessage({ id, method: 'session.attach', params: { session: 'calm', role: 'observer' } });
  socket.write(
    Buffer.concat([MAGIC, encodeOrigin({ kind: 'ssh', from: '192.0.2.7' }), encodeOrigin({ kind: 'ssh', from: 'me' }), hello()]),
  );
  socket.write(encodeOrigin({ kind: 'command', user: 'root' }));
  socket.write(attach(2));
  expect(await next(({ id }) => id === 2)).toMatchObject({ result: { role: 'observer' } });
  const { events } = await ann.client.request('journal.list', { kinds: ['attach'] });
  expect(events.at(-1)).toMatchObject({ actorName: 'stranger', payload: { origin: { kind: 'ssh', from: '192.0.2.7' } } });
  socket.destroy();
  const odd = stranger();
  odd.socket.write(Buffer.concat([MAGIC, encodeOrigin({ kind: 'ssh', from: 'x'.repeat(5_000) }), hello(), attach(2)]));
  expect(await odd.next(({ id }) => id === 2)).toMatchObject({ result: { role: 'observer' } });
  const later = await ann.client.request('journal.list', { kinds: ['attach'] });
  expect(later.events.at(-1)?.payload.origin).toBeUndefined();
  odd.socket.destroy();
  await expectCalm();
});

test.each([
  ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'bad-magic'],
  ['a frame that is too large', Buffer.concat([MAGIC, Buffer.from('ffffff7f00', 'hex')]), 'bad-frame'],
  ['a frame of no length', Buffer.concat([MAGIC, Buffer.from('00000000', 'hex')]), 'bad-frame'],
  ['a message that is no JSON', Buffer.concat([MAGIC, Buffer.from('040000000022aabb', 'hex')]), 'bad-frame'],
  ['an input frame that is too short', Buffer.concat([MAGIC, Buffer.from('0200000002aa', 'hex')]), 'bad-frame'],
])('%s ends its own connection, with the reason', async (_name, bytes, code) => {
  const { socket, messages, closed } = stranger();
  socket.write(bytes);
  await closed;
  expect(messages).toMatchObject([{ error: { code } }]);
  await expectCalm();
});

test('an unknown frame kind is skipped, an unknown method answered', async () => {
  const { socket, next } = stranger();
  socket.write(
    Buffer.concat([MAGIC, Buffer.from('0300000063aabb', 'hex'), hello(), encodeMessage({ id: 2, method: 'session.fly', params: {} })]),
  );
  expect(await next(({ id }) => id === 2)).toMatchObject({ error: { code: 'unknown-method' } });
  socket.destroy();
});

test('nothing is answered before the greeting', async () => {
  const { socket, next } = stranger();
  socket.write(Buffer.concat([MAGIC, encodeMessage({ id: 7, method: 'session.list', params: {} })]));
  expect(await next(({ id }) => id === 7)).toMatchObject({ error: { code: 'unauthorized' } });
  socket.destroy();
});

test('a client of a later protocol is told which side to update', async () => {
  const { socket, messages, closed } = stranger();
  socket.write(Buffer.concat([MAGIC, hello({ min: 7, max: 9 })]));
  await closed;
  expect(messages).toMatchObject([
    {
      error: {
        code: 'protocol-mismatch',
        message: expect.stringContaining('the host speaks protocol 1, this client 7–9: the host is too old'),
      },
    },
  ]);
});

test('parameters out of range are named', async () => {
  const { socket, next } = stranger();
  socket.write(
    Buffer.concat([
      MAGIC,
      hello(),
      encodeMessage({ id: 3, method: 'session.attach', params: { session: 'calm', size: { cols: 0, rows: 1e9 } } }),
    ]),
  );
  expect(await next(({ id }) => id === 3)).toMatchObject({ error: { code: 'bad-request', message: expect.stringContaining('size.cols') } });
  socket.destroy();
});

test("an observer's units reach nothing, even sent by hand", async () => {
  const { socket, next } = stranger();
  socket.write(
    Buffer.concat([MAGIC, hello(), encodeMessage({ id: 4, method: 'session.attach', params: { session: 'calm', role: 'observer' } })]),
  );
  const answer = await next(({ id }) => id === 4);
  const { channel, control } = answer.result as { channel: Channel; control: { epoch: Epoch } };
  socket.write(encodeInput({ channel, epoch: control.epoch, seq: 1 as Seq, bytes: Buffer.from('forged\r') }));
  socket.write(encodeMessage({ id: 5, method: 'control.take', params: { channel, force: true } }));
  expect(await next(({ event }) => event === 'input.refused')).toMatchObject({ params: { seq: 1, reason: 'observer' } });
  expect(await next(({ id }) => id === 5)).toMatchObject({ error: { code: 'observer' } });
  await expectCalm();
  expect(view.text()).not.toContain('forged');
  const { events } = await ann.client.request('journal.list', { session: 'calm', kinds: ['refused'] });
  expect(events.at(-1)).toMatchObject({ actorName: 'stranger', payload: { reason: 'observer', bytes: 7 } });
  socket.destroy();
});

test('a client that attaches twice at once is attached once', async () => {
  const { socket, next } = stranger();
  const attach = (id: number) => encodeMessage({ id, method: 'session.attach', params: { session: 'calm', role: 'observer' } });
  socket.write(Buffer.concat([MAGIC, hello(), attach(4), attach(5), attach(6)]));
  for (const wanted of [4, 5, 6]) await next(({ id }) => id === wanted);
  const { session } = await ann.client.request('session.inspect', { session: 'calm' });
  expect(session.attached.filter(({ client }) => client === 'stranger-1')).toHaveLength(1);
  socket.destroy();
});

test('an acknowledgement that is no offset, or of what was never sent, is not believed', async () => {
  const command = ['/bin/sh', '-c', 'read x; seq 30000; exec cat'];
  await ann.client.request('session.create', { name: 'counting', command, cwd: '/' });
  const counting = ann.attach('counting');
  const { socket, next } = stranger();
  const params = { session: 'counting', role: 'observer', window: 64 * 1024 };
  socket.write(Buffer.concat([MAGIC, hello(), encodeMessage({ id: 4, method: 'session.attach', params })]));
  const { channel } = (await next(({ id }) => id === 4)).result as { channel: Channel };
  const lie = () => {
    for (const offset of [0.5, 12_345.678, -1, 1e300, null, '7', Number.MAX_SAFE_INTEGER])
      socket.write(encodeMessage({ event: 'output.ack', params: { channel, offset } }));
  };
  lie();
  await counting.type('\r');
  lie();
  await counting.until('30000');
  lie();
  socket.write(encodeMessage({ id: 5, method: 'ping', params: {} }));
  expect(await next(({ id }) => id === 5)).toHaveProperty('result');
  await expectCalm();
  socket.destroy();
});

test('a window of half a byte is refused', async () => {
  const { socket, next } = stranger();
  const params = { session: 'calm', role: 'observer', window: 65_536.5 };
  socket.write(Buffer.concat([MAGIC, hello(), encodeMessage({ id: 4, method: 'session.attach', params })]));
  expect(await next(({ id }) => id === 4)).toMatchObject({ error: { code: 'bad-request', message: expect.stringContaining('window') } });
  socket.destroy();
});

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
