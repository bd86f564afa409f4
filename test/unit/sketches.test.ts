/**
 * Sketches of stored output: a search that asks them finds what one finds that reads everything, whatever was printed, and
 * whatever became of them. `CMDOP_SKETCH_SEEDS=2000` tries so many outputs instead of 12.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Offset, SessionId } from '#protocol/ids.ts';
import { plainBytes } from '#session/plain-bytes.ts';
import { withoutSequences } from '#session/plain-text.ts';
import { OutputLog } from '../../main/host/output/output-log.ts';
import { findSegments } from '../../main/host/output/segment-files.ts';
import { newMatcher, type Sought } from '../../main/host/search/matcher.ts';
import { QuickLook } from '../../main/host/search/quick-look.ts';
import { searchFiles } from '../../main/host/search/search-files.ts';
import type { FoundHit, WorkerMessage } from '../../main/host/search/search-messages.ts';
import { searchBytes } from '../../main/host/search/segment-search.ts';
import { Stretches } from '../../main/host/search/stretches.ts';
import { makeSketches } from '../../main/host/sketches/make-sketches.ts';
import { verifySketches } from '../../main/host/sketches/sketch-file.ts';
import { RandomStream, randomFrom } from '../contract/random-streams.ts';

const SEEDS = Number(process.env.CMDOP_SKETCH_SEEDS ?? 12);
const sought = (text: string, options: Partial<Sought> = {}): Sought => ({ text, regex: false, ignoreCase: false, ...options });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-sketch-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Counts what a search reads. */
const reading = vi.spyOn(Stretches.prototype, 'read');
const sketch = (isEnded = true) => makeSketches({ sessions: [{ folder, isEnded }] });
const sketches = () => readdirSync(folder).filter((name) => name.startsWith('sketch-'));

async function search(wanted: Sought): Promise<{ hits: FoundHit[]; read: number; unsketched: boolean }> {
  const messages: WorkerMessage[] = [];
  reading.mockClear();
  const end = await searchFiles(
    { sessions: [{ session: 'one' as SessionId, folder }], sought: wanted, since: null, limit: 1e9 },
    (message) => messages.push(message),
  );
  expect(end).toEqual({ kind: 'ended', reason: 'complete' });
  const progress = messages.filter(({ kind }) => kind === 'progress');
  const last = progress.at(-1);
  if (last?.kind === 'progress') expect(last.readBytes).toBe(last.totalBytes);
  return {
    hits: messages.flatMap((message) => (message.kind === 'found' ? message.hits : [])),
    read: reading.mock.calls.length,
    unsketched: messages.some(({ kind }) => kind === 'unsketched'),
  };
}

/** What is found by decoding and looking through everything. */
async function plainHits(wanted: Sought): Promise<Pick<FoundHit, 'offset' | 'text' | 'ranges'>[]> {
  const { segments } = findSegments(folder);
  const stretches = new Stretches(folder, segments);
  const matcher = newMatcher(wanted);
  const hits: Pick<FoundHit, 'offset' | 'text' | 'ranges'>[] = [];
  for (let index = segments.length - 1; index >= 0; index--) {
    const stretch = await stretches.read(index);
    if (!stretch) continue;
    const { joined, ownBytes, firstLine, isWholeLine } = stretch;
    const found = searchBytes(joined.subarray(firstLine), matcher, (isWholeLine ? joined.length : ownBytes) - firstLine);
    const from = (segments[index]?.start ?? 0) + firstLine;
    hits.push(...found.reverse().map(({ at, text, ranges }) => ({ offset: from + at, text, ranges })));
  }
  return hits;
}

/** Segments that a host could not pack: as they stand. */
function storeRaw(parts: readonly Uint8Array[]): void {
  let start = 0;
  for (const part of parts) {
    writeFileSync(join(folder, `output-${String(start).padStart(16, '0')}.raw`), part);
    start += part.length;
  }
}

/** As a host stores it: each part that is large enough is a packed segment. */
async function store(...parts: (string | Uint8Array)[]): Promise<void> {
  const log = await OutputLog.open({ folder, budgetBytes: () => 1e9, wallNow: () => 5_000, stored: () => {}, problem: () => {} });
  let at = log.end as number;
  for (const part of parts) {
    log.append(at as Offset, Buffer.from(part));
    at += Buffer.byteLength(part);
    await log.flushed();
  }
  await log.dispose();
}
const MIB = 1024 * 1024;
const filler = (word: string, bytes: number) => `${word} 15 char line\r\n`.repeat(Math.ceil(bytes / (word.length + 15)));

