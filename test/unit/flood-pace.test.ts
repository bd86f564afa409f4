/** A flood waits for clients that read steadily, and for nobody else. */
import { expect, test } from 'vitest';
import { ReaderRate } from '#session/reader-rate.ts';
import { mustWait, type Reader } from '../../main/host/flood-pace.ts';

const MIB = 1024 * 1024;
const reader = (behindMiB: number, recentMiB: number, isBeginning = false): Reader => ({
  behindBytes: behindMiB * MIB,
  recentBytes: recentMiB * MIB,
  isBeginning,
});

test.each<[string, boolean, Reader[]]>([
  ['waits for its only client, which reads steadily and lags', true, [reader(3, 4)]],
  ['waits for ten that share the machine', true, Array.from({ length: 10 }, (_, n) => reader(n === 3 ? 3 : 0, n === 3 ? 0.3 : 0.5))],
  ['waits for one that has just begun', true, [reader(3, 0.25, true)]],
  ['goes on while nobody lags', false, [reader(1, 4), reader(0, 8)]],
  ['goes on without one that takes nothing', false, [reader(8, 0), reader(0, 8)]],
  ['goes on without one that is much slower than another', false, [reader(8, 2), reader(0, 8)]],
  ['goes on without a lone slow one', false, [reader(8, 0.2)]],
  ['goes on when nobody is there', false, []],
])('it %s', (_name, expected, readers) => {
  expect(mustWait(readers, false)).toBe(expected);
});

test('once it waits it goes on only when the client has nearly all', () => {
  expect(mustWait([reader(1, 4)], true)).toBe(true);
  expect(mustWait([reader(0.4, 4)], true)).toBe(false);
});

test('a rate is of the last quarter of a second or the one before, and begins after two quiet seconds', () => {
  const rate = new ReaderRate();
  rate.took(100, 1_000);
  expect([rate.recentBytes(1_100), rate.isBeginning(1_100)]).toEqual([100, true]);
  rate.took(50, 1_300);
  expect([rate.recentBytes(1_300), rate.isBeginning(1_300)]).toEqual([100, false]);
  expect(rate.recentBytes(1_600)).toBe(50);
  expect(rate.recentBytes(2_500)).toBe(0);
  rate.took(10, 3_200);
  expect(rate.isBeginning(3_200)).toBe(false);
  rate.took(10, 6_000);
  expect(rate.isBeginning(6_000)).toBe(true);
});
