/** The scanner against xterm.js' own parser and decoder: where one is in ground state, the other is. */
import { describe, expect, test } from 'vitest';
import { internalsOf } from '../../main/host/screen/xterm-internals.ts';
import type { Offset } from '../../main/protocol/ids.ts';
import { MAX_OSC_PAYLOAD_BYTES, type Osc, VtScanner } from '../../main/session/vt-scanner.ts';
import { RandomStream, randomFrom } from './random-streams.ts';
import { newTerminal } from './terminals.ts';

const SIZE = { cols: 20, rows: 5 };
const START = 0 as Offset;
const bytesOf = (text: string) => new TextEncoder().encode(text);

function scan(...chunks: (string | Uint8Array)[]): { ground: number; oscs: Osc[] } {
  const oscs: Osc[] = [];
  const scanner = new VtScanner({ offset: START, onOsc: (osc) => oscs.push(osc) });
  for (const chunk of chunks) scanner.push(typeof chunk === 'string' ? bytesOf(chunk) : chunk);
  return { ground: scanner.groundOffset, oscs };
}

/** A parser as xterm.js has it, and what it is in the middle of. */
function reference() {
  const { terminal, write } = newTerminal(SIZE);
  const { _inputHandler: input } = internalsOf(terminal);
  return {
    terminal,
    write,
    isGround: () => input._parser.currentState === 0 && input._utf8Decoder.interim.every((byte) => byte === 0),
  };
}

test('400 random streams, cut at random: ground exactly where xterm.js is in ground', () => {
  for (let seed = 1; seed <= 400; seed++) {
    const stream = new RandomStream(randomFrom(seed), SIZE);
    const bytes = stream.hostile(stream.number(1, 12));
    const scanner = new VtScanner({ offset: START });
    const inSteps = reference();
    let fed = 0;
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + stream.number(1, 7));
      const ground = scanner.push(bytes.subarray(at, end));
      at = end;
      // Fed only from ground to ground, it is in ground.
      inSteps.write(bytes.subarray(fed, ground));
      fed = ground;
      expect(inSteps.isGround(), `seed ${seed}: at ${ground}, said to be ground`).toBe(true);
      // The other way round: where it is in ground, nothing is kept waiting.
      const whole = reference();
      whole.write(bytes.subarray(0, end));
      expect(ground === end, `seed ${seed}: ground at ${end}`).toBe(whole.isGround());
      whole.terminal.dispose();
    }
    inSteps.terminal.dispose();
  }
}, 60_000);

test('every character in every state leads where it leads xterm.js', () => {
  const states = [
    '',
    '\x1b',
    '\x1b(',
    '\x1b[',
    '\x1b[1',
    '\x1b[ ',
    '\x1b[1?',
    '\x1b_',
    '\x1b]',
    '\x1bP',
    '\x1bP1',
    '\x1bP1?',
    '\x1bP ',
    '\x1bPq',
  ];
  const { write, isGround } = reference();
  for (const state of states) {
    for (let code = 0; code <= 0xa1; code++) {
      // Two more characters tell states apart that are not ground.
      for (const rest of ['', 'm', ' m', '\x07', '1?é', '?m', '\x1b\\']) {
        const sequence = state + String.fromCodePoint(code) + rest;
        write(sequence);
        const scanner = new VtScanner({ offset: START });
        const ground = scanner.push(bytesOf(sequence)) === scanner.end;
        expect(ground, JSON.stringify(sequence)).toBe(isGround());
        write('\x18\x1b\\'); // back to ground
      }
    }
  }
});

test('the same OSC sequences as xterm.js, wherever the stream is cut', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const stream = new RandomStream(randomFrom(seed), SIZE);
    const bytes = stream.hostile(40);
    const seen: [number, string][] = [];
    const { terminal, write } = newTerminal(SIZE);
    const codes = [0, 1, 2, 4, 7, 8, 10, 11, 12, 104, 112, 133, 777];
    for (const code of codes) terminal.parser.registerOscHandler(code, (payload) => seen.push([code, payload]) < 0);
    write(bytes);
    const found: [number, string][] = [];
    const scanner = new VtScanner({ offset: START, onOsc: ({ code, payload }) => codes.includes(code) && found.push([code, payload]) });
    for (let at = 0; at < bytes.length; ) {
      const end = at + stream.number(1, 9);
      scanner.push(bytes.subarray(at, end));
      at = end;
    }
    scanner.push(bytesOf('.')); // an OSC that ends in ESC is told with the byte after it
    expect(found, `seed ${seed}`).toEqual(seen);
    terminal.dispose();
  }
});

describe('OSC sequences', () => {
  test('tell their code, payload and place', () => {
    const { oscs } = scan('ab\x1b]133;C;x=1\x07cd', '\x1b]7;file://h/ä\x1b\\');
    expect(oscs).toEqual([
      { code: 133, payload: 'C;x=1', start: 2, end: 14 },
      { code: 7, payload: 'file://h/ä', start: 16, end: 33 },
    ]);
  });

  test('end with 8-bit ST, and with an ESC that begins the next sequence', () => {
    expect(scan('\x1b]2;a\u009c').oscs).toEqual([{ code: 2, payload: 'a', start: 0, end: 7 }]);
    expect(scan('\x1b]2;a\x1b[m').oscs).toEqual([{ code: 2, payload: 'a', start: 0, end: 6 }]);
  });

  test('are not told when aborted, too long, or without a number', () => {
    expect(scan('\x1b]2;a\x18', '\x1b]2;b\x1a', '\x1b]x;c\x07', '\x1b];d\x07').oscs).toEqual([]);
    expect(scan(`\x1b]52;${'a'.repeat(MAX_OSC_PAYLOAD_BYTES)}\x07`, '\x1b]2;next\x07').oscs.map(({ code }) => code)).toEqual([2]);
  });
});

describe('the ground offset', () => {
  test.each([
    ['plain text', 'hello', 5],
    ['inside a CSI', 'hello\x1b[3', 5],
    ['inside a character', new Uint8Array([0x61, 0xe2, 0x80]), 1],
    ['a character broken off by text', new Uint8Array([0x61, 0xe2, 0x62]), 3],
    ['inside a DCS', '\x1bPq#0', 0],
    ['behind a DCS', '\x1bPq#0\x1b\\', 7],
    ['behind a sequence that was aborted', '\x1b[3\x18', 4],
    ['inside an 8-bit CSI', '\u009b3', 0],
  ])('%s', (_, output, ground) => {
    expect(scan(output).ground).toBe(ground);
  });
});

test('plain text passes at 300 MB/s and more', () => {
  const text = bytesOf('The quick brown fox jumps over the lazy dog. 0123456789\r\n'.repeat(20_000));
  const scanner = new VtScanner({ offset: START });
  for (let round = 0; round < 5; round++) scanner.push(text); // warm
  let best = 0;
  for (let round = 0; round < 15; round++) {
    const from = performance.now();
    scanner.push(text);
    best = Math.max(best, text.length / 1e3 / (performance.now() - from));
  }
  expect(best).toBeGreaterThan(300);
});
