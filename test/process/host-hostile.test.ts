/** What strangers and broken clients send: a typed error for them, nothing for the others. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeInput, encodeMessage, encodeOrigin, MAGIC } from '#protocol/frames.ts';
import type { Channel, Epoch, Seq } from '#protocol/ids.ts';
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
