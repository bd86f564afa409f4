/** Screens that are kept of a session are bounded, in memory and on disk, whatever a program draws. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ScreenCheckpoint, ScreenCheckpoints } from '../../main/host/screen/screen-checkpoints.ts';
import type { ScreenEvent } from '../../main/host/screen/screen-messages.ts';
import { ScreenTerminal } from '../../main/host/screen/screen-terminal.ts';
import type { Offset } from '../../main/protocol/ids.ts';

const MIB = 1024 * 1024;
const FILE_BYTES = 16 * MIB;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-c-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const fileBytes = () => statSync(join(folder, 'checkpoints.jsonl')).size;
const checkpoint = (offset: number, length = MIB): ScreenCheckpoint => ({
  offset: offset as Offset,
  size: { cols: 80, rows: 24 },
  line: offset,
  text: 'x'.repeat(length),
});

test('large screens are kept up to a bound, the newest of them, and the file says what it takes', async () => {
  const checkpoints = await ScreenCheckpoints.open(folder);
  for (let n = 1; n <= 40; n++) {
    checkpoints.add(checkpoint(n * 1000));
    await checkpoints.flushed();
    expect(fileBytes()).toBeLessThanOrEqual(FILE_BYTES);
    expect(checkpoints.fileBytes).toBe(fileBytes());
  }
  expect(checkpoints.newest?.offset).toBe(40_000);
  expect(checkpoints.before({ lines: 1e6, top: 40_000, end: 40_000 as Offset })?.offset).toBe(37_000);
  expect((await ScreenCheckpoints.open(folder)).newest?.offset).toBe(40_000);
});

test('a file that an older host let grow is read from its end, and becomes small', async () => {
  for (let n = 1; n <= 30; n++) appendFileSync(join(folder, 'checkpoints.jsonl'), `${JSON.stringify(checkpoint(n * 1000))}\n`);
  const checkpoints = await ScreenCheckpoints.open(folder);
  expect(checkpoints.newest?.offset).toBe(30_000);
  expect(checkpoints.fileBytes).toBe(fileBytes());
  checkpoints.add(checkpoint(31_000));
  await checkpoints.flushed();
  expect(fileBytes()).toBeLessThanOrEqual(FILE_BYTES);
});

const FILE = 'checkpoints.jsonl';
const read = async (bytes: Uint8Array) => {
  writeFileSync(join(folder, FILE), bytes);
  const checkpoints = await ScreenCheckpoints.open(folder);
  return { newest: checkpoints.newest, damaged: await checkpoints.verify(() => 1e9 as Offset) };
};

test('no bit of a screen can be turned over unnoticed, and the one before it is taken', async () => {
  const checkpoints = await ScreenCheckpoints.open(folder);
  checkpoints.add({ ...checkpoint(1_000), text: 'before' });
  checkpoints.add({ ...checkpoint(2_000), text: 'née “ \\ \x1b[1m' });
  await checkpoints.flushed();
  const bytes = readFileSync(join(folder, FILE));
  const begin = bytes.indexOf(0x0a) + 1;
  expect((await read(bytes)).damaged).toEqual([]);
  for (let bit = begin * 8; bit < (bytes.length - 1) * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const { newest, damaged } = await read(flipped);
    // A flip that makes a line end of it leaves two lines that are none.
    expect({ bit, offset: newest?.offset, named: damaged[0]?.reason }).toEqual({
      bit,
      offset: 1_000,
      named: expect.stringMatching(/^line 2 is damaged/),
    });
  }
});

test('screens of a host without checksums are read, and such a host reads those with one', async () => {
  const { newest, damaged } = await read(Buffer.from(`${JSON.stringify(checkpoint(1_000, 10))}\n`));
  expect({ newest, damaged }).toEqual({ newest: checkpoint(1_000, 10), damaged: [] });
  const checkpoints = await ScreenCheckpoints.open(folder);
  checkpoints.add(checkpoint(2_000, 10));
  await checkpoints.flushed();
  const [, last = ''] = readFileSync(join(folder, FILE), 'utf8').split('\n');
  expect(JSON.parse(last)).toMatchObject(checkpoint(2_000, 10));
});

test('a screen behind a line that was torn is not lost with it', async () => {
  writeFileSync(join(folder, FILE), '{"offset":5,"size":{"cols"');
  const checkpoints = await ScreenCheckpoints.open(folder);
  checkpoints.add(checkpoint(2_000, 10));
  await checkpoints.flushed();
  const next = await ScreenCheckpoints.open(folder);
  expect(next.newest).toEqual(checkpoint(2_000, 10));
  expect(next.fileBytes).toBe(fileBytes());
});

test('wherever the file is cut off, it is named, and what is written behind it is read', async () => {
  const checkpoints = await ScreenCheckpoints.open(folder);
  checkpoints.add(checkpoint(1_000, 10));
  checkpoints.add(checkpoint(2_000, 10));
  await checkpoints.flushed();
  const bytes = readFileSync(join(folder, FILE));
  expect((await read(bytes)).damaged).toEqual([]);
  for (let size = bytes.length - 1; size >= 0; size--) {
    expect((await read(bytes.subarray(0, size))).damaged, `${size}`).toHaveLength(1);
    const next = await ScreenCheckpoints.open(folder);
    next.add(checkpoint(3_000, 10));
    next.add(checkpoint(4_000, 10));
    await next.flushed();
    expect(next.fileBytes).toBe(fileBytes());
    const { newest, damaged } = await read(readFileSync(join(folder, FILE)));
    expect({ size, newest }).toEqual({ size, newest: checkpoint(4_000, 10) });
    expect(damaged.length).toBeGreaterThan(0);
  }
});

test('a file that was removed is begun anew', async () => {
  const checkpoints = await ScreenCheckpoints.open(folder);
  for (const offset of [1_000, 2_000, 3_000]) {
    checkpoints.add(checkpoint(offset, 10));
    await checkpoints.flushed();
    if (offset === 1_000) rmSync(join(folder, FILE));
  }
  const { newest, damaged } = await read(readFileSync(join(folder, FILE)));
  expect({ newest, damaged }).toEqual({ newest: checkpoint(3_000, 10), damaged: [] });
});

test('a kept screen that is damaged is named', async () => {
  writeFileSync(join(folder, 'output-0000000000000000.raw'), ''); // without its output it would go
  const checkpoints = await ScreenCheckpoints.open(folder);
  checkpoints.add(checkpoint(2 * MIB, 10_000));
  await checkpoints.flushed();
  const name = `screen-${String(2 * MIB).padStart(16, '0')}.zst`;
  const bytes = readFileSync(join(folder, name));
  const verify = () => checkpoints.verify(() => 1e9 as Offset);
  expect(await verify()).toEqual([]);
  for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
    writeFileSync(join(folder, name), Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))));
    expect(await verify()).toMatchObject([{ file: name }]);
  }
  writeFileSync(join(folder, name), bytes.subarray(0, -1));
  expect(await verify()).toMatchObject([{ file: name }]);
});

/** A screenful of cells, each in a colour of its own, and the lines above it. */
function draw(size: { cols: number; rows: number }, lines: number): { screen: ScreenTerminal; events: ScreenEvent[] } {
  const screen = new ScreenTerminal({ offset: 0 as Offset, size, snapshot: null });
  const line = Array.from({ length: size.cols }, (_, col) => `\x1b[38;2;${col % 256};${100 + (col % 2)};200mx`).join('');
  screen.take(Buffer.from(Array.from({ length: lines }, () => line).join('\r\n')));
  return { screen, events: screen.events() };
}

test('a screen with too much above it is sent with as much of that as there is room for', () => {
  const { screen } = draw({ cols: 500, rows: 50 }, 500);
  const { text, scrollback } = screen.snapshot(1000);
  expect(scrollback).toBeGreaterThan(100);
  expect(scrollback).toBeLessThan(449);
  expect(text.length).toBeLessThan(4 * MIB);
  expect(screen.snapshot(50).scrollback).toBe(50);
  screen.dispose();
});

test('a screen that is too large itself is no checkpoint', () => {
  const { screen, events } = draw({ cols: 1000, rows: 200 }, 200);
  expect(events.map(({ kind }) => kind)).not.toContain('checkpoint');
  expect(screen.snapshot(0).text.length).toBeGreaterThan(4 * MIB);
  screen.dispose();
});
