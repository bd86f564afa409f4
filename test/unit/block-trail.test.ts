import { Terminal } from '@xterm/headless';
import { beforeEach, expect, test } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { commandRecord } from '#protocol/shapes.ts';
import { BlockTrail } from '../../renderer/terminal/block-trail.ts';
import { cutOutput } from '../../renderer/terminal/output-marks.ts';

let terminal: Terminal;
let trail: BlockTrail;
let fed: number;

beforeEach(() => {
  terminal = new Terminal({ cols: 40, rows: 6, scrollback: 20, allowProposedApi: true });
  trail = new BlockTrail(terminal);
  fed = 0;
});

/** Output as SessionTerminal feeds it. */
async function output(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  const from = fed as Offset;
  fed += bytes.length;
  for (const piece of cutOutput({ from, bytes, wanted: trail.offsetsWithin(from, fed as Offset) })) {
    await new Promise<void>((parsed) =>
      terminal.write(piece.bytes, () => {
        trail.place(piece.end, piece.kind);
        parsed();
      }),
    );
  }
}

/** A prompt, a command line and its output, as a shell with integration prints them; the record comes after. */
async function run(id: number, text: string, lines: string[]): Promise<void> {
  await output(`\x1b]133;A\x07$ \x1b]133;B\x07${text}\r\n`);
  const from = fed;
  await output(`\x1b]133;C\x07${lines.map((line) => `${line}\r\n`).join('')}`);
  const to = fed;
  await output('\x1b]133;D;0\x07');
  trail.setCommand(record(id, text, from, to));
}

const record = (id: number, text: string, from: number, to: number | null) =>
  commandRecord.parse({
    id,
    session: 'session123',
    sessionName: 's',
    text,
    authors: [],
    submitter: null,
    unit: null,
    cwd: '/',
    startedAt: 0,
    endedAt: to === null ? null : 1,
    durationMs: null,
    exitCode: null,
    from,
    to,
    source: 'shell',
  });

test('a block goes from the command line to the last line of its output', async () => {
  await run(1, 'ls', ['a', 'b']);
  await run(2, 'true', []);
  await output('$ ');
  expect(trail.linesOf(1)).toEqual({ first: 0, last: 2 });
  expect(trail.linesOf(2)).toEqual({ first: 3, last: 3 });
  expect(trail.bars().map(({ command, firstRow, rows }) => [command.id, firstRow, rows])).toEqual([
    [1, 0, 3],
    [2, 3, 1],
  ]);
});

test('output without a final line break ends on its own line', async () => {
  await output('\x1b]133;A\x07$ \x1b]133;B\x07printf x\r\n\x1b]133;C\x07');
  const from = fed;
  await output('x');
  const to = fed;
  await output('\x1b]133;D;0\x07');
  trail.setCommand(record(1, 'printf x', from, to));
  expect(trail.linesOf(1)).toEqual({ first: 0, last: 1 });
});

test('a running command reaches down to the cursor', async () => {
  await output('\x1b]133;A\x07$ \x1b]133;B\x07make\r\n\x1b]133;C\x07');
  trail.setCommand(record(1, 'make', fed, null));
  await output('one\r\ntwo\r\n');
  expect(trail.linesOf(1)).toEqual({ first: 0, last: 3 });
});

test('lines keep their block while they scroll, and are forgotten when they leave the scrollback', async () => {
  await run(1, 'first', ['out']);
  await run(
    2,
    'second',
    Array.from({ length: 10 }, (_, i) => `line ${i}`),
  );
  expect(trail.linesOf(1)).toEqual({ first: 0, last: 1 });
  await run(
    3,
    'third',
    Array.from({ length: 30 }, (_, i) => `line ${i}`),
  );
  expect(trail.linesOf(1)).toBeNull();
});

test('a session that is replayed at attach finds its blocks by the offsets of records known before', async () => {
  trail.setCommand(record(1, 'ls', 5, 11));
  await output('$ x\r\na\r\nb\r\n$ ');
  expect(trail.linesOf(1)).toEqual({ first: 1, last: 2 });
});

test('a snapshot starts over: no block of before is left', async () => {
  await run(1, 'ls', ['a']);
  terminal.reset();
  trail.reset();
  expect(trail.linesOf(1)).toBeNull();
  expect(trail.bars()).toEqual([]);
});

test('a full-screen program has no bars, and its block is whole afterwards', async () => {
  await output('\x1b]133;A\x07$ \x1b]133;B\x07vim\r\n\x1b]133;C\x07');
  const from = fed;
  await output('\x1b[?1049hfull\r\nscreen');
  expect(trail.bars()).toEqual([]);
  await output('\x1b[?1049l');
  const to = fed;
  await output('\x1b]133;D;0\x07$ ');
  trail.setCommand(record(1, 'vim', from, to));
  expect(trail.linesOf(1)).toEqual({ first: 0, last: 0 });
});
