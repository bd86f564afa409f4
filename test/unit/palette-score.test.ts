/** The command palette chooses what was meant. */
import { expect, test } from 'vitest';
import { paletteScore } from '../../renderer/text/palette-score.ts';

const SESSION = ['tests', '/tmp/kept/vital', 'sleep 1000'];

test('letters strewn over a name choose nothing', () => {
  expect(paletteScore('kill', SESSION)).toBe(0);
  expect(paletteScore('kill', ['Kill session…'])).toBe(1);
});

test('a name that begins so comes before a word that does, and that before a part', () => {
  const scores = ['session', 'rename session', 'obsession'].map((name) => paletteScore('session', [name]));
  expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  expect(new Set(scores).size).toBe(3);
});

test('the name counts more than the folder, and the folder more than the command', () => {
  expect(paletteScore('tests', SESSION)).toBeGreaterThan(paletteScore('kept', SESSION));
  expect(paletteScore('kept', SESSION)).toBeGreaterThan(paletteScore('1000', SESSION));
});

test('every word must be there, in any order and case', () => {
  expect(paletteScore('SESSION new', ['New session'])).toBeGreaterThan(0);
  expect(paletteScore('new window', ['New session'])).toBe(0);
});

test('signs are taken as they are', () => {
  expect(paletteScore('a.c', ['abc'])).toBe(0);
  expect(paletteScore('(the', ['Close tab (the session goes on)'])).toBeGreaterThan(0);
});
