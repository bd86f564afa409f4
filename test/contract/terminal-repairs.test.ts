/** What xterm.js 6.0 does wrong, and what every terminal of cmdop does instead. */
import { createRequire } from 'node:module';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import headless from '@xterm/headless';
import { describe, expect, test } from 'vitest';
import { TerminalFeed } from '../../main/client/terminal-feed.ts';
import { MAX_CELL_TEXT } from '../../main/session/terminal-cells.ts';
import { MAX_LINKS } from '../../main/session/terminal-links.ts';
import { unfinishedBytes } from '../../main/session/utf8-tail.ts';
import { newTerminal } from './terminals.ts';

const SIZE = { cols: 20, rows: 5 };
const ERASE_FROM_LAST_CELL = '\x1b[5;20H\x1b[1J';

function unrepaired(xterm = headless) {
  const terminal = new xterm.Terminal({ ...SIZE, allowProposedApi: true, logLevel: 'off' });
  const input = Reflect.get(Reflect.get(terminal, '_core'), '_inputHandler');
  return { terminal, write: (text: string) => input.parse(new TextEncoder().encode(text)) };
}

/** xterm.js once more: what bounds its cells does so for all terminals of a copy. */
function untouchedXterm(): typeof headless {
  const require = createRequire(import.meta.url);
  const file = require.resolve('@xterm/headless');
  delete require.cache[file];
  return require(file) as typeof headless;
}

test('erasing above from the last cell throws in xterm.js, and erases here', () => {
  expect(() => unrepaired().write(ERASE_FROM_LAST_CELL)).toThrow('isWrapped');
  const { terminal, write } = newTerminal(SIZE);
  write(`text${ERASE_FROM_LAST_CELL}x`);
  expect(terminal.buffer.active.getLine(0)?.translateToString(true)).toBe('');
  expect(terminal.buffer.active.getLine(4)?.translateToString(true)).toBe(`${' '.repeat(19)}x`);
});

test('protected text survives selective erasing from the last cell', () => {
  const { terminal, write } = newTerminal(SIZE);
  write('\x1b[1"qkept\x1b[0"qgone\x1b[5;20H\x1b[?1J');
  expect(terminal.buffer.active.getLine(0)?.translateToString(true)).toBe('kept');
});

describe('a restored cursor', () => {
  const scrolled = '\x1b[2;3H\x1b7\x1b[5;1H\n\n\x1b8';

  test('is in the row of the screen where it was saved, however much scrollback there is', () => {
    for (const scrollback of [0, 1, 1000]) {
      const { terminal, write } = newTerminal(SIZE, { scrollback });
      write(scrolled);
      expect([terminal.buffer.active.cursorY, terminal.buffer.active.cursorX]).toEqual([1, 2]);
    }
  });

  test('does not open a link again that was closed', () => {
    const { terminal, write } = newTerminal(SIZE);
    write('\x1b]8;;https://a.example\x07\x1b7a\x1b]8;;\x07\x1b8b\x1b[4mc');
    expect(terminal.buffer.active.getLine(0)?.getCell(0)?.isUnderline()).toBe(0);
    expect(terminal.buffer.active.getLine(0)?.getCell(1)?.isUnderline()).toBeTruthy();
  });
});

describe('links', () => {
  const link = (target: string) => `\x1b]8;;https://${target}.example\x07x\x1b]8;;\x07`;
  const linksOf = (terminal: object) => Reflect.get(Reflect.get(Reflect.get(terminal, '_core'), '_oscLinkService'), '_dataByLinkId');

  test('drawn again and again on one line are remembered up to a bound, the newest of them', () => {
    const { terminal, write } = newTerminal(SIZE);
    for (let n = 0; n <= MAX_LINKS * 2; n++) write(`\r${link(`a${n}`)}`);
    const targets = [...linksOf(terminal).values()].map(({ data }: { data: { uri: string } }) => data.uri);
    expect(targets).toHaveLength(MAX_LINKS);
    expect(targets.at(-1)).toBe(`https://a${MAX_LINKS * 2}.example`);
  });

  test('are forgotten at a reset, as their text is; xterm.js keeps them for ever', () => {
    const plain = unrepaired();
    plain.write(`${link('a')}\x1bc`);
    expect(linksOf(plain.terminal).size).toBe(1);
    const { terminal, write } = newTerminal(SIZE);
    write(`${link('a')}\x1b[?1049h${link('b')}\x1bc`);
    expect(linksOf(terminal).size).toBe(0);
  });
});

