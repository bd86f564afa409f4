import { describe, expect, test } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { cutOutput, type Place, pairRecord } from '../../renderer/terminal/output-marks.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const at = (offset: number) => offset as Offset;
const shown = (pieces: ReturnType<typeof cutOutput>) =>
  pieces.map(({ bytes: piece, end, kind }) => [new TextDecoder().decode(piece), end, kind]);

describe('output is cut at the places that matter', () => {
  test('output without marks stays whole', () => {
    expect(shown(cutOutput({ from: at(100), bytes: bytes('hello'), wanted: [] }))).toEqual([['hello', 105, 'chunk']]);
  });

  test('a piece ends right before each mark, so that the cursor is where the shell meant it', () => {
    const pieces = cutOutput({ from: at(0), bytes: bytes('$ \x1b]133;B\x07ls\r\n\x1b]133;C;k=1\x07out\r\n\x1b]133;D;0\x07'), wanted: [] });
    expect(shown(pieces)).toEqual([
      ['$ ', 2, 'input'],
      ['\x1b]133;B\x07ls\r\n', 14, 'start'],
      ['\x1b]133;C;k=1\x07out\r\n', 31, 'end'],
      ['\x1b]133;D;0\x07', 41, 'chunk'],
    ]);
  });

  test('a piece ends at the offsets of known records, and only within the output', () => {
    const pieces = cutOutput({ from: at(10), bytes: bytes('abcdef'), wanted: [at(10), at(12), at(16), at(90)] });
    expect(shown(pieces)).toEqual([
      ['ab', 12, 'chunk'],
      ['cdef', 16, 'chunk'],
    ]);
  });

  test('other escape sequences cut nothing', () => {
    expect(cutOutput({ from: at(0), bytes: bytes('\x1b[31mred\x1b]0;title\x07\x1b'), wanted: [] })).toHaveLength(1);
  });
});

describe('a record finds its lines', () => {
  const place = (offset: number, kind: Place['kind']): Place => ({ offset: at(offset), kind });

  test('from where its command line began to where its output ended', () => {
    const places = [place(0, 'chunk'), place(20, 'input'), place(30, 'start'), place(90, 'end'), place(110, 'input')];
    expect(pairRecord({ from: at(48), to: at(90) }, places)).toEqual({ start: places[1], end: places[3] });
  });

  test('of several prompt marks, as a redrawn prompt leaves them, the last one counts', () => {
    const places = [place(10, 'input'), place(40, 'input'), place(60, 'start'), place(80, 'end')];
    expect(pairRecord({ from: at(60), to: at(80) }, places).start).toBe(places[1]);
  });

  test('a running command has no end', () => {
    const places = [place(20, 'input'), place(30, 'start'), place(70, 'chunk')];
    expect(pairRecord({ from: at(30), to: null }, places)).toEqual({ start: places[0], end: null });
  });

  test('the prompt of the command before is not taken for this one', () => {
    const places = [place(10, 'input'), place(20, 'start'), place(30, 'end'), place(50, 'start'), place(60, 'end')];
    expect(pairRecord({ from: at(50), to: at(60) }, places).start).toBe(places[3]);
  });

  test('without marks, the nearest known places around its output', () => {
    const places = [place(0, 'chunk'), place(100, 'chunk'), place(900, 'chunk'), place(1_000, 'chunk')];
    expect(pairRecord({ from: at(130), to: at(880) }, places)).toEqual({ start: places[1], end: places[2] });
  });

  test('of two quick commands each takes its own marks', () => {
    const places = [place(10, 'input'), place(20, 'start'), place(21, 'end'), place(40, 'input'), place(50, 'start'), place(51, 'end')];
    expect(pairRecord({ from: at(20), to: at(21) }, places)).toEqual({ start: places[0], end: places[2] });
    expect(pairRecord({ from: at(50), to: at(51) }, places)).toEqual({ start: places[3], end: places[5] });
  });
});
