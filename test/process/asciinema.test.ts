/** `export --format asciicast-v2` in the asciinema that Debian has (2.x): it takes the file, and leaves the screen of the session. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareTerminals } from '../contract/compare-terminals.ts';
import { newTerminal } from '../contract/terminals.ts';
import { type LightClient, lightClient } from './load/light-client.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';
import { openTerminal } from './test-terminal.ts';

const hasAsciinema = /^asciinema 2\./.test(spawnSync('asciinema', ['--version'], { encoding: 'utf8' }).stdout ?? '');

let cmdop: TestCmdop;
let client: LightClient;
const file = () => join(cmdop.home, 'show.cast');
const events = () =>
  readFileSync(file(), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line): [number, string, string] => JSON.parse(line));

beforeAll(async () => {
  cmdop = await startCmdop();
  await cmdop.ok('new', 'show', '--detach', '--cwd', cmdop.home);
  client = lightClient(cmdop.home, 'reader');
  writeFileSync(join(cmdop.home, 'poem'), 'one\ntwo 你好\nthree\n');
  const run = (as: string, line: string) => cmdop.ok('--as', as, 'run', 'show', '--', line);
  await run('ann', 'seq 1 100; for i in 1 9 16 99 250; do printf "\\033[38;5;%dm fg \\033[0;48;5;%dm bg \\033[0m" $i $i; done; echo');
  await run('"><b>bob', "vim -u NONE -c 'normal oadded' -c wq poem");
  await run('ann', 'cat poem; printf "\\033[1;4;31mbold\\033[0;38;2;10;200;30mtrue\\033[0m e\\u0301 🙂 👩\\u200d👩 end\\n"');
  await cmdop.ok('export', 'show', '--format', 'asciicast-v2', '-o', file());
});
afterAll(async () => {
  client.close();
  await cmdop.dispose();
});

test('has a header of v2, times from the beginning on, and a marker for every command with its actor', () => {
  const header = JSON.parse(readFileSync(file(), 'utf8').split('\n')[0] ?? '');
  expect(header).toMatchObject({ version: 2, width: 80, height: 24, timestamp: expect.any(Number), env: { TERM: 'xterm-256color' } });
  const times = events().map(([at]) => at);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(
    events()
      .filter(([, code]) => code === 'm')
      .map(([, , label]) => label.replace(/ .*/s, '')),
  ).toEqual(['ann:', '"><b>bob:', 'ann:']);
  expect(new Set(events().map(([, code]) => code))).toEqual(new Set(['o', 'm']));
});

describe.runIf(hasAsciinema)('the real program', () => {
  /** What it prints to a terminal of its own. */
  async function printed(...args: string[]): Promise<string> {
    const terminal = openTerminal(['asciinema', ...args], { cols: 80, rows: 24, cwd: cmdop.home, env: { ...cmdop.env } });
    const { code } = await terminal.exited;
    const raw = terminal.raw();
    terminal.dispose();
    expect([code, code === 0 ? '' : raw]).toEqual([0, '']);
    return raw;
  }

  test('cat and play end with the screen of the session, cell for cell, combining characters too', async () => {
    const { outputEnd } = (await client.client.request('session.inspect', { session: 'show' })).session;
    const screen = await client.client.request('replay.screen', { session: 'show', offset: outputEnd });
    const expected = newTerminal(screen.size);
    expected.write(screen.text);
    for (const args of [
      ['cat', file()],
      ['play', '--idle-time-limit', '0.01', '--speed', '1000', file()],
    ]) {
      const actual = newTerminal(screen.size);
      actual.write(await printed(...args));
      for (const { repairs } of [actual, expected]) repairs.settle();
      // The shell's marks, which no export has, end what a combining character would be joined to.
      const found = compareTerminals(actual.terminal, expected.terminal).filter((difference) => !difference.startsWith('joinable'));
      expect(found).toEqual([]);
    }
  });

  test('takes a recording with changes of size and an end', async () => {
    await cmdop.ok('size', 'show', '90x20');
    await cmdop.ok('send', 'show', 'exit', '--enter');
    await cmdop.untilEnded('show');
    await cmdop.ok('export', 'show', '--format', 'asciicast-v2', '-o', file());
    expect(events().filter(([, code]) => code === 'r')).toEqual([[expect.any(Number), 'r', '90x20']]);
    expect(await printed('cat', file())).toContain('exit');
  });
});
