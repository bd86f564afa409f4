/** What a keeper takes back of input that its program does not read: never what was written, and remembered for the next host. */
import { expect, test } from 'vitest';
import { systemClock } from '#local/clock.ts';
import type { ClientId, Offset, Seq } from '#protocol/ids.ts';
import { InputQueue } from '../../main/keeper/input-queue.ts';
import { Keeper } from '../../main/keeper/keeper.ts';
import { encodeToKeeper, FromKeeperDecoder } from '../../main/keeper/wire.ts';
import type { FromKeeper, ToKeeper } from '../../main/keeper/wire-messages.ts';

const [ann, bot] = ['ann', 'bot'] as [ClientId, ClientId];
const unit = (client: ClientId, seq: number, text: string): ToKeeper => ({
  kind: 'write',
  client,
  seq: seq as Seq,
  bytes: Buffer.from(text),
});

function world() {
  const queue = new InputQueue();
  const keeper = new Keeper({ session: 's', meta: {}, cols: 80, rows: 24 }, { released: () => {}, after: systemClock.after });
  keeper.start({
    pid: 1,
    queuedBytes: 0,
    write: (input) => queue.push(input),
    takeBack: (clients) => queue.takeBack(clients),
    resize: () => {},
    pause: () => {},
    resume: () => {},
  });
  let typed = '';
  const take = (count: number) => {
    typed += Buffer.from(queue.front ?? [])
      .toString()
      .slice(0, count);
    queue.took(count);
  };
  const host = () => {
    const decoder = new FromKeeperDecoder();
    const heard: FromKeeper[] = [];
    const write = (bytes: Uint8Array) => {
      heard.push(...decoder.push(bytes));
      return true;
    };
    const link = keeper.connected({ write, cork: () => {}, uncork: () => {}, destroy: () => {} });
    const say = (...messages: ToKeeper[]) => {
      for (const message of messages) link.received(encodeToKeeper(message));
    };
    say({ kind: 'hello', wire: 1, from: 0 as Offset });
    return { heard, say };
  };
  return { host, take, typed: () => typed };
}

const ledgerOf = ([hello]: FromKeeper[]) => (hello?.kind === 'hello' ? hello.hello.ledger : null);

test('units that are not written whole go no further, the others stay, and the answer comes after what was written', () => {
  const { host, take, typed } = world();
  const { heard, say } = host();
  say(unit(bot, 1, 'one\r'), unit(bot, 2, 'two\r'), unit(ann, 1, 'ann\r'), unit(bot, 3, 'three\r'));
  take(4);
  take(2);
  say({ kind: 'drop', clients: [bot] });
  take(4);
  expect(typed()).toBe('one\rtwann\r');
  expect(heard.slice(1)).toEqual([
    { kind: 'applied', client: bot, seq: 1 },
    { kind: 'dropped', units: [[bot, 2, 3, 2]] },
  ]);
});

test('a unit that comes after goes its way, and the next host hears of both', () => {
  const { host, take, typed } = world();
  const { say } = host();
  say(unit(bot, 1, 'one\r'), unit(bot, 2, 'two\r'), { kind: 'drop', clients: null }, unit(bot, 3, 'three\r'), unit(bot, 2, 'two\r'));
  take(6);
  expect(typed()).toBe('three\r');
  expect(ledgerOf(host().heard)).toEqual([[bot, { accepted: 3, applied: 3, dropped: [[1, 2, 0]] }]]);
});

test('with nothing to take back there is an answer all the same', () => {
  const { heard, say } = world().host();
  say({ kind: 'drop', clients: [bot] });
  expect(heard.slice(1)).toEqual([{ kind: 'dropped', units: [] }]);
});
