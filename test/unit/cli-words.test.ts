/** The words of the command line: times, keys, quoting, tables, plain text, and where a command begins. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { typedLine } from '#client/shell-prompt.ts';
import { PlainText } from '#session/plain-text.ts';
import { cellWidth } from '../../main/attach/cells.ts';
import { sentenceFor } from '../../main/cli/connect.ts';
import { parseKey } from '../../main/cli/keys.ts';
import { makeProgram, splitCommand } from '../../main/cli/program.ts';
import { commandLine } from '../../main/cli/shell-words.ts';
import { formatTable } from '../../main/cli/table.ts';
import { parseDuration, parseSince, showAge, showDuration } from '../../main/cli/times.ts';

describe('times', () => {
  const now = new Date(2026, 10, 22, 15, 0, 0).getTime();
  test.each([
    ['10m', now - 600_000],
    ['1h30m', now - 5_400_000],
    ['2d', now - 172_800_000],
    ['90s ago', now - 90_000],
    ['today', new Date(2026, 10, 22).getTime()],
    ['yesterday', new Date(2026, 10, 21).getTime()],
    ['14:30', new Date(2026, 10, 22, 14, 30).getTime()],
    ['2026-11-20', new Date(2026, 10, 20).getTime()],
    ['2026-11-20 08:15', new Date(2026, 10, 20, 8, 15).getTime()],
    ['2026-11-20T08:15:00Z', Date.UTC(2026, 10, 20, 8, 15)],
  ])('since %j', (text, time) => expect(parseSince(text, now)).toBe(time));

  test.each(['', 'soon', '25:00', '12:60', '2026-13-01', '2026-02-30', '5', '-5m', 'm'])('since %j is none', (text) =>
    expect(parseSince(text, now)).toBeNull(),
  );

  test('durations', () => {
    expect([parseDuration('30'), parseDuration('1.5s'), parseDuration('250ms'), parseDuration('1x')]).toEqual([30_000, 1_500, 250, null]);
    expect([400, 12_000, 250_000, 7_500_000, 277_200_000].map(showDuration)).toEqual(['0.4s', '12s', '4m10s', '2h05m', '3d05h']);
    expect([0, 59_000, 60_000, 7_200_000, 200_000_000].map(showAge)).toEqual(['0s', '59s', '1m', '2h', '2d']);
  });
});

describe('keys', () => {
  test.each([
    ['ctrl-\\', '\x1c', 'Ctrl-\\'],
    ['C-]', '\x1d', 'Ctrl-]'],
    ['^^', '\x1e', 'Ctrl-^'],
    ['Ctrl-A', '\x01', 'Ctrl-A'],
    ['ctrl-space', '\0', 'Ctrl-Space'],
  ])('%s', (text, form, name) => {
    const key = parseKey(text);
    expect(key.forms[0]).toBe(form);
    expect(key.name).toBe(name);
  });

  test.each(['', 'x', 'alt-x', 'ctrl-', 'ctrl-xy', 'ctrl-c', 'ctrl-m', 'ctrl-[', 'ctrl-é'])('%j is refused', (text) =>
    expect(() => parseKey(text)).toThrow(/key|cannot be used/),
  );
});

describe('a command as a line', () => {
  test('one word is a line already', () => expect(commandLine(['a | b "c"'], '/bin/bash')).toBe('a | b "c"'));

  test('several words come out of every shell as they went in', () => {
    const words = ['printf', '%s\\n', 'a b', "it's", '"', '$HOME `x` !', '*', '', '\\', "\\'", '~', 'é', '-n', 'x=1'];
    for (const shell of ['bash', 'zsh', 'fish', 'sh']) {
      const { stdout } = spawnSync(shell, ['-c', commandLine(words, shell)], { encoding: 'utf8' });
      expect([shell, stdout]).toEqual([shell, `${words.slice(2).join('\n')}\n`]);
    }
  });

  test('only lines with breaks are pasted, and cannot end the paste themselves', () => {
    expect(typedLine('ls', true)).toBe('ls\r');
    expect(typedLine('a\nb', false)).toBe('a\nb\r');
    expect(typedLine('a\nb\x1b[201~c', true)).toBe('\x1b[200~a\nbc\x1b[201~\r');
  });
});

describe('tables', () => {
  const columns = [
    { title: 'NAME', shrink: 'end' as const },
    { title: 'AGE', align: 'right' as const },
    { title: 'PATH', shrink: 'start' as const },
  ];

  test('columns line up, also behind wide characters', () => {
    expect(
      formatTable(
        columns,
        [
          ['日本', '5s', '/a'],
          ['x', '10m', '/b'],
        ],
        Number.POSITIVE_INFINITY,
      ),
    ).toBe('NAME  AGE  PATH\n日本   5s  /a\nx     10m  /b\n');
  });

  test('what is too wide is shortened where it matters least', () => {
    const table = formatTable(columns, [['a-long-name-indeed', '5s', '/very/long/path/of/things']], 32);
    const [, row = ''] = table.split('\n');
    expect(row).toMatch(/^a-long.*… +5s {2}….*things$/);
    expect(cellWidth(row)).toBeLessThanOrEqual(32);
  });

  test('control characters in a name move nothing', () => {
    expect(formatTable([{ title: 'N' }], [['a\x1b[2Jb\nc']], 80)).toBe('N\na�[2Jb c\n');
  });
});

describe('plain text of output', () => {
  const output =
    '\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1bP$q\x1b\\日本\r\nnext\x1b(B\x1b[K\x07\r\n';
  test('has no control sequences and plain line ends, however it is cut', () => {
    const bytes = new TextEncoder().encode(output);
    for (let size = 1; size <= bytes.length; size++) {
      const plain = new PlainText();
      let text = '';
      for (let at = 0; at < bytes.length; at += size) text += plain.push(bytes.subarray(at, at + size));
      text += plain.push(new Uint8Array(0), true);
      expect(text).toBe('red link 日本\nnext\n');
    }
  });
});

test('what is behind -- belongs to new and run alone', () => {
  expect(splitCommand(['new', 'x', '--', 'a', '--', 'b'])).toEqual({ own: ['new', 'x'], command: ['a', '--', 'b'] });
  expect(splitCommand(['--as', 'new', 'run', 's', '--', 'ls', '-l'])).toEqual({ own: ['--as', 'new', 'run', 's'], command: ['ls', '-l'] });
  expect(splitCommand(['send', 'x', '--', '-text'])).toEqual({ own: ['send', 'x', '--', '-text'], command: null });
  expect(splitCommand(['new', 'x'])).toEqual({ own: ['new', 'x'], command: null });
});

describe('commands about this machine', () => {
  test.each(['key', 'join CODE', 'hosts', 'hosts add web', 'hosts install web', 'bridge', 'completions bash'])(
    '%s is refused with -H, and nothing is answered for the wrong machine',
    async (words) => {
      const run = makeProgram(null).parseAsync(['-H', 'devbox', ...words.split(' ')], { from: 'user' });
      const [name] = words.split(' ');
      await expect(run).rejects.toThrow(`\`${name}\` is about this machine: leave out -H devbox, or run it on devbox itself`);
    },
  );
});

test('what a host says of its commands is said as it is to be typed here', () => {
  const sentence = 'nobody reaches it: `cmdop host share-socket --group G`; theirs is `cmdop join CODE`';
  expect(sentenceFor({ host: 'devbox' }, sentence)).toBe(
    'nobody reaches it: `cmdop -H devbox host share-socket --group G`; theirs is `cmdop join CODE`',
  );
  expect(sentenceFor({}, sentence)).toBe(sentence);
});
