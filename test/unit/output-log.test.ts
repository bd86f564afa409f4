/** Output on disk: what was appended is read back byte for byte, while segments are compressed behind it and after. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { OutputLog } from '../../main/host/output/output-log.ts';
import { makeReadOnly, makeWritable, mountSmallDisk, unmountDisk } from '../small-disk.ts';

const PART_BYTES = 100_000;

let folder: string;
let now = 1_000_000;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const openLog = (stored: (offset: Offset) => void = () => {}) =>
  OutputLog.open({ folder, budgetBytes: () => 1e9, wallNow: () => now, stored, problem: (sentence) => expect(sentence).toBeNull() });

/** Bytes that tell where they belong. */
function part(offset: number, length = PART_BYTES): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => ((offset + index) * 2654435761) >>> 24);
}

async function readAll(log: OutputLog, from: number, to: number): Promise<Uint8Array> {
  const whole = new Uint8Array(to - from);
  for (let at = from; at < to; ) {
    const bytes = await log.read(at as Offset, to - at);
    if (!bytes) throw new Error(`nothing is held at ${at}`);
    whole.set(bytes, at - from);
    at += bytes.length;
  }
  return whole;
}

test('every byte of a flood is read back, by this host and the next', async () => {
  let isFull: () => void = () => {};
  const full = new Promise<void>((resolve) => {
    isFull = resolve;
  });
  const end = 120 * PART_BYTES;
  const log = await openLog((offset) => offset === end && isFull());
  for (let at = 0; at < end; at += PART_BYTES) {
    log.append(at as Offset, part(at));
    await new Promise((resolve) => setImmediate(resolve)); // writes and compression come in between
  }
  await full;
  expect(Buffer.compare(await readAll(log, 0, end), part(0, end))).toBe(0);
  await log.dispose();
  const next = await openLog();
  expect([next.start, next.end]).toEqual([0, end]);
  expect(Buffer.compare(await readAll(next, 0, end), part(0, end))).toBe(0);
  await next.dispose();
});

test('a segment takes no more bytes once it is being compressed', async () => {
  const log = await openLog();
  const end = 60 * PART_BYTES;
  for (let at = 0; at < end; at += PART_BYTES) {
    log.append(at as Offset, part(at));
    await log.flushed();
  }
  await log.dispose();
  const starts = readdirSync(folder).flatMap((name) => /^output-(\d{16})/.exec(name)?.[1] ?? []);
  expect(new Set(starts).size).toBe(3); // 2 MiB each
});

test('the first bytes are held from the moment they come, before any is on disk', async () => {
  const log = await openLog();
  log.append(0 as Offset, part(0, 10));
  expect([log.start, log.end]).toEqual([0, 10]);
  expect(await log.read(0 as Offset, 100)).toEqual(part(0, 10));
  await log.dispose();
});

test('bytes before and after a hole keep their offsets', async () => {
  const log = await openLog();
  log.append(0 as Offset, part(0, 10));
  log.append(30 as Offset, part(30, 10));
  expect(await log.read(0 as Offset, 100)).toEqual(part(0, 10));
  expect(await log.read(15 as Offset, 100)).toBeNull();
  expect(await log.read(30 as Offset, 100)).toEqual(part(30, 10));
  await log.dispose();
});

test('everything appended is stored when `flushed` resolves, also what came during a write', async () => {
  let stored = 0;
  const log = await openLog((offset) => {
    stored = offset;
  });
  log.append(0 as Offset, part(0));
  log.append(PART_BYTES as Offset, part(PART_BYTES)); // begins a write
  log.append((2 * PART_BYTES) as Offset, part(2 * PART_BYTES, 10));
  await log.flushed();
  expect(stored).toBe(2 * PART_BYTES + 10);
  await log.dispose();
});

test('when output came is known to the next host, in marks of 50 ms or 4 KiB', async () => {
  const log = await openLog();
  const print = async (offset: number, length: number, at: number) => {
    now = at;
    log.append(offset as Offset, part(offset, length));
    await log.flushed();
  };
  await print(0, 10, 5_000);
  await print(10, 10, 5_030); // too soon after the first, and too little, to be told from it
  await print(20, 10, 5_060);
  await print(30, 5_000, 5_061);
  await print(5_030, 10, 5_062);
  await log.dispose();
  const next = await openLog();
  now = 9_000;
  next.append(5_040 as Offset, part(5_040, 10));
  await next.flushed();
  const marks = [
    { offset: 0, at: 5_000 },
    { offset: 20, at: 5_060 },
    { offset: 5_030, at: 5_062 },
    { offset: 5_040, at: 9_000 },
  ];
  expect(await next.times(0 as Offset)).toEqual({ marks, to: 5_050 });
  expect(await next.times(25 as Offset)).toEqual({ marks: marks.slice(1), to: 5_050 });
  expect(await next.times(5_050 as Offset)).toBeNull();
  await next.dispose();
});

