/** What a program asks its terminal never reaches a person's terminal; everything else does, byte for byte, at once. */
import { describe, expect, test } from 'vitest';
import { QueryFilter } from '../../main/attach/query-filter.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const shown = (...chunks: string[]) => {
  const filter = new QueryFilter();
  return Buffer.concat(chunks.map((chunk) => filter.push(bytes(chunk)))).toString();
};

const QUERIES: Record<string, string> = {
  DA1: '\x1b[c',
  'DA1 with a parameter': '\x1b[0c',
  DA2: '\x1b[>c',
  DA3: '\x1b[=c',
  DECID: '\x1bZ',
  'DSR status': '\x1b[5n',
  'DSR cursor': '\x1b[6n',
  DECXCPR: '\x1b[?6n',
  'colour scheme': '\x1b[?996n',
  DECREQTPARM: '\x1b[1x',
  'DECRQM ansi': '\x1b[4$p',
  'DECRQM private': '\x1b[?2026$p',
  XTVERSION: '\x1b[>0q',
  'kitty flags': '\x1b[?u',
  'sixel limits': '\x1b[?1;1;0S',
  'key modifiers': '\x1b[?4m',
  'window size in pixels': '\x1b[14t',
  'window size in cells': '\x1b[18t',
  'window title': '\x1b[21t',
  checksum: '\x1b[1;1;1;1;1;1*y',
  'C1 form of DA1': '\u009bc',
  'foreground colour': '\x1b]10;?\x07',
  'background colour, ST': '\x1b]11;?\x1b\\',
  'palette entry': '\x1b]4;1;?\x07',
  'C1 form of the background': '\u009d11;?\u009c',
  'clipboard read': '\x1b]52;c;?\x07',
  'clipboard write': '\x1b]52;c;aGk=\x07',
  DECRQSS: '\x1bP$qm\x1b\\',
  XTGETTCAP: '\x1bP+q544e\x1b\\',
  'kitty graphics': '\x1b_Gi=1,a=q;AAAA\x1b\\',
  'cell size of iTerm2': '\x1b]1337;ReportCellSize\x07',
  ENQ: '\x05',
};

describe.each(Object.entries(QUERIES))('%s', (_, query) => {
  test('is removed, whole', () => expect(shown(`a${query}b`)).toBe('ab'));

  test('is removed wherever it is cut', () => {
    const whole = bytes(`a${query}b`);
    for (let at = 1; at < whole.length; at++) {
      const filter = new QueryFilter();
      const got = Buffer.concat([filter.push(whole.subarray(0, at)), filter.push(whole.subarray(at))]).toString();
      expect(got).toBe('ab');
    }
  });

  test('leaves the filter at rest', () => {
    const filter = new QueryFilter();
    filter.push(bytes(query));
    expect(filter.isWhole).toBe(true);
  });
});

const PASSED: Record<string, string> = {
  colours: '\x1b[1;38;2;1;2;3mx\x1b[0m',
  'cursor style': '\x1b[2 q',
  'alternate screen and mouse': '\x1b[?1049h\x1b[?1000;1006h',
  'kitty flags pushed and popped': '\x1b[>1u\x1b[<u',
  'modifyOtherKeys set': '\x1b[>4;2m',
  'title stack': '\x1b[22;0t\x1b[23;0t',
  'scroll region and scrolling': '\x1b[2;9r\x1b[3S',
  'saved cursor': '\x1b7\x1b8\x1b[s\x1b[u',
  charset: '\x1b(0lqk\x1b(B',
  title: '\x1b]0;a ? title\x07',
  'colours set': '\x1b]11;#000000\x07\x1b]4;1;rgb:00/00/00\x1b\\\x1b]104\x07',
  'link with a ?': '\x1b]8;;http://a/?b;?\x1b\\x\x1b]8;;\x1b\\',
  'folder report': '\x1b]7;file://h/tmp\x07',
  sixel: '\x1bPq#0;2;0;0;0~~\x1b\\',
  'plain Unicode': 'naïve Â° 日本語 👩‍👩‍👧 ÿ',
  'a rectangle filled': '\x1b[88;1;1;2;2$x',
  'an aborted sequence': '\x1b[5\x18n',
};

test.each(Object.entries(PASSED))('%s pass unchanged, however they are cut', (_, text) => {
  const whole = bytes(text);
  for (let size = 1; size <= whole.length; size++) {
    const filter = new QueryFilter();
    const got: Uint8Array[] = [];
    for (let at = 0; at < whole.length; at += size) got.push(filter.push(whole.subarray(at, at + size)));
    expect(Buffer.concat(got).toString()).toBe(text);
    expect(filter.isWhole).toBe(true);
  }
});

test('plain text before an unfinished sequence is shown at once', () => {
  const filter = new QueryFilter();
  expect(Buffer.from(filter.push(bytes('hello\x1b[')).buffer, 0, 5).toString()).toBe('hello');
  expect(filter.isWhole).toBe(true); // nothing of it was shown
});

