/** Answers stay below what a frame holds, with what somebody must see in them first. */
import { expect, test } from 'vitest';
import { cutToFit, newestThatFit, oldestThatFit, urgentThatFit } from '../../main/host/screen/rows-that-fit.ts';

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

test('rows of text that are too much together are all there, the longest of them cut', () => {
  const rows = ['short', 'é'.repeat(5_000), '', '"'.repeat(5_000), 'x'.repeat(400), '😀'.repeat(5_000)];
  const limit = 6_000;
  const fitted = cutToFit(rows.length, (index) => rows[index] ?? '', limit);
  expect(fitted.isCut).toBe(true);
  expect(Buffer.byteLength(JSON.stringify(fitted.rows))).toBeLessThanOrEqual(limit);
  expect(Buffer.byteLength(JSON.stringify(fitted.rows))).toBeGreaterThan(limit - 50);
  fitted.rows.forEach((fit, index) => {
    const whole = rows[index] ?? '';
    if (whole.length <= 400) expect(fit).toBe(whole);
    else expect([whole.startsWith(fit.slice(0, -1)), fit.at(-1), fit.isWellFormed()]).toEqual([true, '…', true]);
  });
  expect(cutToFit(rows.length, (index) => rows[index] ?? '')).toEqual({ rows, isCut: false });
});
