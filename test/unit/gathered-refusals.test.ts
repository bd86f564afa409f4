/** However often a guest asks for what it may not have, it is told in a few words, and nothing of it is lost or hidden. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { askedText, GatheredRefusals } from '#local/gathered-refusals.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const world = () => {
  const told: string[] = [];
  const gathered = new GatheredRefusals();
  const ask = (guest: string, sort: string, asked = sort) =>
    gathered.note({ guest, sort, asked, tell: (what, count) => told.push(`${guest} ${what} ×${count}`) });
  return { told, gathered, ask };
};

test('the first is told at once, the others ten seconds later in one', () => {
  const { told, ask } = world();
  for (let n = 0; n < 200; n++) ask('ben', 'a command', `id ${n}`);
  expect(told).toEqual(['ben id 0 ×1']);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual(['ben id 0 ×1', 'ben id 199 ×199']);
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveLength(2);
  ask('ben', 'a command', 'again');
  expect(told.at(-1)).toBe('ben again ×1');
});

test('who makes up ever new sorts gets no more records for it, and every one is counted', () => {
  const { told, gathered, ask } = world();
  for (let n = 0; n < 5000; n++) ask('ben', `sort ${n}`);
  ask('cleo', 'a command');
  expect(told).toHaveLength(10);
  expect(told.at(-1)).toBe('cleo a command ×1');
  gathered.dispose();
  expect(told).toHaveLength(11);
  expect(told.at(-1)).toBe('ben sort 4999 ×4991');
});

test('what was asked is one line in which all shows, and has an end', () => {
  expect(askedText('rm -rf /\r\n\x1b[2J\u202e')).toBe('rm -rf /‹Enter›‹newline›‹Esc›[2J‹U+202E›');
  expect([...askedText('👩'.repeat(100_000))]).toHaveLength(200);
  expect([...askedText('\u200b'.repeat(100_000))]).toHaveLength(200);
});
