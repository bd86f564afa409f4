/**
 * A snapshot and the bytes after it make the terminal that all bytes made: compared cell by cell, with all hidden
 * state, on random output and on that of real programs.
 */
import { describe, expect, test } from 'vitest';
import { ScreenTerminal } from '../../main/host/screen/screen-terminal.ts';
import { DEFAULT_COLORS } from '../../main/host/screen/terminal-colors.ts';
import { takeSnapshot } from '../../main/host/screen/terminal-state.ts';
import { internalsOf } from '../../main/host/screen/xterm-internals.ts';
import type { Offset } from '../../main/protocol/ids.ts';
import { compareTerminals } from './compare-terminals.ts';
import { RandomStream, randomFrom } from './random-streams.ts';
import { type Recording, record } from './recordings.ts';
import { newTerminal, type TestTerminal } from './terminals.ts';

const START = { cols: 80, rows: 24 };

function newScreen(size: { cols: number; rows: number }): ScreenTerminal {
  return new ScreenTerminal({ offset: 0 as Offset, size, snapshot: null, colors: DEFAULT_COLORS });
}

function compare(actual: TestTerminal, expected: TestTerminal, scrollback: number): string[] {
  actual.repairs.settle();
  expected.repairs.settle();
  return compareTerminals(actual.terminal, expected.terminal, { scrollback });
}

/** The one thing a snapshot changes: an empty last cell in front of which the next character wraps becomes a space. */
function hasEmptyCorner({ terminal }: TestTerminal): boolean {
  const { buffers, cols } = internalsOf(terminal);
  const { active } = buffers;
  return (
    active.x >= cols &&
    terminal.buffer.active
      .getLine(active.ybase + active.y)
      ?.getCell(cols - 1)
      ?.getChars() === ''
  );
}

type Case = { seed: number; size: { cols: number; rows: number }; bytes: Uint8Array; cut: number };

/** Differences right after the snapshot, and after the rest of the output. */
function differences({ size, bytes, cut }: Case): { differences: string[]; isExcused: boolean } {
  const screen = newScreen(size);
  const fresh = newTerminal(size);
  const whole = newTerminal(size);
  try {
    screen.take(bytes.subarray(0, cut));
    const { offset, text } = screen.snapshot(size.rows);
    fresh.write(text);
    whole.write(bytes.subarray(0, offset));
    const isExcused = hasEmptyCorner(whole);
    const after = compare(fresh, whole, size.rows);
    if (after.length > 0) return { differences: after.map((each) => `after the snapshot: ${each}`), isExcused };
    fresh.write(bytes.subarray(offset));
    whole.write(bytes.subarray(offset));
    return { differences: compare(fresh, whole, size.rows).map((each) => `after the rest: ${each}`), isExcused };
  } finally {
    screen.dispose();
    fresh.terminal.dispose();
    whole.terminal.dispose();
  }
}

function randomCase(seed: number, isHostile: boolean): Case {
  const random = randomFrom(seed);
  const size = { cols: 10 + Math.floor(random() * 30), rows: 3 + Math.floor(random() * 10) };
  const stream = new RandomStream(random, size);
  const count = stream.number(5, 120);
  const bytes = isHostile ? stream.hostile(count) : new TextEncoder().encode(stream.valid(count));
  return { seed, size, bytes, cut: stream.number(0, bytes.length) };
}

test.each([
  ['every sequence the terminal knows', false],
  ['garbage between', true],
])(
  '1000 random streams, cut at random: %s',
  (_, isHostile) => {
    let excused = 0;
    for (let seed = 1; seed <= 1000; seed++) {
      const result = differences(randomCase(seed, isHostile));
      if (result.isExcused) excused++;
      else expect(result.differences, `seed ${seed}`).toEqual([]);
    }
    expect(excused).toBeLessThan(10);
  },
  60_000,
);

/** The letter in each cell left of `cols`, which lines go on, and where the cursor is. */
function letters({ terminal }: TestTerminal, cols: number) {
  const { active } = terminal.buffer;
  const rows = Array.from({ length: terminal.rows }, (_, row) => active.getLine(active.baseY + row));
  const letter = (text: string) => [...text][0] ?? '';
  return {
    cells: rows.map((line) => Array.from({ length: cols }, (_, col) => letter(line?.getCell(col)?.getChars() ?? ''))),
    wraps: rows.slice(1).map((line) => line?.isWrapped),
    cursor: [active.cursorX, active.cursorY],
  };
}

test('500 random streams as screens that are too much for an answer: without colours each letter is in its place', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const { size, bytes } = randomCase(seed, false);
    const whole = newTerminal(size);
    whole.write(bytes);
    for (const plainCols of [size.cols, Math.ceil(size.cols / 2)]) {
      const taken = takeSnapshot(internalsOf(whole.terminal), { scrollback: 0, plainCols });
      const plain = newTerminal(size);
      plain.write(taken?.text ?? '');
      // A wide character may be cut in two.
      expect(letters(plain, plainCols - 1), `seed ${seed}, ${plainCols} of ${size.cols} columns`).toEqual(letters(whole, plainCols - 1));
      plain.terminal.dispose();
    }
    whole.terminal.dispose();
  }
});

