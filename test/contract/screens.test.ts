/** The screens as the host uses them: a real worker, real output. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { type OscEvent, type ScreenEvents, Screens, type Snapshot } from '../../main/host/screen/screens.ts';
import type { Offset, SessionId } from '../../main/protocol/ids.ts';
import { compareTerminals } from './compare-terminals.ts';
import { newTerminal } from './terminals.ts';

const SIZE = { cols: 80, rows: 24 };
const A = 'a-session' as SessionId;
const B = 'b-session' as SessionId;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

type Seen = {
  replies: string[];
  oscs: OscEvent[];
  titles: string[];
  bells: number;
  checkpoints: Snapshot[];
  order: string[];
  lost: string[];
};

let open: Screens[] = [];
afterEach(async () => {
  await Promise.all(open.map((screens) => screens.dispose()));
  open = [];
});

/** Screens, what they told, and a writer that counts the offsets. */
function newScreens({ workerUrl }: { workerUrl?: URL } = {}) {
  const seen: Seen = { replies: [], oscs: [], titles: [], bells: 0, checkpoints: [], order: [], lost: [] };
  let onLost = () => {};
  const events: ScreenEvents = {
    reply: (_, bytes) => seen.replies.push(textOf(bytes)),
    osc: (_, osc) => seen.oscs.push(osc),
    title: (_, title) => seen.titles.push(title),
    bell: () => seen.bells++,
    checkpoint: (_, snapshot) => seen.checkpoints.push(snapshot),
    parsed: (session, offset) => seen.order.push(`${session} ${offset}`),
    lost: (session) => {
      seen.lost.push(session);
      onLost();
    },
  };
  const screens = new Screens(workerUrl ? { events, workerUrl } : { events });
  open.push(screens);
  const ends = new Map<SessionId, number>();
  return {
    screens,
    seen,
    start(
      session: SessionId,
      { snapshot = null, offset = 0, size = SIZE }: { snapshot?: Uint8Array | null; offset?: number; size?: typeof SIZE } = {},
    ) {
      ends.set(session, offset);
      screens.open(session, { offset: offset as Offset, size, snapshot });
    },
    write(session: SessionId, output: string | Uint8Array) {
      const bytes = typeof output === 'string' ? bytesOf(output) : output;
      const end = ends.get(session) ?? 0;
      screens.feed(session, end as Offset, bytes);
      ends.set(session, end + bytes.length);
    },
    resize(session: SessionId, size: typeof SIZE) {
      screens.resize(session, (ends.get(session) ?? 0) as Offset, size);
    },
    lost: () =>
      new Promise<void>((resolve) => {
        onLost = resolve;
        if (seen.lost.length > 0) resolve();
      }),
  };
}

test('the screen is read as text, with cursor, title, modes and offset', async () => {
  const { screens, start, write } = newScreens();
  start(A);
  write(A, 'hello  \r\n\x1b[1mworld\x1b]2;a title\x07\x1b[?2004h');
  const screen = await screens.read(A);
  expect(screen.lines.slice(0, 3)).toEqual(['hello', 'world', '']);
  expect(screen).toMatchObject({ cursor: { row: 1, col: 5, visible: true }, size: SIZE, title: 'a title', offset: 38 });
  expect(screen.modes.bracketedPaste).toBe(true);
});

test('queries are answered once, in order, with the colours of the session', async () => {
  const { screens, seen, start, write } = newScreens();
  start(A);
  screens.setColors(A, { foreground: '#aabbcc', background: '#010203', cursor: '#ffffff' });
  write(A, 'ab\x1b[6n\x1b]11;?\x07\x1b[c\x1b]4;1;?\x1b\\\x1b]10;#102030\x07\x1b]10;?\x07');
  await screens.read(A);
  expect(seen.replies.join('')).toBe(
    '\x1b[1;3R\x1b]11;rgb:0101/0202/0303\x1b\\\x1b[?1;2c\x1b]4;1;rgb:cccc/0000/0000\x1b\\\x1b]10;rgb:1010/2020/3030\x1b\\',
  );
});

test('a query in a snapshot that a screen begins with is not answered', async () => {
  const { screens, seen, start, write } = newScreens();
  start(A, { snapshot: bytesOf('from before\x1b[6n\x07'), offset: 500 });
  write(A, '!');
  expect((await screens.read(A)).lines[0]).toBe('from before!');
  expect({ replies: seen.replies, bells: seen.bells }).toEqual({ replies: [], bells: 0 });
});

test('marks come with their offsets and where the cursor was, in the order of the stream', async () => {
  const { screens, seen, start, write } = newScreens();
  start(A);
  write(A, `${'x\r\n'.repeat(30)}\x1b]133;A\x07$ \x1b]133;B\x07ls\r\n\x1b]7;file:///tmp\x1b\\\x1b]13`);
  write(A, '3;D;0\x07');
  await screens.read(A);
  expect(seen.oscs).toEqual([
    { code: 133, payload: 'A', start: 90, end: 98, row: 23, col: 0, line: 30 },
    { code: 133, payload: 'B', start: 100, end: 108, row: 23, col: 2, line: 30 },
    { code: 7, payload: 'file:///tmp', start: 112, end: 129, row: 23, col: 0, line: 31 },
    { code: 133, payload: 'D;0', start: 129, end: 139, row: 23, col: 0, line: 31 },
  ]);
});

