/** The largest screen that a terminal may have, full: whoever asks for it gets what fits, and everybody else notices nothing. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { MAX_FRAME_BYTES } from '#protocol/frames.ts';
import type { Offset } from '#protocol/ids.ts';
import { newTerminal } from '../contract/terminals.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { CLI, startAgent, type TestAgent } from './mcp-client.ts';

const SIZE = { cols: 2000, rows: 2000 };

let engine: Engine;
let ann: Person;
let agent: TestAgent;
beforeAll(async () => {
  engine = openEngine();
  engine.policy();
  await engine.startHost();
  ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'idle', command: ['/bin/cat'], cwd: '/' });
  agent = await startAgent(engine.env);
});
afterAll(async () => {
  await agent.close();
  await engine.dispose();
});

type Full = {
  /** Text of a row, a function of its number. */
  row: string;
  firstCell: string;
  /** What is told of it as text, and at a place of the past, is not all of it. */
  isCut: boolean;
  /** A replay begins too near to have drawn all of it. */
  isGuess?: boolean;
};
const SCREENS: Record<string, Full> = {
  'wide characters': { row: `() => '漢'.repeat(1000)`, firstCell: '漢', isCut: true },
  'cells of 256 colours': {
    row: `(row) => Array.from({ length: 2000 }, (_, col) => '\\x1b[48;5;' + ((row + col) & 255) + 'mx').join('')`,
    ...{ firstCell: 'x', isCut: true, isGuess: true },
  },
  'letters with accents': { row: `() => 'e\\u0301\\u0302'.repeat(2000)`, firstCell: 'e', isCut: true, isGuess: true },
  'short lines': { row: `(row) => row + (row < 1999 ? '\\r\\n' : '')`, firstCell: '0', isCut: false },
};

test.each(Object.keys(SCREENS))('a screen of 2000 × 2000 full of %s', { timeout: 300_000 }, async (what) => {
  const { row, firstCell, isCut, isGuess } = SCREENS[what] as Full;
  const lastCell = isCut ? firstCell : '1';
  const name = what.replaceAll(' ', '-');
  const file = join(engine.home, `${name}.cjs`);
  writeFileSync(
    file,
    `const rowText = ${row};
    for (let row = 0; row < 2000; row++) process.stdout.write(rowText(row));
    process.stdout.write('\\x1b]0;drawn ${'t'.repeat(100_000)}\\x07');
    setInterval(() => {}, 1e6);`,
  );
  const { session } = await ann.client.request('session.create', { name, command: [nodePath(), file], cwd: '/', size: SIZE });
  await ann.until(() => ann.sessions.some((each) => each.id === session.id && each.title.startsWith('drawn')));

  const screen = await ann.client.request('session.screen', { session: name });
  expect([screen.isCut ?? false, screen.lines.length, screen.size]).toEqual([isCut, SIZE.rows, SIZE]);
  expect(screen.lines.every((line) => line.startsWith(isCut ? firstCell : '') && line.endsWith('…') === isCut)).toBe(true);
  if (isCut) expect(Buffer.byteLength(JSON.stringify(screen))).toBeGreaterThan(MAX_FRAME_BYTES / 2);
  expect(screen.title).toMatch(/^drawn t{4000,5000}$/);
  expect((await ann.client.request('session.inspect', { session: name })).session.id).toBe(session.id);

  // Who attaches sees every letter of it.
  const eve = engine.person(`eve ${name}`);
  const view = eve.attach(name);
  const cell = (terminal: typeof view.view.terminal, row: number, col: number) =>
    terminal.buffer.active
      .getLine(terminal.buffer.active.baseY + row)
      ?.getCell(col)
      ?.getChars();
  await view.until(() => (cell(view.view.terminal, SIZE.rows - 1, 0) ?? '') !== '');
  expect([view.refusals, view.view.terminal.cols, view.view.terminal.rows]).toEqual([[], SIZE.cols, SIZE.rows]);
  expect(cell(view.view.terminal, 0, 0)?.[0]).toBe(firstCell);
  expect(cell(view.view.terminal, SIZE.rows - 1, isCut ? SIZE.cols - 2 : 0)?.[0]).toBe(lastCell);

  const past = await ann.client.request('replay.screen', { session: name, offset: screen.offset, scrollback: 500 });
  const drawn = newTerminal(SIZE, { scrollback: 500 });
  drawn.write(past.text);
  expect([past.size, past.isExact, cell(drawn.terminal, 0, 0)?.[0]]).toEqual([SIZE, !isGuess, firstCell]);
  if (!isGuess) expect([past.isPlain ?? false, cell(drawn.terminal, SIZE.rows - 1, 0)?.[0]]).toEqual([isCut, lastCell]);

  const read = await agent.ok('screen_read', { session: name });
  expect([(read.value.untrustedLines as string[]).length, read.text.includes('its longest lines cut')]).toEqual([SIZE.rows, isCut]);
  const { contents } = await agent.client.readResource({ uri: `${session.address}/screen` });
  expect(contents).toHaveLength(1);
  const shown = await promisify(execFile)(nodePath(), [CLI, 'screen', name], { env: engine.env, maxBuffer: 16 * 1024 * 1024 });
  expect(shown.stdout.split('\n').length).toBe(SIZE.rows + 1);
  expect(shown.stderr.includes('more than an answer holds: its longest lines are cut')).toBe(isCut);

  await ann.client.request('session.kill', { session: name, signal: 'SIGKILL' });
  expect((await ann.client.request('session.screen', { session: 'idle' })).size).toEqual({ cols: 80, rows: 24 });
  expect(engine.host?.exitCode).toBe(null);
});

test('lines above a coloured screen come as many as an answer holds, with their colours', { timeout: 60_000 }, async () => {
  const file = join(engine.home, 'rainbow.cjs');
  writeFileSync(
    file,
    `for (let row = 0; row < 1000; row++) {
      process.stdout.write(Array.from({ length: 80 }, (_, col) => '\\x1b[38;2;' + (row & 255) + ';' + col + ';200;48;2;1;2;' + (col + row & 255) + 'mx').join('') + '\\r\\n');
    }
    process.stdout.write('\\x1b]0;rainbow\\x07');
    setInterval(() => {}, 1e6);`,
  );
  // Of what a replay draws from, half has to be left out at this height, wherever it begins.
  const size = { cols: 80, rows: 150 };
  await ann.client.request('session.create', { name: 'rainbow', command: [nodePath(), file], cwd: '/', size });
  await ann.until(() => ann.sessions.some(({ title }) => title === 'rainbow'));
  const { offset } = await ann.client.request('session.screen', { session: 'rainbow' });
  const past = await ann.client.request('replay.screen', { session: 'rainbow', offset: offset as Offset, scrollback: 500 });
  expect(past.isPlain).toBeUndefined();
  expect(Buffer.byteLength(JSON.stringify(past))).toBeGreaterThan(MAX_FRAME_BYTES * 0.9);
  const { terminal, write } = newTerminal(size, { scrollback: 1000 });
  write(past.text);
  const { active } = terminal.buffer;
  expect(active.baseY).toBeGreaterThan(80);
  expect([active.getLine(0)?.getCell(5)?.getChars(), active.getLine(0)?.getCell(5)?.isFgRGB()]).toEqual(['x', true]);
});
