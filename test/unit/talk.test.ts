/** What people say and point at: cleaned, bounded, written in a line of its own, found again in another terminal. */
import { describe, expect, test } from 'vitest';
import { TalkLine } from '../../main/attach/talk-line.ts';
import { parseLines } from '../../main/cli/talking/talk.ts';
import { saidText, TalkPace } from '../../main/host/guests/said-text.ts';
import { pointedPlace } from '../../main/session/pointed-place.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('a message', () => {
  test.each([
    ['look at this', 'look at this'],
    ['two\nlines\tand  blanks ', 'two lines and blanks'],
    ['\x1b]0;title\x07red \x1b[31mtext', ']0;titlered [31mtext'],
    ['from \u202eevil\u2069 side', 'from evil side'],
    [`z${'\u0300'.repeat(50)}`, `z${'\u0300'.repeat(3)}`],
    ['日本 👍', '日本 👍'],
  ])('%j is told as %j', (text, told) => expect(saidText(text)).toBe(told));

  test('is cut where it is too long', () => {
    expect([...saidText('ä'.repeat(4000))]).toHaveLength(500);
    expect(saidText('ä'.repeat(4000))).toMatch(/…$/);
  });

  test('of nothing that shows is refused', () => expect(() => saidText('\u200b\x07 \n')).toThrow('empty'));

  test('five at once, then one a second, for each person', () => {
    const pace = new TalkPace();
    for (let n = 0; n < 5; n++) pace.take('ann', 0);
    expect(() => pace.take('ann', 500)).toThrow('too many');
    pace.take('ben', 500);
    pace.take('ann', 1000);
    expect(() => pace.take('ann', 1000)).toThrow('too many');
  });
});

describe('the line to talk in', () => {
  test('Enter sends what was typed, however it came', () => {
    const line = new TalkLine();
    expect(line.push(bytes('helo'))).toEqual({ is: 'changed' });
    line.push(bytes('\x7flo \x1b[200~all\x1b[201~'));
    expect(line.push(bytes('\r'))).toEqual({ is: 'done', text: 'hello all', chosen: null });
  });

  test.each(['\x1b', '\x03', '\r', '\x1b[27u'])('%j leaves an empty one', (key) =>
    expect(new TalkLine().push(bytes(key))).toEqual({ is: 'cancelled' }),
  );

  test('arrows choose lines, counted from the last', () => {
    const line = new TalkLine();
    line.push(bytes('\x1b[A\x1bOA\x1b[1;2A\x1b[1;2A'));
    expect(line.chosen).toEqual({ from: 4, to: 2 });
    line.push(bytes('\x1b[B'));
    expect(line.chosen).toEqual({ from: 3, to: 1 });
    line.push(bytes('\x1b[B'));
    expect(line.chosen).toBe(null);
  });

  test('what no key of it is does nothing', () => {
    const line = new TalkLine();
    line.push(bytes('a\x1b[<35;1;1M\x1bOP\x07\x1b[24~b'));
    expect(line.text).toBe('ab');
  });
});

describe('lines that are pointed at', () => {
  const screen = (text: string[]) => ({ length: text.length, text: (line: number) => text[line] ?? '' });

  test('are where they were meant', () => expect(pointedPlace(screen(['a', 'b', 'a', 'b']), { lines: ['a', 'b'], expected: 2 })).toBe(2));
  test('are found where more was printed since', () =>
    expect(pointedPlace(screen(['x', 'a', 'b', 'c', 'd']), { lines: ['a', 'b'], expected: 3 })).toBe(1));
  test('that are gone are nowhere', () => expect(pointedPlace(screen(['x', 'y']), { lines: ['a'], expected: 1 })).toBe(null));
  test('that were told in part are found by it', () =>
    expect(pointedPlace(screen(['long line here']), { lines: ['long line'], expected: 0 })).toBe(0));

  test('are written as -5..-1 or 1..5', () => {
    expect(parseLines('-5..-1')).toEqual({ last: { from: 5, to: 1 } });
    expect(parseLines('3')).toEqual({ from: 2, to: 2 });
    for (const wrong of ['', '0', 'x', '-2..3', '1...2']) expect(() => parseLines(wrong)).toThrow('are no lines');
  });
});