describe('real programs', () => {
  /** Takes snapshots at random places, and compares at each, and at the end. */
  function check({ output, resizes }: Recording, { cuts = 25, seed = 1 } = {}): void {
    expect(output.length).toBeGreaterThan(200);
    const random = randomFrom(seed);
    const at = Array.from({ length: cuts }, () => Math.floor(random() * output.length)).sort((a, b) => a - b);
    const screen = newScreen(START);
    const whole = newTerminal(START);
    const clients: { terminal: TestTerminal; from: number }[] = [];
    let fed = 0;
    const feedTo = (end: number) => {
      if (end <= fed) return;
      screen.take(output.subarray(fed, end));
      fed = end;
    };
    let parsed = 0;
    /** The reference, and the clients, see bytes only up to where the screen is. */
    const follow = () => {
      whole.write(output.subarray(parsed, screen.offset));
      for (const client of clients) client.terminal.write(output.subarray(Math.max(client.from, parsed), screen.offset));
      parsed = screen.offset;
    };
    let next = 0;
    for (const cut of [...at, output.length]) {
      for (let resize = resizes[next]; resize && resize.offset <= cut; resize = resizes[++next]) {
        feedTo(resize.offset);
        follow();
        screen.resize(resize);
        for (const { terminal } of [whole, ...clients.map((client) => client.terminal)]) terminal.resize(resize.cols, resize.rows);
      }
      feedTo(cut);
      follow();
      const { offset, text, size } = screen.snapshot(24);
      expect(offset).toBe(parsed);
      const client = { terminal: newTerminal(size, { scrollback: 5000 }), from: offset };
      client.terminal.write(text);
      clients.push(client);
      expect(compare(client.terminal, whole, 24), `at ${offset} of ${output.length}`).toEqual([]);
    }
    for (const { terminal, from } of clients) expect(compare(terminal, whole, 0), `in the end, attached at ${from}`).toEqual([]);
    screen.dispose();
    for (const { terminal } of [whole, ...clients.map((client) => client.terminal)]) terminal.dispose();
  }

  test('vim: editing, searching, splitting, leaving', async () => {
    check(
      await record(
        ['vim', '-u', 'NONE', '-N', '-c', 'set number hlsearch ruler showcmd mouse=a | syntax on', 'text'],
        [
          { until: 'line 5', type: 'ihello 漢字\x1b' },
          { until: 'hello', type: '/line 7\r' },
          { until: 'line 7', type: ':split\r' },
          { until: 'text', type: '\x06\x06dd' },
          { until: 'line', type: ':q!\r' },
          { until: /text|line/, type: ':q!\r' },
          { until: '[?1049l' },
        ],
      ),
    );
  });

  test('less: paging, and back to the screen before', async () => {
    check(
      await record(
        ['sh', '-c', 'echo before; less text; echo after'],
        [
          { until: 'line 12', type: ' ' },
          { until: 'line 25', type: 'G' },
          { until: 'line 199', type: '?line 9\r' },
          { until: 'line 9', type: 'q' },
          { until: 'after' },
        ],
      ),
    );
  });

  test('htop, resized', async () => {
    const { output, resizes } = await record(
      ['htop', '-d', '3'],
      [{ until: 'PID', resize: { cols: 100, rows: 30 } }, { until: 'PID', type: 't' }, { until: 'Help', type: 'q' }, { until: '[?1049l' }],
    );
    check({ output, resizes });
  });

  test('tmux inside, with a split', async () => {
    check(
      await record(
        ['tmux', '-f', '/dev/null', '-u', '-L', `cmdop-${process.pid}`, 'new-session', 'sh'],
        [
          { until: /[#$] /, type: 'ls -la /; printf "\\033[31mred\\033[0m 漢字\\n"\r' },
          // By command: keys that come as fast as ours are pasted text to tmux, not its prefix key.
          { until: 'red', type: 'tmux split-window\r' },
          { until: /[#$] /, type: 'seq 1 100\r' },
          { until: '100', type: 'tmux kill-server\r' },
          { until: /exited|\[\?1049l/ },
        ],
      ),
    );
  });

  test('a shell: colours, a progress bar, wide and combining characters, emoji, scroll regions', async () => {
    const script = String.raw`
      for i in $(seq 1 60); do printf '\r\033[K\033[32mBuilding\033[0m [%-40s] %d%%' "$(printf '%*s' $((i * 40 / 60)) '' | tr ' ' '#')" $((i * 100 / 60)); done; echo
      printf '漢字かな交じり文 e\314\201a\314\210 👩‍👩‍👧 🇩🇪 ½ — …\n%.0s' 1 2 3 4 5
      printf '\033[48;5;%dm \033[38;2;%d;100;200mx' $(seq 0 199); printf '\033[0m\n'
      printf '\033[5;15r\033[15;1H'; seq 1 40; printf '\033[r\033[24;1H'
      printf '\033]8;;https://example.org\033\\link\033]8;;\033\\ \033[4:3;58:2::255:0:0mcurly\033[0m\n'
      printf '%s' "$(yes wrap | head -100 | tr '\n' ' ')"; echo
      printf '\033(0lqqqk\033(B\n'; printf '\033[?25l\033[3 q\033]2;a title\033\\'; seq 1 100; printf 'end\n'`;
    check(await record(['bash', '--norc', '-c', script], [{ until: 'end' }]), { cuts: 60 });
  });
});

describe('a snapshot', () => {
  test('holds as many lines above the screen as asked for', () => {
    const screen = newScreen({ cols: 20, rows: 5 });
    screen.take(new TextEncoder().encode(Array.from({ length: 100 }, (_, line) => `line ${line}`).join('\r\n')));
    const { text, line, scrollback } = screen.snapshot(10);
    expect({ line, scrollback }).toEqual({ line: 95, scrollback: 10 });
    const { terminal, write } = newTerminal({ cols: 20, rows: 5 });
    write(text);
    expect(terminal.buffer.normal.getLine(0)?.translateToString(true)).toBe('line 85');
  });

  test('has fewer lines above the screen where all would be too much, and is none where the screen alone is', () => {
    const { terminal, write } = newTerminal({ cols: 20, rows: 5 });
    write(Array.from({ length: 100 }, (_, line) => `\x1b[3${line % 8}mline ${line}`).join('\r\n'));
    const core = internalsOf(terminal);
    const all = takeSnapshot(core, { scrollback: 95 });
    const some = takeSnapshot(core, { scrollback: 95, maxBytes: 1000 });
    expect([all?.scrollback, (all?.text.length ?? 0) > 1000, (some?.text.length ?? 0) <= 1000]).toEqual([95, true, true]);
    expect(some?.scrollback).toBeGreaterThan(15);
    const fresh = newTerminal({ cols: 20, rows: 5 });
    fresh.write(some?.text ?? '');
    expect(compareTerminals(fresh.terminal, terminal, { scrollback: some?.scrollback ?? 0 })).toEqual([]);
    expect(takeSnapshot(core, { scrollback: 95, maxBytes: 50 })).toBe(null);
  });

  test('ends a sequence its terminal is in the middle of, and shows a cursor that was hidden', () => {
    const screen = newScreen(START);
    screen.take(new TextEncoder().encode('hello'));
    const fresh = newTerminal(START);
    fresh.write('\x1b[?25l\x1b]2;never ended');
    fresh.terminal.reset();
    fresh.write(screen.snapshot(0).text);
    const whole = newTerminal(START);
    whole.write('hello');
    expect(compare(fresh, whole, 0)).toEqual([]);
  });

  test('of a flooded screen of 80 × 24 with 24 lines above takes under 3 ms', () => {
    const screen = newScreen(START);
    screen.take(
      new TextEncoder().encode('\x1b[32mINFO\x1b[0m some line with \x1b[1;33mcolours\x1b[0m in it and a number 42\r\n'.repeat(500)),
    );
    for (let round = 0; round < 50; round++) screen.snapshot(24);
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 20; round++) {
      const from = performance.now();
      screen.snapshot(24);
      best = Math.min(best, performance.now() - from);
    }
    expect(best).toBeLessThan(3);
  });
});

describe('comparing terminals', () => {
  test.each([
    ['a character', 'a', 'b', 'row 0 col 0'],
    ['a colour', '\x1b[31ma', '\x1b[32ma', 'row 0 col 0'],
    ['an underline style', '\x1b[4ma', '\x1b[4:3ma', 'row 0 col 0'],
    ['a link', '\x1b]8;;u\x07a\x1b]8;;\x07', 'a', 'row 0 col 0'],
    ['an empty cell and a space', ' ', '\x1b[C', 'row 0 col 0'],
    ['where the cursor is', '\x1b[2;2H', '\x1b[2;3H', 'active'],
    ['whether the next character wraps', 'x'.repeat(80), `${'x'.repeat(80)}\b\x1b[C`, 'active'],
    ['the saved cursor', '\x1b[5;5H\x1b7\x1b[H', '', 'active'],
    ['tab stops', '\x1b[3g', '', 'active'],
    ['the scroll region', '\x1b[2;5r', '', 'active'],
    ['a character set', '\x1b)0', '', 'charsets'],
    ['mouse encoding', '\x1b[?1006h', '', 'privateModes'],
    ['the shape of the cursor', '\x1b[5 q', '', 'cursorShape'],
    ['the pen', '\x1b[1m', '', 'pen'],
  ])('sees %s', (_, left, right, where) => {
    const [a, b] = [newTerminal(START), newTerminal(START)];
    a.write(left);
    b.write(right);
    expect(compare(a, b, 0).join('\n')).toContain(where);
  });
});
