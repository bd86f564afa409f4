/** `cmdop export --format archive`: everything about a session in one file, read without cmdop. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommandRecord, JournalEvent } from '#protocol/shapes.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
let folder = '';
beforeAll(async () => {
  cmdop = await startCmdop({ actor: 'ann' });
  await cmdop.ok('new', 'a work of art!', '--detach');
  await cmdop.ok('run', 'a work of art!', '--', 'printf "\\033[31mred\\033[m\\n"');
  await cmdop.run('run', 'a work of art!', '--as', 'ben', '--', 'false');
  const file = join(cmdop.home, 'art.tar.gz');
  await cmdop.ok('export', 'a work of art!', '--format', 'archive', '-o', file);
  // The system's own tar.
  expect(spawnSync('tar', ['-xzf', file, '-C', join(cmdop.home, 'work')]).status).toBe(0);
  folder = join(cmdop.home, 'work', 'cmdop-a-work-of-art-');
});
afterAll(() => cmdop.dispose());

const read = (name: string) => readFileSync(join(folder, name));
const lines = <T>(name: string): T[] =>
  read(name)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('every file of it is in the manifest with its hash, and none besides', () => {
  const { files } = JSON.parse(read('manifest.json').toString()) as { files: { path: string; bytes: number; sha256: string }[] };
  for (const { path, bytes, sha256 } of files)
    expect([path, read(path).length, createHash('sha256').update(read(path)).digest('hex')]).toEqual([path, bytes, sha256]);
  expect(readdirSync(folder).sort()).toEqual(['README.txt', 'manifest.json', ...files.map(({ path }) => path)].sort());
  expect(read('README.txt').toString()).toContain('commands.jsonl');
});

test('it has output, commands, journal, screen and what the session was', () => {
  expect(read('output.raw').includes('\x1b[31mred\x1b[m')).toBe(true);
  expect(JSON.parse(read('gaps.json').toString())).toEqual([]);
  expect(read('output.txt').toString()).toContain('\nred\n');
  expect(JSON.parse(read('output.cast').toString().split('\n')[0] ?? '')).toMatchObject({ version: 3 });
  expect(lines<CommandRecord>('commands.jsonl').map(({ submitter, exitCode }) => [submitter?.name, exitCode])).toEqual([
    ['ann', 0],
    ['ben', 1],
  ]);
  expect(lines<JournalEvent>('journal.jsonl').map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['session', 'attach', 'input', 'command']),
  );
  expect(JSON.parse(read('screen.json').toString()).lines.join('\n')).toContain('red');
  expect(JSON.parse(read('session.json').toString())).toMatchObject({ session: { name: 'a work of art!', state: 'running' } });
});

test('output that is damaged on disk is a gap, named with its range', async () => {
  await cmdop.ok('new', 'long', '--detach', '--', 'bash', '-c', 'head -c 8000000 /dev/urandom | base64 -w 100');
  const { id, outputEnd } = await cmdop.untilEnded('long');
  const sessions = join(cmdop.home, 'state', 'sessions', id);
  const second = () =>
    readdirSync(sessions)
      .filter((name) => /^output-.*\.zst$/.test(name))
      .sort()[1] ?? '';
  await expect.poll(() => existsSync(join(sessions, second() || 'none')), { timeout: 20_000 }).toBe(true);
  await cmdop.ok('host', 'stop');
  writeFileSync(join(sessions, second()), 'damaged');
  const file = join(cmdop.home, 'long.tar.gz');
  await cmdop.ok('export', 'long', '--format', 'archive', '-o', file);
  spawnSync('tar', ['-xzf', file, '-C', join(cmdop.home, 'work')]);
  folder = join(cmdop.home, 'work', 'cmdop-long');
  const [gap] = JSON.parse(read('gaps.json').toString()) as { from: number; to: number }[];
  expect(gap).toMatchObject({ from: Number(/^output-(\d+)/.exec(second())?.[1]) });
  expect(read('output.raw').length).toBe(outputEnd - ((gap?.to ?? 0) - (gap?.from ?? 0)));
});
