/** The line of time that a replay is played on, and the line of a terminal that a search leads to. */
import { describe, expect, test } from 'vitest';
import { ReplayTime } from '../../renderer/replay/replay-time.ts';
import { findLine, type LineBuffer } from '../../renderer/terminal/find-line.ts';

describe('a replay', () => {
  const marks = [
    { offset: 0, at: 10_000 },
    { offset: 100, at: 10_500 },
    { offset: 200, at: 70_500 }, // a minute of silence before it
    { offset: 300, at: 71_000 },
  ];
  const line = (isIdleSkipped: boolean) => new ReplayTime({ marks, end: 400, endedAt: 71_000, isIdleSkipped });

  test('takes as long as the session did, or without its silences', () => {
    expect([line(false).duration, line(true).duration]).toEqual([61_000, 2_000]);
  });

  test('has printed at each time what had been printed then', () => {
    expect([0, 499, 500, 60_499, 60_500, 61_000].map((time) => line(false).offsetAt(time))).toEqual([100, 100, 200, 200, 300, 400]);
    expect([0, 499, 500, 1_499, 1_500, 2_000].map((time) => line(true).offsetAt(time))).toEqual([100, 100, 200, 200, 300, 400]);
  });

  test('finds the time of a place, and the moment of a time, both ways', () => {
    for (const isIdleSkipped of [false, true]) {
      const time = line(isIdleSkipped);
      expect([1, 100, 101, 250, 400].map((offset) => time.momentAt(time.timeOf(offset)))).toEqual([10_000, 10_000, 10_500, 70_500, 71_000]);
      expect(time.timeAt(70_500)).toBe(time.timeOf(201));
    }
    expect(line(true).timeAt(40_000)).toBe(1_500); // within the silence
  });

  test('goes to the next print and the one before', () => {
    const time = line(true);
    expect([time.step(0, 1), time.step(500, 1), time.step(2_000, 1), time.step(1_700, -1), time.step(0, -1)]).toEqual([
      500, 1_500, 2_000, 1_500, 0,
    ]);
  });

  test('of nothing has no time', () => {
    const none = new ReplayTime({ marks: [], end: 0, endedAt: 0, isIdleSkipped: true });
    expect([none.duration, none.offsetAt(0), none.timeOf(0), none.momentAt(0)]).toEqual([0, 0, 0, null]);
  });
});

describe('a line of output', () => {
  const buffer = (...rows: string[]): LineBuffer => ({
    length: rows.length,
    getLine: (row) => {
      const text = rows[row];
      return text === undefined ? undefined : { isWrapped: text.startsWith('↳'), translateToString: () => text.replace('↳', '') };
    },
  });

  test('is the last that says it, within the rows given', () => {
    const rows = buffer('error here', 'fine', 'error here', 'more');
    expect(findLine(rows, 'error', { first: 0, last: 3 })).toEqual({ row: 2, column: 0 });
    expect(findLine(rows, 'error', { first: 0, last: 1 })).toEqual({ row: 0, column: 0 });
    expect(findLine(rows, 'nowhere', { first: 0, last: 3 })).toBeNull();
  });

  test('is found where it wraps', () => {
    expect(findLine(buffer('a long li', '↳ne of out', '↳put', 'next'), 'line of output', { first: 0, last: 3 })).toEqual({
      row: 0,
      column: 7,
    });
  });
});
