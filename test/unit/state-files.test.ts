/** Small files of the host: no bit of them is believed that was not written, and nothing that was there is lost. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { type StateFile, StateFiles } from '../../main/host/state-files.ts';
import { unmountDisk } from '../small-disk.ts';

let folder: string;
let file: string;
let told: string[][];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-state-'));
  file = join(folder, 'doors.json');
  told = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const shape = z.object({ open: z.array(z.string()), until: z.number() });
type Doors = z.infer<typeof shape>;
const DOORS: Doors = { open: ['front “née”', 'back'], until: 1_763_900_000_000 };

function opened(): { doors: StateFile<Doors>; files: StateFiles } {
  const files = new StateFiles();
  files.onProblem = () => told.push(files.problems);
  const doors = files.open({ file, shape, whileDamaged: 'no door is open; open it anew', whileUnwritten: 'doors close with this host' });
  return { doors, files };
}

function written(): Buffer {
  opened().doors.write(DOORS);
  return readFileSync(file);
}

test('what is written is read by the next host', () => {
  written();
  const { doors, files } = opened();
  expect(doors.found).toEqual(DOORS);
  expect([files.problems, files.verify(), told]).toEqual([[], [], []]);
});

test('where there is none nothing is wrong', () => {
  const { doors, files } = opened();
  expect([doors.found, doors.isDamaged, files.problems, files.verify()]).toEqual([null, false, [], []]);
});

test('no bit can be turned over, and nothing cut off, so that something else is believed', () => {
  const whole = written();
  let believed = 0;
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = Buffer.from(whole);
    flipped[bit >> 3] = (whole[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(file, flipped);
    const { doors, files } = opened();
    if (doors.found !== null) {
      expect({ bit, found: doors.found }).toEqual({ bit, found: DOORS }); // a blank that is another blank now
      believed++;
    } else
      expect(files.verify()).toEqual([
        { file: 'doors.json', reason: expect.stringMatching(/^it is damaged \(.*\): no door is open; open it anew$/) },
      ]);
  }
  expect(believed).toBeLessThan(32);
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(file, whole.subarray(0, length));
    const { doors, files } = opened();
    if (doors.found === null)
      expect(files.problems).toEqual([expect.stringMatching(/doors\.json is damaged \(.*\): no door is open; open it anew$/)]);
    else expect(doors.found).toEqual(DOORS); // it lacks no more than its checksum
  }
});

test('files of hosts without checksums are read, and such hosts read those with one', () => {
  const whole = written().toString();
  expect(JSON.parse(whole)).toEqual(DOORS);
  writeFileSync(file, JSON.stringify(DOORS));
  expect(opened().doors.found).toEqual(DOORS);
});

test.each([
  ['cut off', '{"open":["fro'],
  ['empty', ''],
  ['of another shape', '{"open":"all"}'],
  ['no text', '\0\0\0\0'],
])('one that is %s is kept as it was when another takes its place, told of and named', (_how, content) => {
  writeFileSync(file, content);
  const { doors, files } = opened();
  expect(files.problems).toEqual([expect.stringContaining('no door is open')]);
  doors.write(DOORS);
  doors.write({ ...DOORS, until: 0 });
  const [aside = ''] = readdirSync(folder).filter((name) => name.startsWith('doors.json.damaged-'));
  expect(readdirSync(folder).sort()).toEqual(['doors.json', aside]);
  expect(readFileSync(join(folder, aside), 'utf8')).toBe(content);
  expect(files.problems).toEqual([`${file} was damaged: it is kept as ${join(folder, aside)}, and another was begun`]);
  expect(told).toEqual([files.problems]); // once
  const next = opened();
  expect([next.doors.found, next.files.problems]).toEqual([{ ...DOORS, until: 0 }, []]);
  expect(next.files.verify()).toEqual([{ file: aside, reason: expect.stringContaining('set aside') }]);
});

test('one that is damaged is not removed either, and its text, which may hold secrets, is told to nobody', () => {
  writeFileSync(file, '{"open":["secret');
  const { doors, files } = opened();
  expect(files.problems.join()).not.toContain('secret');
  doors.remove('and all doors are open');
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/^doors\.json\.damaged-/)]);
  doors.write(DOORS);
  doors.remove('and all doors are open');
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/^doors\.json\.damaged-/)]);
});

test('one that is damaged while its host runs is named, and made anew from what that knows', () => {
  const { doors, files } = opened();
  doors.write(DOORS);
  writeFileSync(file, 'x');
  expect(files.verify()).toEqual([{ file: 'doors.json', reason: expect.stringContaining('the host goes on with what it had read') }]);
  doors.write(DOORS);
  expect(files.verify()).toEqual([]);
});

test('what cannot be set aside is not written over, and that is told until it can', (context) => {
  writeFileSync(file, 'damaged');
  try {
    execFileSync('mount', ['--bind', file, file], { stdio: 'ignore' }); // no name of it can be changed
  } catch {
    return context.skip('this user may not mount');
  }
  const { doors, files } = opened();
  try {
    doors.write(DOORS);
    expect(readFileSync(file, 'utf8')).toBe('damaged');
    expect(files.problems).toEqual([expect.stringMatching(/doors\.json cannot be written \(.*\): doors close with this host$/)]);
  } finally {
    unmountDisk(file);
  }
  doors.write(DOORS);
  expect(files.problems).toEqual([expect.stringContaining('was damaged: it is kept as')]);
  expect(told).toHaveLength(2);
});