test('a sequence cut in half waits: the offset is that of the last whole one', async () => {
  const { screens, start, write } = newScreens();
  start(A);
  write(A, 'abc\x1b[3');
  expect((await screens.snapshot(A)).offset).toBe(3);
  expect(screens.backlogBytes(A)).toBe(0);
  write(A, '1mred');
  const { offset, text } = await screens.snapshot(A);
  expect(offset).toBe(11);
  const [restored, whole] = [newTerminal(SIZE), newTerminal(SIZE)];
  restored.write(text);
  whole.write('abc\x1b[31mred');
  expect(compareTerminals(restored.terminal, whole.terminal)).toEqual([]);
});

test('a size change applies where it lies in the stream, and is followed by a checkpoint', async () => {
  const { screens, seen, start, write, resize } = newScreens();
  start(A);
  write(A, 'a'.repeat(100));
  resize(A, { cols: 120, rows: 30 });
  write(A, 'b'.repeat(10));
  const { lines } = await screens.read(A);
  expect(lines.slice(0, 2).join('')).toContain(`${'a'.repeat(20)}${'b'.repeat(10)}`);
  expect(seen.checkpoints).toMatchObject([{ offset: 100, size: { cols: 120, rows: 30 } }]);
});

test('a checkpoint every 256 KiB, each a screen at its offset', async () => {
  const { screens, seen, start, write } = newScreens();
  const output = Array.from({ length: 20_000 }, (_, line) => `\x1b[3${line % 8}mline ${line} of the build\x1b[0m\r\n`).join('');
  start(A);
  for (let at = 0; at < output.length; at += 7000) write(A, output.slice(at, at + 7000));
  await screens.read(A);
  expect(seen.checkpoints).toHaveLength(Math.floor(output.length / (256 * 1024)));
  for (const { offset, text, line } of seen.checkpoints) {
    const [restored, whole] = [newTerminal(SIZE), newTerminal(SIZE, { scrollback: 50_000 })];
    restored.write(text);
    whole.write(output.slice(0, offset));
    expect(compareTerminals(restored.terminal, whole.terminal, { scrollback: 24 })).toEqual([]);
    expect(line).toBe(whole.terminal.buffer.normal.baseY);
  }
}, 20_000);

test('lines keep their number when they scroll, and are read with what they wrap into', async () => {
  const { screens, start, write } = newScreens();
  start(A);
  write(A, Array.from({ length: 3000 }, (_, line) => `line ${line}\r\n`).join(''));
  const { line } = await screens.cursor(A);
  expect(line).toBe(3000);
  write(A, `$ ${'long '.repeat(40)}end\r\n`);
  expect(await screens.lineText(A, line, 2)).toBe(`${'long '.repeat(40)}end`);
  expect(await screens.lineText(A, 2999)).toBe('line 2999');
  expect(await screens.lineText(A, 5)).toBeNull();
  expect(await screens.linesText(A, 2997, 2999)).toEqual(['line 2997', 'line 2998']);
});

test('a flooded session does not keep another waiting', async () => {
  const { screens, start, write } = newScreens();
  start(A);
  start(B);
  const flood = bytesOf('\x1b[31mflood\x1b[0m of output\r\n'.repeat(40_000));
  for (let round = 0; round < 30; round++) write(A, flood);
  write(B, 'quiet');
  expect((await screens.read(B)).lines[0]).toBe('quiet');
  expect(screens.backlogBytes(A)).toBeGreaterThan(flood.length);
  await screens.read(A);
  expect(screens.backlogBytes(A)).toBe(0);
}, 20_000);

test('a long image passes in pieces, and a snapshot in the middle of it is still exact', async () => {
  const { screens, start, write } = newScreens();
  start(A);
  write(A, `before\x1bPq${'~'.repeat(3_000_000)}`);
  expect((await screens.snapshot(A)).offset).toBe(6);
  write(A, '~\x1b\\after');
  expect(await screens.snapshot(A)).toMatchObject({ offset: 3_000_017 });
  expect((await screens.read(A)).lines[0]).toBe('beforeafter');
});

test('output that made xterm.js stop for ever is parsed', async () => {
  const { screens, start, write } = newScreens();
  start(A);
  write(A, '\x1b[24;80H\x1b[1Jstill here');
  expect((await screens.read(A)).lines[23]).toContain('l here');
});

test('a worker that dies is replaced, and the host is asked to begin the screens again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-worker-'));
  try {
    const real = new URL('../../main/host/screen/screen-worker.ts', import.meta.url);
    const file = join(folder, 'worker.mjs');
    writeFileSync(
      file,
      `import { parentPort } from 'node:worker_threads';
       parentPort.on('message', ({ steps }) => { if (steps.some(({ bytes }) => bytes && new TextDecoder().decode(bytes).includes('die'))) process.exit(1); });
       await import(${JSON.stringify(real.href)});`,
    );
    const { screens, seen, start, write, lost } = newScreens({ workerUrl: pathToFileURL(file) });
    start(A);
    write(A, 'fine');
    await screens.read(A);
    write(A, 'die');
    await expect(screens.read(A)).rejects.toThrow('the screen cannot be read');
    await lost();
    expect(seen.lost).toEqual([A]);
    write(A, 'ignored: the screen is not open');
    start(A);
    write(A, 'again');
    expect((await screens.read(A)).lines[0]).toBe('again');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
