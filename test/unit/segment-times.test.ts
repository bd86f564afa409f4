/** When output came: known exactly, of this version and earlier ones, but for what is damaged, which is named. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { OutputLog } from '../../main/host/output/output-log.ts';

const MARKS = 'marks-0000000000000000';

let folder: string;
let now = 0;
let log: OutputLog;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-times-'));
  log = await openLog();
});
afterEach(async () => {
  await log.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const openLog = () => OutputLog.open({ folder, budgetBytes: () => 1e9, wallNow: () => now, stored: () => {}, problem: () => {} });

async function print(lines: number): Promise<void> {
  for (let n = 0; n < lines; n++) {
    now += 1_000;
    log.append(log.end, new TextEncoder().encode('0123456789'));
    await log.flushed();
  }
  await log.summed();
}

const marks = async () => (await log.times(0 as Offset))?.marks.map(({ offset, at }) => [offset, at]);

test('no bit of a time can be turned over unnoticed', async () => {
  await print(3);
  const whole = (await marks()) ?? [];
  expect(whole).toHaveLength(3);
  expect(await log.verify()).toEqual([]);
  const file = join(folder, MARKS);
  const bytes = readFileSync(file);
  for (let bit = 0; bit < whole.length * 128; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(file, flipped);
    expect(await marks(), `bit ${bit}`).toEqual(whole.filter((_, index) => index !== Math.floor(bit / 128)));
  }
  expect(await log.verify()).toEqual([
    { file: MARKS, reason: '1 of its 3 times are damaged: output whose time is lost seems to have come with what came before it' },
  ]);
});

test('wherever it is cut off, it is named, and gone on with', async () => {
  await print(3);
  const whole = (await marks()) ?? [];
  await log.dispose();
  const bytes = readFileSync(join(folder, MARKS));
  for (let size = bytes.length - 1; size >= 0; size--) {
    writeFileSync(join(folder, MARKS), bytes.subarray(0, size));
    log = await openLog();
    const intact = Math.floor(size / 16);
    expect({ size, damaged: await log.verify() }).toEqual({
      size,
      damaged: [{ file: MARKS, reason: expect.stringMatching(`^it was cut off, behind ${intact} times: `) }],
    });
    expect(await marks()).toEqual(whole.slice(0, intact));
    await print(1);
    expect(await marks()).toEqual([...whole.slice(0, intact), [log.end - 10, now]]);
    expect(await log.verify()).toEqual([{ file: MARKS, reason: expect.stringMatching(`^1 of its ${intact + 2} times are damaged: `) }]);
    await log.dispose();
    truncateSync(join(folder, 'output-0000000000000000.raw'), 30);
    rmSync(join(folder, 'sums-0000000000000000'));
  }
});

test('times of an earlier host stand beside those of this one, and go with the output', async () => {
  await print(2);
  const [first, second] = (await marks()) ?? [];
  // An earlier host had the session meanwhile.
  const record = Buffer.alloc(12);
  record.writeUInt32LE(20, 0);
  record.writeDoubleLE(now + 500, 4);
  await log.dispose();
  appendFileSync(join(folder, 'times-0000000000000000'), record);
  appendFileSync(join(folder, 'output-0000000000000000.raw'), '0123456789');
  log = await openLog();
  await print(1);
  expect(await marks()).toEqual([first, second, [20, now - 500], [30, now]]);
  await log.cut(0 as Offset);
  expect(readdirSync(folder).filter((name) => /^(marks|times)-/.test(name))).toEqual([]);
});