describe('a search of hostile output', () => {
  /** Words that meet colours, moves, redraws, wide characters and controls in their middle. */
  const WORDS = ['needle', 'Straße', 'ſecret Key', 'KELVIN K', '漢字テスト', 'İstanbul', '👩‍💻 code', 'a\tb', 'x\x07yz', 'ÄÖÜ-42'];
  const BREAKS = [
    '\x1b[31m',
    '\x1b[2K',
    '\r',
    '\b',
    '\x1b]0;title\x07',
    '\x1b]8;;http://x\x1b\\',
    '\x1b[3D',
    '\x00',
    '\x1bP1$r',
    '\x1b]',
    '\x1b',
    '',
  ];

  function output(stream: RandomStream): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let count = stream.number(4, 24); count > 0; count--) {
      const word = [...stream.pick(WORDS)];
      const cut = stream.number(0, word.length);
      const broken = word.slice(0, cut).join('') + stream.pick(BREAKS) + word.slice(cut).join('');
      parts.push(Buffer.from(broken), stream.hostile(stream.number(0, 3)), Buffer.from(stream.pick(['\n', '\r\n', ' ', '', 'word '])));
    }
    return Buffer.concat(parts);
  }

  function cut(whole: Uint8Array, stream: RandomStream): Uint8Array[] {
    const places = Array.from({ length: stream.number(0, 5) }, () => stream.number(1, Math.max(1, whole.length - 1)));
    const sorted = [0, ...new Set(places.toSorted((a, b) => a - b)), whole.length];
    return sorted.slice(1).map((to, index) => whole.subarray(sorted[index], to));
  }

  const flipped = (text: string) => [...text].map((c, at) => (at % 2 === 0 ? c.toUpperCase() : c.toLowerCase())).join('');
  const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

  function questions(whole: Uint8Array, stream: RandomStream): Sought[] {
    const text = withoutSequences(Buffer.from(whole).toString());
    const asked: Sought[] = [sought('not in there'), sought('KELVIN k', { ignoreCase: true }), sought('SECRET kEY', { ignoreCase: true })];
    for (let count = 0; count < 8; count++) {
      const from = stream.number(0, Math.max(0, text.length - 1));
      const piece = text.slice(from, from + stream.number(1, 14));
      if (piece === '') continue;
      asked.push(sought(piece), sought(flipped(piece), { ignoreCase: true }));
      const line = piece.split(/[\r\n]/)[0] ?? '';
      const half = Math.floor(line.length / 2);
      const [left, right] = [escaped(line.slice(0, half)), escaped(line.slice(half))];
      for (const expression of [
        `${left}.?${right}`,
        `(${left})${right}x*`,
        `${left}${right}+|zzz`,
        `^.*${right}`,
        `${left}[^\\n]*`,
        `\\b${left}\\S`,
      ])
        if (isExpression(expression)) asked.push(sought(expression, { regex: true, ignoreCase: count % 2 === 0 }));
    }
    return asked;
  }

  test(`finds with sketches what it finds without, in ${SEEDS} outputs cut anywhere`, async () => {
    let spared = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      for (const name of readdirSync(folder)) unlinkSync(join(folder, name));
      const stream = new RandomStream(randomFrom(seed), { cols: 80, rows: 24 });
      const whole = output(stream);
      const parts = cut(whole, stream);
      storeRaw(parts);
      const asked = questions(whole, stream);
      const before = [];
      for (const each of asked) before.push(await plainHits(each));
      await sketch();
      expect(sketches().length, `seed ${seed}`).toBe(parts.length);
      for (const [index, each] of asked.entries()) {
        const after = await search(each);
        const hits = after.hits.map(({ offset, text, ranges }) => ({ offset, text, ranges }));
        expect(hits, `seed ${seed}: ${JSON.stringify(each)}`).toEqual(before[index]);
        spared += parts.length - after.read;
      }
      // What was before or behind is gone: the rest is found as without a sketch.
      const gone = readdirSync(folder).filter((name) => name.startsWith('output-'))[stream.number(0, parts.length - 1)];
      unlinkSync(join(folder, gone ?? ''));
      const known = asked.slice(0, 12);
      const left = [];
      for (const each of known) left.push((await search(each)).hits.map(({ offset, text, ranges }) => ({ offset, text, ranges })));
      for (const name of sketches()) unlinkSync(join(folder, name));
      for (const [index, each] of known.entries())
        expect(left[index], `seed ${seed}: ${JSON.stringify(each)}`).toEqual(await plainHits(each));
    }
    expect(spared).toBeGreaterThan(SEEDS); // else this test would prove nothing
  });

  test('the bytes it looks at are those of the text it shows', () => {
    for (let seed = 1; seed <= SEEDS * 5; seed++) {
      const stream = new RandomStream(randomFrom(seed), { cols: 80, rows: 24 });
      const text = stream.valid(30) + stream.pick(BREAKS) + stream.valid(3);
      expect(Buffer.from(plainBytes(Buffer.from(text)).plain).toString(), `seed ${seed}`).toBe(withoutSequences(text));
    }
  });
});

