/** Output that is not packed yet: whatever is damaged of it is found, named and left out, and the rest is served. */
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { OutputLog } from '../../main/host/output/output-log.ts';
import { segmentContent } from '../../main/host/output/segment-content.ts';
import { findSegments } from '../../main/host/output/segment-files.ts';

const BLOCK = 4096;
const RAW = 'output-0000000000000000.raw';
const SUMS = 'sums-0000000000000000';
/** So many bytes has a file of checksums of so many blocks. */
const sumsBytes = (blocks: number) => blocks * 16 + 4;

let folder: string;
let opened: OutputLog[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-sums-'));
  opened = [];
});
afterEach(async () => {
  vi.useRealTimers();
  for (const log of opened) await log.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function openLog(): Promise<OutputLog> {
  const log = await OutputLog.open({ folder, budgetBytes: () => 1e9, wallNow: () => 5_000, stored: () => {}, problem: () => {} });
  opened.push(log);
  return log;
}

/** Bytes that tell where they belong. */
const part = (offset: number, length: number) => Uint8Array.from({ length }, (_, index) => ((offset + index) * 2654435761) >>> 24);

/** A session that printed so much and ended; the next host looks at it. */
async function ended(bytes: number): Promise<OutputLog> {
  const log = await openLog();
  log.append(0 as Offset, part(0, bytes));
  await log.summed();
  await log.dispose();
  return openLog();
}

function flip(name: string, at: number, bit = 0): void {
  const bytes = readFileSync(join(folder, name));
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  writeFileSync(join(folder, name), bytes);
}

/** All that can be read, and where the holes are. */
async function everything(log: OutputLog): Promise<{ bytes: number; wrong: number; holes: [number, number][] }> {
  const found = { bytes: 0, wrong: 0, holes: [] as [number, number][] };
  for (let at = 0; at < log.end; ) {
    const bytes = await log.read(at as Offset, 10_000);
    if (bytes) {
      found.bytes += bytes.length;
      if (Buffer.compare(bytes, part(at, bytes.length)) !== 0) found.wrong++;
      at += bytes.length;
    } else {
      const next = log.next(at as Offset);
      expect(next).toBeGreaterThan(at);
      found.holes.push([at, next]);
      at = next;
    }
  }
  return found;
}

const LENGTH = 5 * BLOCK + 1_234;

test.each([0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 77, LENGTH - 1_234, LENGTH - 1])(
  'a bit that was flipped at byte %i costs its block, and is named with its place',
  async (at) => {
    const log = await ended(LENGTH);
    expect(await log.verify()).toEqual([]);
    flip(RAW, at, at % 8);
    const [from, to] = [at - (at % BLOCK), Math.min(LENGTH, at - (at % BLOCK) + BLOCK)];
    expect(await everything(log)).toEqual({ bytes: LENGTH - (to - from), wrong: 0, holes: [[from, to]] });
    expect(await log.verify()).toEqual([{ file: RAW, reason: expect.stringContaining(`from offset ${from} to ${to} is damaged`) }]);
  },
);

test('a read that begins or ends within a damaged block gives what is intact before it, and never what is not', async () => {
  const log = await ended(LENGTH);
  flip(RAW, 2 * BLOCK + 10);
  expect(await log.read((BLOCK + 5) as Offset, 10 * BLOCK)).toEqual(part(BLOCK + 5, BLOCK - 5));
  expect(await log.read((2 * BLOCK + 100) as Offset, 10)).toBeNull();
  expect(log.next((2 * BLOCK + 100) as Offset)).toBe(3 * BLOCK);
});

test('who searches or replays is told which places are damaged, and finds what is around them', async () => {
  await ended(LENGTH);
  flip(RAW, 2 * BLOCK);
  flip(RAW, 3 * BLOCK);
  const [segment] = findSegments(folder).segments;
  const content = segment && (await segmentContent(folder, segment));
  expect(content?.damaged).toEqual([{ from: 2 * BLOCK, to: 4 * BLOCK }]);
  expect(content?.bytes.subarray(0, 2 * BLOCK)).toEqual(part(0, 2 * BLOCK));
  expect(new Set(content?.bytes.subarray(2 * BLOCK, 4 * BLOCK))).toEqual(new Set([0x0a]));
  expect(content?.bytes.subarray(4 * BLOCK)).toEqual(part(4 * BLOCK, LENGTH - 4 * BLOCK));
});

test('what was damaged is not packed, which would make it right, and stays named when output has gone on', async () => {
  const log = await ended(LENGTH);
  flip(RAW, LENGTH - 1); // in the block that the next byte goes into
  for (let at = LENGTH; at < 30 * 100_000; at += 100_000) {
    log.append(at as Offset, part(at, 100_000));
    await log.flushed();
  }
  await log.summed();
  expect(readdirSync(folder)).toContain(RAW);
  const next = await openLog();
  expect((await next.verify()).map(({ file }) => file)).toEqual([RAW]);
  expect(await everything(next)).toMatchObject({ wrong: 0, holes: [[5 * BLOCK, 6 * BLOCK]] });
});

test('the next host carries on where the last one was killed, and sums what that one had not', async () => {
  const log = await openLog();
  log.append(0 as Offset, part(0, 6_000));
  await log.summed();
  log.append(6_000 as Offset, part(6_000, 9_000));
  await log.flushed(); // and it is killed
  expect(statSync(join(folder, SUMS)).size).toBe(sumsBytes(2));
  const next = await openLog();
  next.append(15_000 as Offset, part(15_000, 1_000));
  await next.summed();
  expect(statSync(join(folder, SUMS)).size).toBe(sumsBytes(4));
  expect(await next.verify()).toEqual([]);
  flip(RAW, 15_999);
  expect(await everything(next)).toMatchObject({ wrong: 0, holes: [[3 * BLOCK, 16_000]] });
});

test('output that a host without checksums has added, or all of it, is whole, and has checksums from then on', async () => {
  for (const before of [0, 6_000]) {
    writeFileSync(join(folder, RAW), part(0, before));
    if (before > 0) await (await openLog()).summed();
    appendFileSync(join(folder, RAW), part(before, 20_000 - before));
    const log = await openLog();
    expect(await everything(log)).toMatchObject({ bytes: 20_000, wrong: 0 });
    await log.summed();
    expect(await log.verify()).toEqual([]);
    flip(RAW, 7_000);
    expect(await everything(log)).toMatchObject({ wrong: 0, holes: [[BLOCK, 2 * BLOCK]] });
    rmSync(join(folder, SUMS));
  }
});

test('a segment that was cut off is served as far as it goes and named; where its rest comes again, it is whole', async () => {
  await ended(LENGTH);
  truncateSync(join(folder, RAW), 10_000);
  const log = await openLog();
  expect(await everything(log)).toEqual({ bytes: 10_000, wrong: 0, holes: [] });
  expect(await log.verify()).toEqual([{ file: RAW, reason: `it has 10000 of ${LENGTH} bytes` }]);
  log.append(10_000 as Offset, part(10_000, LENGTH)); // the keeper has it still
  await log.summed();
  expect(await log.verify()).toEqual([]);
  expect(await everything(log)).toEqual({ bytes: 10_000 + LENGTH, wrong: 0, holes: [] });
});

test('checksums that are damaged cost nothing of the output, and are named', async () => {
  const log = await ended(LENGTH);
  for (const at of [0, 16 * 2 + 5, 16 * 3 + 9, 16 * 5 + 15]) {
    flip(SUMS, at);
    expect(await everything(log)).toEqual({ bytes: LENGTH, wrong: 0, holes: [] });
    expect(await log.verify()).toEqual([unknown(Math.floor(at / 16) * BLOCK, Math.min(LENGTH, (Math.floor(at / 16) + 1) * BLOCK))]);
    flip(SUMS, at);
  }
  expect(await log.verify()).toEqual([]);
});

/** What `verify` says of output that nobody can vouch for. */
const unknown = (from: number, to: number) => ({
  file: SUMS,
  reason: expect.stringContaining(`whether output from offset ${from} to ${to} is whole cannot be said`),
});

test('wherever checksums are cut off, it is named, by the next host too, and when output has gone on; that has its own', async () => {
  for (let size = sumsBytes(6) - 1; size >= 0; size--) {
    await (await ended(LENGTH)).dispose();
    truncateSync(join(folder, SUMS), size);
    const log = await openLog();
    const lost = [unknown(Math.min(5, Math.floor(size / 16)) * BLOCK, LENGTH)];
    expect({ size, damaged: await log.verify() }).toEqual({ size, damaged: lost });
    await log.summed();
    expect(await log.verify()).toEqual(lost);
    expect(await everything(log)).toEqual({ bytes: LENGTH, wrong: 0, holes: [] });
    log.append(LENGTH as Offset, part(LENGTH, 2 * BLOCK));
    await log.summed();
    await log.dispose();
    const next = await openLog();
    await next.summed();
    expect(await next.verify()).toEqual([unknown(Math.min(LENGTH, Math.floor(size / 16) * BLOCK), 6 * BLOCK)]);
    flip(RAW, 7 * BLOCK);
    expect(await everything(next)).toMatchObject({ wrong: 0, holes: [[7 * BLOCK, LENGTH + 2 * BLOCK]] });
    await next.dispose();
    for (const file of readdirSync(folder)) rmSync(join(folder, file));
  }
});

/** As hosts wrote them before their files had an end. */
function withoutEnd(): void {
  const sums = readFileSync(join(folder, SUMS)).subarray(0, -4);
  for (let at = 0; at < sums.length; at += 16) {
    sums.writeUInt32LE(at / 16, at);
    sums.writeUInt32LE(crc32(sums.subarray(at, at + 12)), at + 12);
  }
  writeFileSync(join(folder, SUMS), sums);
}

test('checksums of an earlier host are not taken for cut off, and are gone on with', async () => {
  await ended(LENGTH);
  withoutEnd();
  const log = await openLog();
  expect(await log.verify()).toEqual([]);
  log.append(LENGTH as Offset, part(LENGTH, BLOCK));
  await log.summed();
  expect(await log.verify()).toEqual([]);
  expect(statSync(join(folder, SUMS)).size).toBe(sumsBytes(7));
  truncateSync(join(folder, SUMS), sumsBytes(7) - 4);
  expect(await log.verify()).toHaveLength(1);
});

test('the last file of output, removed while no host ran, is missed', async () => {
  await ended(LENGTH);
  rmSync(join(folder, RAW));
  const log = await openLog();
  const reason = 'the output that it tells of, from offset 0 on, is gone';
  expect(await log.verify()).toEqual([
    { file: 'marks-0000000000000000', reason },
    { file: SUMS, reason },
  ]);
});

test('output beyond what the keeper knows goes with its checksums', async () => {
  const log = await ended(LENGTH);
  await log.cut(10_000 as Offset);
  log.append(10_000 as Offset, new Uint8Array(10_000)); // what it printed instead
  await log.summed();
  expect(await log.verify()).toEqual([]);
  expect((await log.read(10_000 as Offset, 20_000))?.length).toBe(10_000);
});

test('checksums of an echo are not written with it, stay in proportion, and go when output is packed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }); // however long a hundred echoes take, it is no second
  const log = await openLog();
  let at = 0;
  for (; at < 500; at += 5) {
    log.append(at as Offset, part(at, 5));
    await log.flushed();
  }
  expect(existsSync(join(folder, SUMS))).toBe(false);
  vi.useRealTimers();
  for (let times = 0; times < 20; times++, at += 5) {
    log.append(at as Offset, part(at, 5));
    await log.summed();
  }
  expect(statSync(join(folder, SUMS)).size).toBe(sumsBytes(1));
  for (; at < 3_000_000; at += 100_000) {
    log.append(at as Offset, part(at, 100_000));
    await log.flushed();
  }
  await log.dispose();
  expect(readdirSync(folder).filter((name) => name.startsWith('sums-'))).toHaveLength(1);
  expect(existsSync(join(folder, SUMS))).toBe(false);
});
