/** A program that prints combining characters without end costs what any other flood costs. Linux. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { residentBytes } from './load/host-processes.ts';

const MIB = 1024 * 1024;
const FLOOD_BYTES = 16 * MIB;

let engine: Engine;
let ann: Person;
beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'idle', command: ['/bin/cat'], cwd: '/' });
});
afterAll(() => engine.dispose());

/** Prints `first`, and then `again` without end, up to so many bytes. */
async function flood(name: string, first: string, again: string) {
  const program = `
    process.stdout.write(${JSON.stringify(first)});
    const part = ${JSON.stringify(again)}.repeat(65536 / Buffer.byteLength(${JSON.stringify(again)}));
    for (let left = ${FLOOD_BYTES / 65536}; left > 0; left--) process.stdout.write(part);
    setInterval(() => {}, 1e6);`;
  const { session } = await ann.client.request('session.create', { name, command: [nodePath(), '-e', program], cwd: '/' });
  let slowestMs = 0;
  for (;;) {
    const from = performance.now();
    await ann.client.request('session.screen', { session: 'idle' });
    slowestMs = Math.max(slowestMs, performance.now() - from);
    const screen = await ann.client.request('session.screen', { session: name });
    if (screen.offset >= FLOOD_BYTES) break;
  }
  const folder = join(engine.home, 'state', 'sessions', session.id);
  // The host goes on writing there: what is listed may have got its last name since.
  const bytesOf = (file: string) => statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0;
  const diskBytes = readdirSync(folder).reduce((sum, file) => sum + bytesOf(file), 0);
  return { slowestMs, diskBytes, memoryBytes: residentBytes(engine.host?.pid ?? 0) };
}

test.runIf(process.platform === 'linux')(
  'combining characters without end take no more memory, disk and time than letters do',
  async () => {
    const letters = await flood('letters', '', 'abcdefg ');
    const accents = await flood('accents', 'e', '\u0301');
    expect(accents.memoryBytes - letters.memoryBytes).toBeLessThan(100 * MIB);
    expect(accents.diskBytes).toBeLessThan(FLOOD_BYTES);
    expect(accents.slowestMs).toBeLessThan(3 * letters.slowestMs + 1000);
    const screen = await ann.client.request('session.screen', { session: 'accents' });
    expect(screen.lines[0]).toMatch(/^e\u0301+$/);
    // Who attaches is sent a screen, not all that was printed.
    const view = ann.attach('accents');
    await view.until('e\u0301');
    expect(view.view.terminal.buffer.active.getLine(0)?.getCell(0)?.getChars()).toBe(screen.lines[0]);
  },
  120_000,
);
