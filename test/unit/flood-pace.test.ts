/** A flood stays close to clients that read steadily, waits for them, and for nobody else. */
import { expect, test } from 'vitest';
import { ReaderRate } from '#session/reader-rate.ts';
import { allowedBytes, type Reader } from '../../main/host/flood-pace.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const reader = (behindMiB: number, recentMiB: number, isBeginning = false): Reader => ({
  behindBytes: behindMiB * MIB,
  recentBytes: recentMiB * MIB,
  isBeginning,
});

test.each<[string, Reader[]]>([
  ['its only client, which reads steadily and lags', [reader(3, 4)]],
  ['ten that share the machine', Array.from({ length: 10 }, (_, n) => reader(n === 3 ? 3 : 0, n === 3 ? 0.3 : 0.5))],
  ['one that has just begun', [reader(3, 0.25, true)]],
])('it waits for %s', (_name, readers) => {
  expect(allowedBytes(readers)).toBe(0);
});

test.each<[string, Reader[]]>([
  ['nobody lags', [reader(0.1, 4), reader(0, 8)]],
  ['one takes nothing', [reader(8, 0), reader(0, 8)]],
  ['one is much slower than another', [reader(8, 2), reader(0, 8)]],
  ['a lone one is slow', [reader(8, 0.2)]],
  ['nobody is there', []],
])('it goes on while %s', (_name, readers) => {
  expect(allowedBytes(readers)).toBeGreaterThan(0);
});

test('it is ahead of a client by 30 ms of what that takes, and by 128 KiB of a slow one', () => {
  expect(allowedBytes([reader(0, 10)])).toBe(Math.floor(1.2 * MIB));
  expect(allowedBytes([reader(0.25, 10)])).toBe(Math.floor(1.2 * MIB) - 0.25 * MIB);
  expect(allowedBytes([reader(0, 0.75)])).toBe(128 * KIB);
  expect(allowedBytes([reader(0, 100)])).toBe(2 * MIB);
});

test('it is allowed whole bytes, since what is acknowledged is an offset', () => {
  expect(Number.isInteger(allowedBytes([{ behindBytes: 0, recentBytes: 9_999_999, isBeginning: false }]))).toBe(true);
});

test('where nobody is waited for, everything stored is acknowledged', () => {
  expect(allowedBytes([reader(8, 0.2)])).toBe(Number.POSITIVE_INFINITY);
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