test('output before a write that a full disk took half of is read back packed, when room came back at once', async (context) => {
  if (!mountSmallDisk(folder)) return context.skip('this user may not mount a small disk');
  try {
    const problems: (string | null)[] = [];
    const ballast = join(folder, 'ballast');
    writeFileSync(ballast, new Uint8Array(500_000));
    const problem = (sentence: string | null) => {
      problems.push(sentence);
      rmSync(ballast, { force: true });
    };
    let sealed = () => {};
    const packed = new Promise<void>((resolve) => {
      sealed = resolve;
    });
    const log = await OutputLog.open({ folder, budgetBytes: () => 1e9, wallNow: () => now, stored: () => {}, problem, sealed });
    const whole = 3 * PART_BYTES;
    // Not random: packed it needs less room than there is.
    const bytes = (at: number, length: number) => Uint8Array.from({ length }, (_, index) => Math.floor((at + index) / 1000));
    log.append(0 as Offset, bytes(0, whole));
    await log.flushed();
    log.append(whole as Offset, bytes(whole, 4 * PART_BYTES));
    await log.flushed();
    expect(problems).toEqual([expect.stringMatching(/output cannot be stored \(only \d+ of 400000 bytes were taken\)/)]);
    await packed;
    expect(readdirSync(folder).filter((name) => name.endsWith('.zst'))).toHaveLength(1);
    expect(await log.verify()).toEqual([
      {
        file: expect.stringMatching(/^output-\d+\.raw$/),
        reason: expect.stringMatching(/^the output from offset \d+ to 700000 could not be stored$/),
      },
    ]);
    expect(Buffer.compare(await readAll(log, 0, whole), bytes(0, whole))).toBe(0);
    await log.dispose();
  } finally {
    unmountDisk(folder);
  }
});

test('a segment that a full disk has no room to pack stays as it is, and leaves nothing behind', async (context) => {
  if (!mountSmallDisk(folder)) return context.skip('this user may not mount a small disk');
  try {
    const log = await OutputLog.open({ folder, budgetBytes: () => 1e9, wallNow: () => now, stored: () => {}, problem: () => {} });
    for (let at = 0; at < 12 * PART_BYTES; at += PART_BYTES) log.append(at as Offset, part(at));
    await log.dispose();
    expect(readdirSync(folder).filter((name) => !/\.raw$|^(marks|sums)-/.test(name))).toEqual([]);
    expect(Buffer.compare(await readAll(log, 0, PART_BYTES), part(0))).toBe(0);
  } finally {
    unmountDisk(folder);
  }
});

test('of what the disk refuses the newest stays with the keeper, for the next host; what is lost is named', async (context) => {
  if (!mountSmallDisk(folder)) return context.skip('this user may not mount a small disk');
  try {
    const released: number[] = [];
    const problems: (string | null)[] = [];
    const options = {
      ...{ folder: join(folder, 'session'), budgetBytes: () => 1e9, wallNow: () => now },
      stored: (offset: Offset) => released.push(offset),
      problem: (sentence: string | null) => problems.push(sentence),
    };
    const log = await OutputLog.open(options);
    log.append(0 as Offset, part(0, 1000));
    await log.dispose();
    expect(released).toEqual([1000]);
    makeReadOnly(folder);
    const next = await OutputLog.open(options);
    for (const at of [1000, 101_000, 201_000, 301_000]) {
      next.append(at as Offset, part(at));
      await next.flushed();
    }
    // All but 256 KiB, and no less than what is stored.
    expect(released.slice(1)).toEqual([1000, 1000, 301_000 - 256 * 1024, 401_000 - 256 * 1024]);
    expect(problems[0]).toMatch(/^output cannot be stored \(EROFS.*\): make .*session writable; the session goes on$/);
    expect(await next.verify()).toEqual([
      { file: 'output-0000000000001000.raw', reason: 'the output from offset 1000 to 401000 could not be stored' },
    ]);
    makeWritable(folder);
    next.append(401_000 as Offset, part(401_000));
    await next.flushed();
    expect(released.at(-1)).toBe(501_000);
    expect(problems.at(-1)).toBe(null);
    await next.dispose();
  } finally {
    unmountDisk(folder);
  }
});

test('a folder that is not there and cannot be made is made with the first output that can be stored', async (context) => {
  if (!mountSmallDisk(folder)) return context.skip('this user may not mount a small disk');
  try {
    makeReadOnly(folder);
    const gone = join(folder, 'sessions', 'gone');
    const log = await OutputLog.open({ folder: gone, budgetBytes: () => 1e9, wallNow: () => now, stored: () => {}, problem: () => {} });
    expect(log.end).toBe(0);
    log.append(0 as Offset, part(0, 10));
    await log.flushed();
    makeWritable(folder);
    log.append(10 as Offset, part(10, 10));
    await log.flushed();
    expect(await log.read(10 as Offset, 100)).toEqual(part(10, 10));
    await log.dispose();
  } finally {
    unmountDisk(folder);
  }
});

test('a file that opens and cannot be read is a hole: what follows is served', async () => {
  const log = await openLog();
  log.append(0 as Offset, part(0));
  await log.flushed();
  const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.raw'));
  rmSync(join(folder, file));
  mkdirSync(join(folder, file)); // opens, and refuses every read, as a bad sector does
  expect(await log.read(0 as Offset, PART_BYTES)).toBeNull();
  expect(log.next(0 as Offset)).toBe(PART_BYTES);
  await log.dispose();
});
