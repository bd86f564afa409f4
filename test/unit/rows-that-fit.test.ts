/** Answers stay below what a frame holds, with what somebody must see in them first. */
import { expect, test } from 'vitest';
import { newestThatFit, oldestThatFit, urgentThatFit } from '../../main/host/screen/rows-that-fit.ts';

const row = (id: number, state: 'pending' | 'approved', characters: number) => ({ id, state, text: 'x'.repeat(characters) });
const ids = (rows: { id: number }[]) => rows.map(({ id }) => id);

test('few rows are all there', () => {
  const rows = [row(1, 'approved', 10), row(2, 'pending', 10)];
  expect([oldestThatFit(rows), newestThatFit(rows), urgentThatFit(rows, () => false)]).toEqual([rows, rows, rows]);
});

test('of too many, the oldest or the newest', () => {
  const rows = Array.from({ length: 10 }, (_, id) => row(id, 'approved', 200_000));
  expect(ids(oldestThatFit(rows))).toEqual([0, 1, 2]);
  expect(ids(newestThatFit(rows))).toEqual([7, 8, 9]);
});

test('what was decided gives way to what waits', () => {
  const rows = [row(1, 'approved', 300_000), row(2, 'pending', 300_000), row(3, 'approved', 300_000), row(4, 'pending', 10)];
  expect(ids(urgentThatFit(rows, ({ state }) => state === 'pending'))).toEqual([2, 3, 4]);
});