test('a chunk without controls is handed on as it is', () => {
  const chunk = bytes('plain text\r\nof two lines');
  expect(new QueryFilter().push(chunk)).toBe(chunk);
});

test('a sequence that never ends is not held for ever, and questions beyond what is held are no way out', () => {
  expect(shown(`a\x1b]4;${'1;?;'.repeat(5000)}?\x07b`)).toBe('ab');
  expect(shown(`a\x1b[${'0'.repeat(50_000)}cb`)).toBe('ab');
  const palette = `\x1b]4;${Array.from({ length: 256 }, (_, i) => `${i};rgb:0000/0000/0000`).join(';')}\x07`;
  expect(shown(palette)).toBe(palette);
});

test('many long colour sequences take no longer than other output', () => {
  const flood = bytes(`\x1b]4;${'1;rgb:00/00/00;'.repeat(500)}\x07`.repeat(100));
  const from = performance.now();
  new QueryFilter().push(flood);
  expect(performance.now() - from).toBeLessThan(1000);
});

test('a long picture streams through', () => {
  const filter = new QueryFilter();
  filter.push(bytes('\x1bPq'));
  expect(filter.push(bytes('~'.repeat(100))).length).toBe(100);
});

test('a character cut in half keeps the filter from being at rest', () => {
  const filter = new QueryFilter();
  const wide = bytes('日');
  filter.push(wide.subarray(0, 2));
  expect(filter.isWhole).toBe(false);
  filter.push(wide.subarray(2));
  expect(filter.isWhole).toBe(true);
});

test('controls inside a removed question still act', () => expect(shown('\x1b[5\nn')).toBe('\n'));

/** What a terminal does that reads strings as xterm does: an ESC or a C1 control ends one and begins the next. */
const CLIPBOARD = '52;c;aGk=\x07';
const SMUGGLED: Record<string, string> = {
  'in a title that is broken off': `\x1b]0;x\x1b]${CLIPBOARD}`,
  'in a title broken off by a C1 control': `\x1b]0;x\u009d${CLIPBOARD}`,
  'in a picture that is broken off': `\x1bPq~~\x1b]${CLIPBOARD}`,
  'in a message': `\x1b^x\x1b]${CLIPBOARD}`,
  'after half a character': `\xc2\x1b]${CLIPBOARD}`,
  'by a number with zeros in front': `\x1b]0${CLIPBOARD}`,
  'by a number with controls in it': `\x1b]5\x002;c;aGk=\x07`,
  "in tmux's passthrough": `\x1bPtmux;\x1b\x1b]${CLIPBOARD}\x1b\\`,
  'in another encoding': `\x1b%@\x9d52;c;aGk=\x9c`,
  "by iTerm2's own sequence": '\x1b]1337;Copy=:aGk=\x07',
};

test.each(Object.entries(SMUGGLED))('the clipboard is not written %s', (_, text) => {
  const whole = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const encoded = text.includes('\u009d') ? bytes(text) : whole;
  for (let size = 1; size <= encoded.length; size++) {
    const filter = new QueryFilter();
    let got = '';
    for (let at = 0; at < encoded.length; at += size) got += Buffer.from(filter.push(encoded.subarray(at, at + size))).toString('latin1');
    expect(got).not.toMatch(/(52|1337);|%@/);
  }
});

test('what is broken off is not completed by what follows a removed question', () => {
  expect(shown('a\x1b[\x1b[ccb')).toBe('acb');
  expect(shown('\x1b[3\x1b[1mA')).toBe('\x1b[1mA');
});

const BEYOND_TEXT: Record<string, string> = {
  'a question with a DEL in it': '\x1b[\x7fc',
  'a question after a broken one': '\x1b[\u009bc',
  'a size asked with zeros in front': '\x1b[018t',
  'the window made small': '\x1b[2t',
  VT52: '\x1b[?2l',
  Tektronix: '\x1b[?38h',
  'the keyboard locked': '\x1b[2h',
  'Windows key forms': '\x1b[?9001h',
  '8-bit controls from the keyboard': '\x1b G',
  'keys that type what a program said': '\x1bP0;1|17/6c73\x1b\\',
  'the printer': '\x1b[5i',
  'a log file': '\x1b]46;/tmp/x\x07',
  "vim's calls": '\x1b]51;["call","Tapi_x",[]]\x07',
  "ConEmu's commands": '\x1b]9;7;"cmd"\x07',
};

test.each(Object.entries(BEYOND_TEXT))('%s: nothing reaches the terminal', (_, text) => expect(shown(`a${text}b`)).toBe('ab'));

test('of several modes set at once, those that draw are', () => expect(shown('\x1b[?25;2;9001l')).toBe('\x1b[?25l'));
