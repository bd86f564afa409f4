/** A client whose units were taken back by the thousand: it comes again, over the next host too, and hears of the last of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeInput, encodeMessage, MAGIC } from '#protocol/frames.ts';
import type { Channel, Epoch, Seq } from '#protocol/ids.ts';
import type { Result } from '#protocol/messages.ts';
import { type Engine, openEngine } from './engine.ts';
import { hello, type Stranger, strangerAt } from './stranger.ts';

/** Units that wait behind one that the terminal does not take whole. */
const WAITING = 990;
const ROUNDS = 20;

let engine: Engine;
beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
});
afterAll(() => engine.dispose());

async function attached(): Promise<Stranger & { answer: Result<'session.attach'> }> {
  const peer = strangerAt(engine.home);
  peer.socket.write(Buffer.concat([MAGIC, hello(), encodeMessage({ id: 2, method: 'session.attach', params: { session: 'stuck' } })]));
  const { result, error } = await peer.next(({ id }) => id === 2);
  expect(error).toBeUndefined();
  return { ...peer, answer: result as Result<'session.attach'> };
}

/** Types what nobody reads, and interrupts. Resolves with the epoch that holds from then on. */
async function takenBack({ socket, next }: Stranger, unit: { channel: Channel; epoch: Epoch; from: number }, id: number): Promise<Epoch> {
  const { channel, epoch, from } = unit;
  const large = encodeInput({ channel, epoch, seq: from as Seq, bytes: Buffer.alloc(20_000, 'x') });
  const small = Array.from({ length: WAITING }, (_, at) =>
    encodeInput({ channel, epoch, seq: (from + 1 + at) as Seq, bytes: Buffer.of(0x79) }),
  );
  socket.write(Buffer.concat([large, ...small, encodeMessage({ id, method: 'input.interrupt', params: { channel } })]));
  const { result } = await next((message) => message.id === id);
  return (result as Result<'input.interrupt'>).control.epoch;
}

test('a client of thousands of units that were taken back can attach again', { timeout: 120_000 }, async () => {
  const ann = engine.person('ann');
  const command = ['/bin/sh', '-c', 'stty raw -echo; echo stuck; exec sleep 1000'];
  await ann.client.request('session.create', { name: 'stuck', command, cwd: '/' });
  await ann.attach('stuck').until('stuck');
  const peer = await attached();
  const { channel } = peer.answer;
  peer.socket.write(encodeMessage({ id: 3, method: 'control.take', params: { channel, force: true } }));
  let { epoch } = ((await peer.next(({ id }) => id === 3)).result as Result<'control.take'>).control;
  const last = ROUNDS * (WAITING + 1);
  for (let round = 0; round < ROUNDS; round++)
    epoch = await takenBack(peer, { channel, epoch, from: round * (WAITING + 1) + 1 }, 10 + round);
  await peer.next(({ event, params }) => event === 'input.refused' && (params as { seq: number }).seq === last);
  peer.socket.destroy();
  const expectLastRefusals = async () => {
    const { socket, answer } = await attached();
    expect(answer.accepted).toBe(last);
    expect(answer.refused.slice(-WAITING).map(({ seq }) => seq)).toEqual(
      Array.from({ length: WAITING }, (_, at) => last - WAITING + 1 + at),
    );
    expect(answer.refused.at(-1)?.reason).toMatch(/interrupted/);
    socket.destroy();
  };
  await expectLastRefusals();
  await engine.killHost();
  await engine.startHost();
  await expectLastRefusals();
});
