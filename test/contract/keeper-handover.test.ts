/** What a keeper sends to the next host when the last one had stored output and died before it said so. */
import { expect, test } from 'vitest';
import { systemClock } from '#local/clock.ts';
import type { Offset } from '#protocol/ids.ts';
import { Keeper } from '../../main/keeper/keeper.ts';
import { encodeToKeeper, FromKeeperDecoder } from '../../main/keeper/wire.ts';

const MIB = 1024 * 1024;

/** A host that counts; `end` is where the output it got ends. */
function host(keeper: Keeper, from: number) {
  const decoder = new FromKeeperDecoder();
  const state = {
    end: from,
    say: (message: Parameters<typeof encodeToKeeper>[0]) => link.received(encodeToKeeper(message)),
  };
  const link = keeper.connected({
    write: (bytes) => {
      for (const message of decoder.push(bytes)) if (message.kind === 'output') state.end = message.offset + message.bytes.length;
      return true;
    },
    cork: () => {},
    uncork: () => {},
    destroy: () => {},
  });
  state.say({ kind: 'hello', wire: 1, from: from as Offset });
  return state;
}

test('output goes on once the next host has acknowledged what it found stored', () => {
  const keeper = new Keeper({ session: 's', meta: {}, cols: 80, rows: 24 }, { released: () => {}, after: systemClock.after });
  for (let n = 0; n < 3; n++) keeper.output(new Uint8Array(MIB));
  const first = host(keeper, 0);
  expect(first.end).toBe(2 * MIB); // no more than a host may have unacknowledged
  const second = host(keeper, first.end);
  second.say({ kind: 'ack', offset: first.end as Offset });
  expect(second.end).toBe(3 * MIB);
});
