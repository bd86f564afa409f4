/** What every match of a search surely holds: of texts and expressions as much as is certain, and never more. */
import { describe, expect, test } from 'vitest';
import type { Sought } from '../../main/host/search/matcher.ts';
import { QuickLook } from '../../main/host/search/quick-look.ts';
import { certainRuns } from '../../main/host/sketches/certain-text.ts';

const sought = (text: string, options: Partial<Sought> = {}): Sought => ({ text, regex: false, ignoreCase: false, ...options });

describe('what is certain', () => {
  const certain = (text: string, options: Partial<Sought> = {}) =>
    certainRuns(sought(text, options), { isFolded: true }).map((run) => Buffer.from(run).toString());
  const inExpression = (text: string, ignoreCase = false) => certain(text, { regex: true, ignoreCase });

  test('of a text is all of it, with small letters', () => expect(certain('Port 80: Größe')).toEqual(['port 80: größe']));
  test('without regard to case is what has none, or one that is simple', () => {
    expect(certain('Größe', { ignoreCase: true })).toEqual(['gr', 'e']);
    expect(certain('漢字 K', { ignoreCase: true })).toEqual(['漢字 k']);
  });
  test('of half a character, or of what stands for broken ones, is nothing', () => {
    expect(certain('ab\ud83dcd\ufffdef')).toEqual(['ab', 'cd', 'ef']);
  });
  test.each([
    ['error: \\d+ files', ['error: ', ' files']],
    ['^foo$', ['foo']],
    ['ab+c', ['a', 'c']],
    ['abc?d', ['ab', 'd']],
    ['abc{0,2}d', ['ab', 'd']],
    ['ab{x', []],
    ['foo(bar|baz)qux', ['foo', 'qux']],
    ['foo(bar)*qux', ['foo', 'qux']],
    ['foo|bar', []],
    ['foo[a-z|]+bar', ['foo', 'bar']],
    ['foo[]a]bar', []],
    ['foo[[:alpha:]]bar', []],
    ['(?i)foo', []],
    ['foo(?:x)', []],
    ['\\Qa|b\\E', []],
    ['\\x41bc', []],
    ['\\pLfoo', []],
    ['1\\.2\\|3', ['1.2|3']],
    ['foo(\\)|x)bar', ['foo', 'bar']],
    ['foo\\', []],
    ['fo*?o', ['f', 'o']],
  ])('of the expression %s is %j', (expression, runs) => expect(inExpression(expression)).toEqual(runs));
});

test('a quick look is fooled by neither colours nor capitals', () => {
  const raw = Buffer.from('\x1b[31mConn\x1b[0mection \u017fecret\r\n');
  expect(new QuickLook(sought('Connection')).mayHold(raw)).toBe(true);
  expect(new QuickLook(sought('connection')).mayHold(raw)).toBe(false);
  expect(new QuickLook(sought('CONNECTION SECRET', { ignoreCase: true })).mayHold(raw)).toBe(true);
});
