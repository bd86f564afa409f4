/** The filter of a sketch: never without what it was made of, seldom with anything else, and none where it would tell nothing. */
import { expect, test } from 'vitest';
import { mayHold, placesOf, sketchOf } from '../../main/host/sketches/sketch.ts';
import { randomFrom } from '../contract/random-streams.ts';

test('a sketch holds what its text holds, and says so of little else', () => {
  const text = Buffer.from(Array.from({ length: 20_000 }, (_, n) => `${n * 7919} module-${n % 97}.ts ok\n`).join(''));
  const filter = sketchOf([text]);
  const asks = (word: string) => mayHold(filter, placesOf([Buffer.from(word)]) ?? new Uint32Array(0));
  expect([asks('module-96.ts ok'), asks(`${19_999 * 7919}`)]).toEqual([true, true]);
  expect(['connection refused', 'segmentation fault', 'panic: runtime', 'never printed'].filter(asks)).toEqual([]);
  expect(placesOf([Buffer.from('ab')])).toBeNull();
});

test('bytes without any order give a sketch that excludes nothing, and takes no room', () => {
  const random = randomFrom(1);
  const filter = sketchOf([Uint8Array.from({ length: 2 * 1024 * 1024 }, () => 32 + random() * 224)]);
  expect(filter.length).toBe(0);
  expect(mayHold(filter, placesOf([Buffer.from('anything')]) ?? new Uint32Array(0))).toBe(true);
});
