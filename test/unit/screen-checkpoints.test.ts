/** Screens that are kept of a session are bounded, in memory and on disk, whatever a program draws. */
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
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

/** A screenful of cells, each in a colour of its own, and the lines above it. */
function draw(size: { cols: number; rows: number }, lines: number): { screen: ScreenTerminal; events: ScreenEvent[] } {
  const screen = new ScreenTerminal({ offset: 0 as Offset, size, snapshot: null });
  const line = Array.from({ length: size.cols }, (_, col) => `\x1b[38;2;${col % 256};${100 + (col % 2)};200mx`).join('');
  screen.take(Buffer.from(Array.from({ length: lines }, () => line).join('\r\n')));
  return { screen, events: screen.events() };
}

test('a screen with too much above it is sent alone', () => {
  const { screen } = draw({ cols: 500, rows: 50 }, 500);
  const { text, scrollback } = screen.snapshot(1000);
  expect(scrollback).toBe(0);
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
