/** Which checkpoints go: never the newest of a folder, never what people asked for before what made itself. */
import { expect, test } from 'vitest';
import { type BytePath, isWanted, meantPath, shownPath } from '../../main/host/checkpoints/byte-path.ts';
import { beyondBytes, beyondCount, forgotten, type Keepable, MAX_UNASKED } from '../../main/host/checkpoints/checkpoint-plan.ts';

const made = (id: number, reason: Keepable['reason'] = 'agent', folder = '/a', at = id): Keepable => ({ id, folder, at, reason });

test('of many that made themselves the oldest go, some at once, and those that were asked for stay', () => {
  const few = Array.from({ length: MAX_UNASKED }, (_, at) => made(at + 1));
  expect(beyondCount(few)).toBeNull();
  const many = [made(1, 'asked'), ...Array.from({ length: 100 }, (_, at) => made(at + 2))];
  const going = beyondCount(many);
  expect(going?.has(1)).toBe(false);
  expect(going?.size).toBe(100 - 1 - MAX_UNASKED);
  expect(going?.has(2)).toBe(true);
  expect(going?.has(101)).toBe(false);
});

test('where all take too much, the oldest of the biggest folder go, and its newest never', () => {
  const sizes = [
    { folder: '/a', bytes: 100, kept: [made(1, 'asked'), made(2), made(3), made(4), made(5)] },
    { folder: '/b', bytes: 900, kept: [made(6, 'agent', '/b')] },
  ];
  expect(beyondBytes(sizes, 1_000)).toBeNull();
  expect(beyondBytes(sizes, 999)).toEqual(new Set([2]));
  expect(beyondBytes([{ folder: '/b', bytes: 900, kept: [made(6, 'agent', '/b')] }], 10)).toBeNull();
});

test('what made itself is forgotten where nothing was made for a season', () => {
  const day = 24 * 60 * 60 * 1000;
  const all = [made(1, 'agent', '/old', 0), made(2, 'asked', '/old', 0), made(3, 'agent', '/new', 100 * day)];
  expect(forgotten(all, 100 * day)).toEqual(new Set([1]));
});

test('a name of any bytes is shown as git shows it, and meant again by what was shown', () => {
  for (const path of ['plain.txt', 'line\nbreak', 'caf\xe9', '"quoted"', 'back\\slash', 'tab\t\x01'] as BytePath[])
    expect(meantPath(shownPath(path))).toBe(path);
  expect(shownPath('caf\xe9' as BytePath)).toBe('"caf\\351"');
  expect(shownPath('caf\xc3\xa9' as BytePath)).toBe('café');
  expect(isWanted('src/a' as BytePath, ['src' as BytePath])).toBe(true);
  expect(isWanted('src2/a' as BytePath, ['src' as BytePath])).toBe(false);
});