describe('the sketches of a session', { timeout: 40_000 }, () => {
  const words = async () => {
    await store(`oldest needle\r\n${filler('alpha', 2 * MIB)}`, filler('bravo', 2 * MIB), filler('delta', 2 * MIB), 'the end\r\n');
    await sketch();
  };

  test('spare a search all but what may hold the text, and take little room', async () => {
    await words();
    expect(await search(sought('oldest needle'))).toMatchObject({
      read: 1,
      unsketched: false,
      hits: [{ offset: 0, text: 'oldest needle' }],
    });
    expect((await search(sought('bravo 15'))).read).toBe(2); // its first line ends the segment before
    expect(await search(sought('nothing of it'))).toEqual({ hits: [], read: 0, unsketched: false });
    expect(await search(sought('^the.*end$', { regex: true }))).toMatchObject({ read: 2, hits: [{ text: 'the end' }] });
    expect((await search(sought('ne'))).read).toBe(4); // too short
    expect((await search(sought('[x-z]+', { regex: true }))).read).toBe(4);
    expect(sketches()).toHaveLength(4);
    for (const name of sketches()) expect(statSync(join(folder, name)).size).toBeLessThan(2_000);
  });

  test('find a line that two segments share', async () => {
    await store(`${filler('alpha', 2 * MIB)}\x1b[3`, `1mneed\x1b[0mle across\r\n${filler('bravo', 2 * MIB)}half a nee`, 'dle\r\n');
    await sketch();
    const { hits, read } = await search(sought('needle'));
    expect(hits.map(({ text }) => text)).toEqual(['half a needle', 'needle across']);
    expect(read).toBe(2);
  });

  const damages: Record<string, (path: string) => void> = {
    'a flipped bit': (path) => {
      const file = readFileSync(path);
      file[file.length - 9] = (file[file.length - 9] ?? 0) ^ 4;
      writeFileSync(path, file);
    },
    'only its half': (path) => truncateSync(path, Math.floor(statSync(path).size / 2)),
    'nothing in it': (path) => truncateSync(path, 0),
    'zeros only': (path) => writeFileSync(path, Buffer.alloc(512)),
    'another version': (path) => writeFileSync(path, Buffer.concat([Buffer.from('cmdopsk0'), readFileSync(path).subarray(8)])),
    'the size of a disk': (path) => truncateSync(path, 1024 * MIB),
    'what another one had': (path) => writeFileSync(path, readFileSync(join(folder, sketches()[1] ?? ''))),
  };
  test.each(Object.entries(damages))('with %s are not believed, named by a check, and made again', async (what, damage) => {
    await words();
    const name = sketches()[0] ?? '';
    const right = readFileSync(join(folder, name));
    const isWhole = what === 'what another one had';
    damage(join(folder, name));
    expect(await verifySketches(folder)).toEqual(isWhole ? [] : [{ file: name, reason: expect.stringContaining('made again') }]);
    const found = await search(sought('oldest needle'));
    expect(found).toMatchObject({ unsketched: true, hits: [{ text: 'oldest needle' }] });
    expect((await search(sought('nothing of it'))).read).toBe(1);
    await sketch();
    expect(readFileSync(join(folder, name))).toEqual(right);
    expect(await verifySketches(folder)).toEqual([]);
  });

  test('of output that goes on are not believed, and made again when it is complete', async () => {
    await words();
    await store('the new needle\r\n'); // the same segment, longer
    expect((await search(sought('new needle'))).hits).toMatchObject([{ text: 'the new needle' }]);
    await sketch(false);
    expect((await search(sought('new needle'))).hits).toHaveLength(1);
    await sketch();
    expect(await search(sought('new needle'))).toMatchObject({ read: 1, hits: [{ text: 'the new needle' }] });
  });

  test('of a file that was replaced by one of as much output are not believed, nor is that of the one before', async () => {
    storeRaw([Buffer.from('one two\n'), Buffer.from('three\nfour\n')]);
    await sketch();
    const second = join(folder, 'output-0000000000000008.raw');
    writeFileSync(second, 'other\nelse\n');
    utimesSync(second, 1, 1);
    expect((await search(sought('other'))).hits).toHaveLength(1);
    expect((await search(sought('else'))).hits).toHaveLength(1);
  });

  test('go with their segments, and with what a keeper never printed', async () => {
    await words();
    const log = await OutputLog.open({ folder, budgetBytes: () => 1, wallNow: () => 5_000, stored: () => {}, problem: () => {} });
    await log.trim();
    expect(sketches()).toHaveLength(1);
    await log.cut((log.start + 3) as Offset);
    expect(sketches()).toEqual([]);
    await log.dispose();
  });
});

function isExpression(expression: string): boolean {
  try {
    new QuickLook(sought(expression, { regex: true }));
    new RegExp(expression, 'u');
    return true;
  } catch {
    return false; // it was cut in the middle of something
  }
}