describe('combining characters', () => {
  const cellsOf = (terminal: InstanceType<typeof headless.Terminal>) =>
    Array.from({ length: SIZE.cols }, (_, col) => {
      const cell = terminal.buffer.active.getLine(0)?.getCell(col);
      return [cell?.getChars(), cell?.getWidth()];
    });

  test.each([
    ['Hindi', 'क्षत्रिय हिन्दी'],
    ['Thai', 'ที่นี่ น้ำ'],
    ['Vietnamese', 'Tiếng Việt'.normalize('NFD')],
    ['Hebrew with points', 'בְּרֵאשִׁ֖ית'],
    ['a family', '👨🏽‍👩🏽‍👧🏽'],
    ['skin tones', '👍🏽👋🏿'],
    ['flags', '🇩🇪🇫🇷🏴󠁧󠁢󠁥󠁮󠁧󠁿'],
    ['variation selectors', '❤️☎️1️⃣'],
    ['thirty in a row', `e${'\u0301\u0323'.repeat(15)}x`],
  ])('of ordinary text are as in xterm.js, cell by cell: %s', (_, text) => {
    const { terminal, write } = newTerminal(SIZE);
    const plain = unrepaired(untouchedXterm());
    plain.terminal.loadAddon(new Unicode11Addon());
    plain.terminal.unicode.activeVersion = '11';
    for (const each of [write, plain.write]) each(text);
    expect(cellsOf(terminal)).toEqual(cellsOf(plain.terminal));
  });

  test.each([
    ['e', 'e'],
    ['a wide character', '漢'],
    ['a character that is two units long', '😀'],
  ])('without end on %s are shown up to a bound, and the text goes on', (_, base) => {
    const { terminal, write } = newTerminal(SIZE);
    const printed = `${base}${'\u0301'.repeat(100_000)}`;
    for (let at = 0; at < printed.length; at += 997) write(printed.slice(at, at + 997));
    write('x');
    expect(terminal.buffer.active.getLine(0)?.translateToString(true)).toBe(`${printed.slice(0, MAX_CELL_TEXT)}x`);
  });

  test('beyond the Basic Multilingual Plane are never cut in two', () => {
    const { terminal, write } = newTerminal(SIZE);
    write(`e${'\u{e0101}'.repeat(1000)}x`);
    const shown = terminal.buffer.active.getLine(0)?.translateToString(true) ?? '';
    expect(shown).toBe(`e${'\u{e0101}'.repeat((MAX_CELL_TEXT - 1) >> 1)}x`);
  });
});

describe('a character cut in two', () => {
  test('is lost by xterm.js, and kept by a feed', async () => {
    const bytes = new TextEncoder().encode('a…b—c “d” 漢 😀');
    const feed = newTerminal(SIZE);
    const terminalFeed = new TerminalFeed(feed.terminal);
    const parsed: Promise<void>[] = [];
    for (const byte of bytes) parsed.push(new Promise((resolve) => terminalFeed.output(Uint8Array.of(byte), resolve)));
    await Promise.all(parsed);
    expect(feed.terminal.buffer.active.getLine(0)?.translateToString(true)).toBe('a…b—c “d” 漢 😀');

    const plain = unrepaired();
    const input = Reflect.get(Reflect.get(plain.terminal, '_core'), '_inputHandler');
    for (const byte of new TextEncoder().encode('a…b')) input.parse(Uint8Array.of(byte));
    expect(plain.terminal.buffer.active.getLine(0)?.translateToString(true)).toBe('ab');
  });

  test.each([
    ['nothing', [], 0],
    ['text', [0x61], 0],
    ['a whole character', [0xe2, 0x80, 0xa6], 0],
    ['two bytes of three', [0x61, 0xe2, 0x80], 2],
    ['three bytes of four', [0xf0, 0x9f, 0x98], 3],
    ['one byte of two', [0xc3], 1],
    ['continuations without a begin', [0x80, 0x80, 0x80, 0x80], 0],
    ['a byte that is never legal', [0xff], 0],
  ])('%s', (_, bytes, count) => {
    expect(unfinishedBytes(Uint8Array.from(bytes))).toBe(count);
  });
});

test.each([...'STLMIZb'])('CSI 2147483647 %s is done in no time, and as often as it makes a difference', (final) => {
  const shown = (count: number) => {
    const { terminal, write } = newTerminal(SIZE, { scrollback: 0 });
    write(`one\r\ntwo\r\nthree\x1b[2;2Hx\x1b[${count}${final}`);
    const { active } = terminal.buffer;
    return [active.cursorX, active.cursorY, ...Array.from({ length: 5 }, (_, row) => active.getLine(row)?.translateToString())];
  };
  const from = performance.now();
  expect(shown(2_147_483_647)).toEqual(shown(SIZE.cols * SIZE.rows));
  expect(performance.now() - from).toBeLessThan(1000);
});
