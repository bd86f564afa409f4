/** Turns of many: a few at once, then at a pace, first come first, and none for who has left. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Turns } from '#local/turns.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Everybody asks now; `order`: whose turn came, as it comes. */
function asking(names: readonly string[], options: { fromBothEnds?: boolean } = {}) {
  const turns = new Turns({ now: () => Date.now(), everyMs: 2, atOnce: 16, ...options });
  const order: string[] = [];
  const all = names.map((name) => ({ name }));
  for (const who of all) {
    const turn = turns.wait(who);
    if (turn) void turn.then(() => order.push(who.name));
    else order.push(who.name);
  }
  return { turns, order, all };
}

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);

test('of a crowd a few have their turn at once, and the others one after the other as they came', async () => {
  const { order } = asking(numbered(100));
  expect(order).toEqual(numbered(16));
  await vi.advanceTimersByTimeAsync(100);
  expect(order).toEqual(numbered(order.length));
  expect(order.length).toBeGreaterThan(16 + 40);
  expect(order.length).toBeLessThanOrEqual(16 + 51);
  await vi.advanceTimersByTimeAsync(100);
  expect(order).toEqual(numbered(100));
});

test('who has left takes no turn from those behind', async () => {
  const { turns, order, all } = asking(numbered(60));
  for (const who of all.slice(16, 59)) turns.left(who);
  await vi.advanceTimersByTimeAsync(4);
  expect(order).toEqual([...numbered(16), '59']);
});

test('nobody who comes later passes those who wait', async () => {
  const { turns, order } = asking(numbered(20));
  await vi.advanceTimersByTimeAsync(3); // there is a turn again, for the first of those who wait
  void turns.wait({})?.then(() => order.push('late'));
  await vi.advanceTimersByTimeAsync(100);
  expect(order).toEqual([...numbered(20), 'late']);
});

test('from both ends the last who came and the first have their turns alternately', async () => {
  const { order } = asking(numbered(22), { fromBothEnds: true });
  await vi.advanceTimersByTimeAsync(100);
  expect(order).toEqual([...numbered(16), '21', '16', '20', '17', '19', '18']);
});
