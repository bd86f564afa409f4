/** Screens of the past: at any place of a session's output, what a terminal that parsed all before it shows, cell for cell. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import type { Size } from '#protocol/shapes.ts';
import { compareTerminals } from '../contract/compare-terminals.ts';
import { RandomStream, randomFrom } from '../contract/random-streams.ts';
import { newTerminal } from '../contract/terminals.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';

const SIZES: readonly Size[] = [
  { cols: 80, rows: 24 },
  { cols: 97, rows: 31 },
];
const MIB = 1024 * 1024;
const PLACES = 9;

let engine: Engine;
let ann: Person;
let seen: Watched;
let output: Buffer;
let sizes: { offset: number; size: Size }[];

beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  const random = randomFrom(20261122);
  for (const [at, name] of ['one', 'two'].entries()) {
    const stream = new RandomStream(random, SIZES[at] ?? { cols: 80, rows: 24 });
    const parts: string[] = [];
    // Random output with plain lines between, as programs mix them.
    for (let length = 0; length < 1.7 * MIB; length += parts.at(-1)?.length ?? 0)
      parts.push(stream.valid(40), '\x1b[?1049l\x1bc\x1b[m', 'a line of a build log, long enough to matter\r\n'.repeat(60));
    writeFileSync(join(engine.home, name), parts.join(''));
  }
  const command = [
    'sh',
    '-c',
    'stty -echo raw; cat one; printf "\\033[?1049l\\033cbetween"; until [ -e go ]; do sleep 0.05; done; cat two; printf "\\033c the end"; exec sleep 60',
  ];
  await ann.client.request('session.create', { name: 'long', command, cwd: engine.home, size: { cols: 80, rows: 24 } });
  seen = ann.attach('long', { size: { cols: 80, rows: 24 } });
  await seen.until('between');
  seen.stream.resize(SIZES[1] ?? { cols: 80, rows: 24 });
  await seen.until(() => seen.view.terminal.cols === 97);
  writeFileSync(join(engine.home, 'go'), '');
  await seen.until('the end');
  const parts: Buffer[] = [];
  for (let from = 0; from < (await end()); ) {
    const read = await ann.client.request('output.read', { session: 'long', from: from as Offset, max: 512 * 1024 });
    parts.push(Buffer.from(read.bytes, 'base64'));
    from = read.to;
  }
  output = Buffer.concat(parts);
  ({ sizes } = await ann.client.request('output.timeline', { session: 'long', from: 0 as Offset }));
}, 60_000);
afterAll(() => engine.dispose());

const end = async () => (await ann.client.request('session.inspect', { session: 'long' })).output.end;

/** Compares the host's screens with a terminal that parses everything once. */
async function differences(): Promise<string[]> {
  const random = randomFrom(7);
  const places = Array.from({ length: PLACES }, () => Math.floor(random() * output.length)).concat(output.length);
  const { terminal, write, repairs } = newTerminal(sizes[0]?.size ?? { cols: 80, rows: 24 });
  const found: string[] = [];
  let at = 0;
  let resizes = sizes.slice(1);
  for (const place of places.sort((a, b) => a - b)) {
    const screen = await ann.client.request('replay.screen', { session: 'long', offset: place as Offset });
    expect(place - screen.offset).toBeLessThan(200);
    expect(screen.isExact).toBe(true);
    while (at < screen.offset || (resizes[0] && resizes[0].offset <= screen.offset)) {
      const to = Math.min(screen.offset, resizes[0]?.offset ?? screen.offset);
      write(output.subarray(at, to));
      at = to;
      for (; resizes[0] && resizes[0].offset <= at; resizes = resizes.slice(1)) terminal.resize(resizes[0].size.cols, resizes[0].size.rows);
    }
    repairs.settle();
    const shown = newTerminal(screen.size);
    shown.write(screen.text);
    found.push(...compareTerminals(shown.terminal, terminal, { limit: 2 }).map((each) => `at ${screen.offset}: ${each}`));
  }
  return found;
}

describe('a place of the past', () => {
  test('is drawn as it was, whatever was printed before and however large the terminal was then', async () => {
    expect(sizes.map(({ size }) => size)).toEqual(SIZES);
    expect(await differences()).toEqual([]);
  });

  test('is drawn the same by the next host, which was never told of it', async () => {
    await engine.killHost();
    await engine.startHost();
    await ann.client.whenConnected();
    await ann.until(() => ann.client.state.is === 'connected');
    expect(await differences()).toEqual([]);
  });

  test('is drawn the same from screens made for it, where none were kept or they are damaged; nobody who waits ends that', async () => {
    const [session] = (await ann.client.request('session.list', {})).sessions;
    const folder = join(engine.home, 'state', 'sessions', session?.id ?? '');
    const kept = () => readdirSync(folder).filter((name) => /^screen-\d+\.zst$/.test(name));
    rmSync(join(folder, 'checkpoints.jsonl'));
    for (const name of kept()) rmSync(join(folder, name));
    expect(await ann.client.request('replay.prepare', { session: 'long' })).toEqual({ isPrepared: true });
    expect(kept().length).toBeGreaterThan(1);
    expect(await differences()).toEqual([]);
    // Bits turned over, a file cut off, and one that is somebody's else.
    for (const [at, name] of kept().entries()) {
      const file = join(folder, name);
      const bytes = readFileSync(file);
      bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
      writeFileSync(file, at === 0 ? bytes : bytes.subarray(0, 40));
    }
    const screen = await ann.client.request('replay.screen', { session: 'long', offset: output.length as Offset });
    expect([screen.isExact, screen.text.includes('the end')]).toEqual([true, true]); // parsed from the beginning
    expect(await ann.client.request('replay.prepare', { session: 'long' })).toEqual({ isPrepared: true });
    expect(await differences()).toEqual([]);
    for (const name of kept()) rmSync(join(folder, name));
    const left = ann.client.request('replay.prepare', { session: 'long' });
    await ann.client.request('replay.cancel', { session: 'long' });
    expect(await left).toEqual({ isPrepared: false });
  });

  test('behind a hole it is said to be a guess, and no screen is made of it', async () => {
    const [session] = (await ann.client.request('session.list', {})).sessions;
    const folder = join(engine.home, 'state', 'sessions', session?.id ?? '');
    const segments = readdirSync(folder).filter((name) => name.startsWith('output-'));
    const [first = ''] = segments;
    expect(segments.length).toBeGreaterThan(1);
    rmSync(join(folder, first));
    await ann.client.request('replay.prepare', { session: 'long' });
    expect(readdirSync(folder).filter((name) => name.startsWith('screen-'))).toEqual([]);
    const late = await ann.client.request('replay.screen', { session: 'long', offset: output.length as Offset });
    expect([late.isExact, late.text.includes('the end')]).toEqual([false, true]);
  });
});
