/** Output of a keeper that came in one read reaches the session in one piece. */
import { expect, test } from 'vitest';
import type { ClientId, Offset, Seq } from '#protocol/ids.ts';
import { joinedOutput } from '../../main/host/keepers/joined-output.ts';
import type { FromKeeper } from '../../main/keeper/wire-messages.ts';

const output = (offset: number, text: string): FromKeeper => ({ kind: 'output', offset: offset as Offset, bytes: Buffer.from(text) });
const applied: FromKeeper = { kind: 'applied', client: 'c' as ClientId, seq: 1 as Seq };
const shown = (message: FromKeeper) => (message.kind === 'output' ? `${message.offset}:${Buffer.from(message.bytes)}` : message.kind);

test('what goes on is one piece, up to a verdict or a jump, and everything stays in its order', () => {
  const messages = [output(0, 'ab'), output(2, 'c'), applied, output(3, 'd'), output(9, 'e'), output(10, 'f')];
  expect([...joinedOutput(messages)].map(shown)).toEqual(['0:abc', 'applied', '3:d', '9:ef']);
});

test('what came before a broken frame is not lost with it', () => {
  function* broken() {
    yield output(0, 'a');
    yield output(1, 'b');
    throw new Error('broken');
  }
  const seen: string[] = [];
  const read = () => {
    for (const message of joinedOutput(broken())) seen.push(shown(message));
  };
  expect(read).toThrow('broken');
  expect(seen).toEqual(['0:ab']);
});
