/** A flood stays close to clients that read steadily, waits for them, and for nobody else. */
import { describe, expect, test } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { ReaderRate } from '#session/reader-rate.ts';
import { allowedBytes, FloodPace, type Reader } from '../../main/host/output/flood-pace.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const reader = (behindMiB: number, recentMiB: number, more: Partial<Reader> = {}): Reader => ({
  behindBytes: behindMiB * MIB,
  recentBytes: recentMiB * MIB,
  isBeginning: false,
  isNear: false,
  isIdle: false,
  ...more,
});
const near = (behindMiB: number, recentMiB: number, more: Partial<Reader> = {}) => reader(behindMiB, recentMiB, { isNear: true, ...more });

test.each<[string, Reader[]]>([
  ['its only client, which reads steadily and lags', [reader(3, 4)]],
  ['a window on this machine that draws slowly', [near(0.2, 0.1)]],
  ['the fastest of two', [reader(3, 4), reader(3, 2.5)]],
  ['one that has just begun', [reader(3, 0.02, { isBeginning: true })]],
  ['one that has not taken anything yet', [near(0.6, 0, { isBeginning: true })]],
])('it waits for %s', (_name, readers) => {
  expect(allowedBytes(readers).fastest).toBe(0);
});

test.each<[string, Reader[]]>([
  ['nobody lags', [reader(0.1, 4), reader(0, 8)]],
  ['one takes nothing', [reader(8, 0), reader(0, 8)]],
  ['one was stopped before it took anything', [reader(5, 0, { isBeginning: true }), reader(0, 8, { isBeginning: true })]],
  ['one is much slower than another', [reader(8, 2), reader(0, 8)]],
  ['one of many lags a little', Array.from({ length: 10 }, (_, n) => reader(n === 3 ? 3 : 0, n === 3 ? 0.3 : 0.5))],
  ['a lone one is slow', [reader(8, 0.02)]],
  ['nobody is there', []],
])('it goes on while %s', (_name, readers) => {
  const { fastest, steady } = allowedBytes(readers);
  expect(fastest).toBeGreaterThan(0);
  expect(steady).toBeGreaterThan(0);
});

test('it is ahead of a near client by 20 ms of what that takes, by 16 KiB of a slow one, and of any other by 2 MiB', () => {
  expect(allowedBytes([near(0, 5)]).fastest).toBe(Math.floor(0.4 * MIB));
  expect(allowedBytes([near(0.25, 10)]).fastest).toBe(Math.floor(0.8 * MIB) - 0.25 * MIB);
  expect(allowedBytes([near(0, 0.1)]).fastest).toBe(16 * KIB);
  expect(allowedBytes([near(0, 100)]).fastest).toBe(2 * MIB);
  expect(allowedBytes([reader(0.5, 1)]).fastest).toBe(1.5 * MIB);
});

test('it is allowed whole bytes, since what is acknowledged is an offset', () => {
  expect(Number.isInteger(allowedBytes([near(0, 9_999_999 / MIB)]).fastest)).toBe(true);
});

test('where nobody is waited for, everything stored is acknowledged', () => {
  expect(allowedBytes([reader(8, 0.02)]).steady).toBe(Number.POSITIVE_INFINITY);
});

/** What is acknowledged of 100 MiB in the end, of which `lagging` has taken nothing for so long, in turns of 10 ms. */
function acknowledgedAfter(ms: number, readers: Reader[]): number {
  let [now, acknowledged] = [10_000, 0];
  const end = 100 * MIB;
  const pace = new FloodPace({ readers: () => readers, end: () => end as Offset, now: () => now });
  const ack = (offset: Offset) => {
    acknowledged = offset;
  };
  pace.from({ ack, limit: () => {} }, 0 as Offset);
  pace.stored(end as Offset);
  for (const until = now + ms; now < until; now += 10) pace.settle();
  pace.dispose();
  return acknowledged - (end - 2 * MIB);
}

test('a steady client that lags far is waited for half a second, which costs the fastest no more than that', () => {
  const lagging = [reader(4, 4), reader(0, 5, { isIdle: true })];
  expect(acknowledgedAfter(400, lagging)).toBe(0);
  expect(acknowledgedAfter(600, lagging)).toBe(2 * MIB);
});

test('it is waited for without end while the fastest has something to read all the same', () => {
  expect(acknowledgedAfter(5_000, [reader(4, 4), reader(0.1, 5)])).toBe(0);
});

describe('where little can be withheld, the keeper is told a limit', () => {
  function newPace(acknowledged: number, readers: Reader[]) {
    const told: ['ack' | 'limit', number | null][] = [];
    const world = { end: acknowledged, readers, told, now: 10_000 };
    const pace = new FloodPace({ readers: () => world.readers, end: () => world.end as Offset, now: () => world.now });
    pace.from({ ack: (offset) => told.push(['ack', offset]), limit: (offset) => told.push(['limit', offset]) }, acknowledged as Offset);
    return { world, pace };
  }
  const idle = () => near(0, 0, { isIdle: true, isBeginning: true });

  test('from where a near client joins, in steps, until as much is withheld as is wanted', () => {
    const { world, pace } = newPace(10 * MIB, [idle()]);
    pace.joined();
    expect(world.told).toEqual([['limit', 10 * MIB + 32 * KIB]]);
    // Echoes are told nobody.
    for (let n = 0; n < 100; n++) {
      world.end += 10;
      pace.stored(world.end as Offset);
    }
    expect(world.told).toHaveLength(1);
    world.readers = [near(0, 0.1)];
    for (let n = 0; n < 200; n++) {
      world.end += 16 * KIB;
      pace.stored(world.end as Offset);
      pace.settle();
    }
    const limits = world.told.flatMap(([kind, offset]) => (kind === 'limit' ? [offset] : []));
    expect(limits.at(-1)).toBe(null);
    expect(limits.slice(0, -1).length).toBeGreaterThan(50);
    expect(world.told.at(-1)).toEqual(['ack', world.end + 16 * KIB - 2 * MIB]);
    // At each moment either holds the program: what was acknowledged, or the limit.
    let [acknowledged, limit] = [10 * MIB, Number.POSITIVE_INFINITY];
    const ahead = world.told.map(([kind, offset]) => {
      if (kind === 'ack') acknowledged = offset ?? 0;
      else limit = offset ?? Number.POSITIVE_INFINITY;
      return Math.min(acknowledged + 2 * MIB, limit) - 10 * MIB;
    });
    expect(ahead.every((each, at) => each - (ahead[at - 1] ?? 0) <= 64 * KIB)).toBe(true);
    pace.dispose();
  });

  test('until no near client is there any more', () => {
    const { world, pace } = newPace(0, [idle()]);
    pace.joined();
    world.readers = [];
    pace.settle();
    expect(world.told).toEqual([
      ['limit', 32 * KIB],
      ['limit', null],
    ]);
    pace.dispose();
  });

  test('and not for clients that are not near', () => {
    const { world, pace } = newPace(0, [reader(0, 0, { isIdle: true })]);
    pace.joined();
    expect(world.told).toEqual([]);
    pace.dispose();
  });
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

test('it begins anew when there is something to take after there was nothing, and a stopped client does not begin again', () => {
  const rate = new ReaderRate();
  rate.offered(true, 1_000);
  rate.offered(true, 1_200);
  expect([rate.isBeginning(1_200), rate.isBeginning(1_300)]).toEqual([true, false]);
  rate.offered(true, 9_000);
  expect(rate.isBeginning(9_000)).toBe(false);
  rate.offered(false, 9_100);
  rate.offered(true, 9_200);
  expect(rate.isBeginning(9_200)).toBe(true);
});
