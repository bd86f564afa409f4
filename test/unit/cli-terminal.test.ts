/** What a person types becomes units and keys of our own; a picture of a session fits a window of another size. */
import xterm from '@xterm/headless';
import { describe, expect, test } from 'vitest';
import { InputUnits, isAutomatic, type Typed } from '../../main/attach/input-units.ts';
import { PicturePainter } from '../../main/attach/picture.ts';
import { parseKey } from '../../main/cli/keys.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const newUnits = () => new InputUnits({ detach: parseKey('ctrl-\\'), take: parseKey('ctrl-^') });
const shown = (typed: Typed[]) => typed.map((each) => (each.is === 'unit' ? Buffer.from(each.bytes).toString() : `<${each.is}>`));

describe('input units', () => {
  test('one read is one unit', () => {
    const units = newUnits();
    expect(shown(units.push(bytes('l')))).toEqual(['l']);
    expect(shown(units.push(bytes('\x1b[A\x1b[B日')))).toEqual(['\x1b[A\x1b[B日']);
  });

  test('a paste is one unit, wherever its reads are cut', () => {
    const text = 'a\x1b[200~line 1\rline \x1c 2 日\x1b[201~b';
    const whole = bytes(text);
    for (let at = 1; at < whole.length; at++) {
      const units = newUnits();
      const typed = shown([...units.push(whole.subarray(0, at)), ...units.push(whole.subarray(at))]);
      // A read that ends within the mark's first two bytes may be the Escape key, and is not held back.
      if (at === 2 || at === 3) expect(typed.join('')).toContain('line 1\rline ');
      else expect(typed).toEqual(['a', '\x1b[200~line 1\rline \x1c 2 日\x1b[201~', 'b']);
    }
  });

  test('the Escape key is not held back', () => expect(shown(newUnits().push(bytes('\x1b')))).toEqual(['\x1b']));

  test('a paste that never ends is typed as far as it came', () => {
    const units = newUnits();
    expect(units.push(bytes('\x1b[200~half'))).toEqual([]);
    expect(units.isWaiting).toBe(true);
    expect(shown(units.flush())).toEqual(['\x1b[200~half']);
    expect(shown(units.push(bytes('x')))).toEqual(['x']);
  });

  test('a very long paste becomes units of bounded size, and loses nothing', () => {
    const units = newUnits();
    const paste = `\x1b[200~${'0123456789'.repeat(100_000)}\x1b[201~`;
    const typed: Typed[] = [];
    for (let at = 0; at < paste.length; at += 4000) typed.push(...units.push(bytes(paste.slice(at, at + 4000))));
    expect(shown(typed).join('')).toBe(paste);
    expect(typed.length).toBeLessThan(6);
  });

  test.each(['\x1c', '\x1b[92;5u', '\x1b[92;5:1u', '\x1b[27;5;92~'])('%j detaches, and what surrounds it is typed', (form) => {
    expect(shown(newUnits().push(bytes(`a${form}b`)))).toEqual(['a', '<detach>', 'b']);
  });

  test('Ctrl-^ takes control', () => expect(shown(newUnits().push(bytes('\x1e')))).toEqual(['<take>']));

  test.each([
    ['\x1b[I', true],
    ['\x1b[O\x1b[I', true],
    ['\x1b[<35;10;5M', true],
    ['\x1b[M\x43!!', true],
    ['\x1b[<0;10;5M', false],
    ['\x1b[<32;10;5M', false], // dragged
    ['I', false],
    ['\x1b[Ix', false],
  ])('%j is sent by the terminal itself: %s', (text, is) => expect(isAutomatic(bytes(text))).toBe(is));
});

describe('a picture', () => {
  const write = (terminal: xterm.Terminal, text: string) => new Promise<void>((resolve) => terminal.write(text, resolve));
  const rows = (terminal: xterm.Terminal) =>
    Array.from({ length: terminal.rows }, (_, row) => terminal.buffer.active.getLine(row)?.translateToString(true).trimEnd() ?? '');

  async function draw(options: { session: [number, number]; window: [number, number]; text: string; status?: string }) {
    const [cols, sessionRows] = options.session;
    const session = new xterm.Terminal({ cols, rows: sessionRows, allowProposedApi: true });
    const window = new xterm.Terminal({ cols: options.window[0], rows: options.window[1], allowProposedApi: true });
    await write(session, options.text);
    const painter = new PicturePainter();
    const paint = () =>
      painter.paint({
        buffer: session.buffer.active,
        size: { cols, rows: sessionRows },
        window: { cols: options.window[0], rows: options.window[1] },
        isCursorVisible: true,
        status: options.status ?? null,
      });
    await write(window, `\x1b[?7l${paint()}`);
    return { session, window, paint };
  }

  test('of a larger session shows the part with the cursor', async () => {
    const lines = Array.from({ length: 20 }, (_, row) => `row ${row}`).join('\r\n');
    const { window } = await draw({ session: [80, 20], window: [20, 6], text: lines, status: 'why' });
    expect(rows(window)).toEqual(['row 15', 'row 16', 'row 17', 'row 18', 'row 19', ' why']);
    expect([window.buffer.active.cursorX, window.buffer.active.cursorY]).toEqual([6, 4]);
  });

  test('of a smaller session has a border', async () => {
    const { window } = await draw({ session: [5, 2], window: [9, 4], text: 'ab\r\ncd' });
    expect(rows(window)).toEqual(['ab   │', 'cd   │', '─────┘', '']);
  });

  test('keeps colours, and cuts no wide character in half', async () => {
    const { window } = await draw({ session: [8, 1], window: [4, 3], text: '\x1b[38;2;1;2;3;48;5;200;1m日本語\x1b[H' });
    const line = window.buffer.active.getLine(0);
    expect(line?.translateToString()).toBe('日本');
    const cell = line?.getCell(0);
    expect([cell?.getFgColor(), cell?.getBgColor(), cell?.isBold()]).toEqual([0x010203, 200, 134217728]);
    const odd = await draw({ session: [8, 1], window: [3, 3], text: '日本語\x1b[H' });
    expect(rows(odd.window)[0]).toBe('日');
  });

  test('draws only what changed', async () => {
    const { session, paint } = await draw({ session: [20, 5], window: [30, 8], text: 'one\r\ntwo' });
    await write(session, '\x1b[1;1HONE');
    const update = paint();
    expect(update).toContain('ONE');
    expect(update).not.toContain('two');
  });
});
