/** What a fresh client sees equals what an old one saw: cell by cell, with modes, for real programs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareTerminals } from '../contract/compare-terminals.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';

let engine: Engine;
let ann: Person;
let ben: Person;

beforeEach(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  ben = engine.person('ben');
});
afterEach(() => engine.dispose());

/** Both clients have parsed everything the program printed so far. */
async function inStep(...views: Watched[]): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    const { session } = await ann.client.request('session.inspect', { session: 'program' });
    for (const view of views) await view.until(() => view.stream.offset >= session.outputEnd);
    const again = await ann.client.request('session.inspect', { session: 'program' });
    quiet = again.session.outputEnd === session.outputEnd ? quiet + 1 : 0;
  }
}

const PROGRAMS: [name: string, command: string, keys: string[], seen: string | RegExp][] = [
  ['vim with a file being edited', 'vim -n -u NONE -c "set number mouse=a" ports', ['10G', 'ihello wörld 漢字 😀\x1b', 'V3j'], '漢字'],
  ['less, searched and scrolled', 'less -N ports', ['\x20', '/http\r'], 'http'],
  [
    'a progress bar',
    String.raw`i=0; while [ $i -lt 40 ]; do i=$((i+1)); printf '\r\033[32m[%-40s]\033[0m %d%%' "$(printf '#%.0s' $(seq $i))" $i; done; printf '\ndone\n'; cat`,
    [],
    'done',
  ],
  [
    'wide, combining and emoji cells',
    String.raw`printf '漢字 e\314\201 \360\237\221\250\342\200\215\360\237\221\251 \360\237\207\251\360\237\207\252 \033[1;4;38;2;10;20;30mbold\033[0m\n%s' ready; cat`,
    [],
    'ready',
  ],
  [
    'a scroll region, saved cursor, hidden cursor, mouse and title',
    String.raw`printf '\033[3;10r\033[5;5H\0337\033[?25l\033[?1002;1006h\033]2;my title\007\033[?2004h\033[4 qready'; cat`,
    [],
    'ready',
  ],
  ['line drawing and tab stops', String.raw`printf '\033[3g\033[1;9H\033H\r\033(0lqqk\033(B\tready'; cat`, [], 'ready'],
  ['the last column, waiting to wrap', "printf '%079dX' 0; cat", [], 'X'],
];

test.each(PROGRAMS)('%s', async (_name, command, keys, seen) => {
  // A file of the test's own: nothing of the machine's is opened for writing.
  writeFileSync(
    join(engine.home, 'ports'),
    Array.from({ length: 200 }, (_, n) => `${n === 90 ? 'http' : `port-${n}`}\t\t${n}/tcp\n`).join(''),
  );
  await ann.client.request('session.create', {
    name: 'program',
    command: ['/bin/sh', '-c', `stty -echo; ${command}`],
    cwd: engine.home,
    size: { cols: 80, rows: 24 },
  });
  const old = ann.attach('program', { size: { cols: 80, rows: 24 } });
  for (const key of keys) {
    // A program that is still starting may throw away what is typed.
    await old.until(() => old.text().trim() !== '');
    await inStep(old);
    await old.type(key);
  }
  await old.until(() => (typeof seen === 'string' ? old.text().includes(seen) : seen.test(old.text())));
  const fresh = ben.attach('program');
  await inStep(old, fresh);
  expect(compareTerminals(fresh.view.terminal, old.view.terminal)).toEqual([]);
  const scrolled = ben.attach('program', { scrollback: 5000 });
  await inStep(old, scrolled);
  expect(compareTerminals(scrolled.view.terminal, old.view.terminal)).toEqual([]);
});

test('htop, which never stands still, is the same screen at the same offset', async () => {
  await ann.client.request('session.create', { name: 'program', command: ['htop', '-d', '5'], cwd: '/', size: { cols: 100, rows: 30 } });
  const old = ann.attach('program', { size: { cols: 100, rows: 30 } });
  await old.until('F10');
  const fresh = ben.attach('program');
  await fresh.until('F10');
  await ann.client.request('session.kill', { session: 'program', signal: 'SIGSTOP' });
  await inStep(old, fresh);
  expect(compareTerminals(fresh.view.terminal, old.view.terminal)).toEqual([]);
});

test('scrollback asked for is there, after a crash of the host too', async () => {
  await ann.client.request('session.create', { name: 'program', command: ['/bin/sh', '-c', 'seq 1 20000; echo end; cat'], cwd: '/' });
  const old = ann.attach('program', { scrollback: 10_000 });
  await old.until('\nend');
  await engine.killHost();
  await engine.startHost();
  const fresh = ben.attach('program', { scrollback: 10_000 });
  await fresh.until('\nend');
  await inStep(old, fresh);
  expect(compareTerminals(fresh.view.terminal, old.view.terminal, { scrollback: 10_000 })).toEqual([]);
  const lines = fresh
    .text()
    .split('\n')
    .filter((line) => /^\d+$/.test(line))
    .map(Number);
  expect(lines.length).toBeGreaterThan(10_000);
  expect(lines).toEqual(lines.map((_, i) => (lines[0] ?? 0) + i));
});

test('a resize lies at its place in the stream: both have the same screen after it', async () => {
  await ann.client.request('session.create', {
    name: 'program',
    command: ['/bin/sh', '-c', 'seq -s " " 1 400; cat'],
    cwd: '/',
    size: { cols: 80, rows: 24 },
  });
  const old = ann.attach('program', { size: { cols: 80, rows: 24 } });
  await old.until('400');
  for (const size of [
    { cols: 40, rows: 24 },
    { cols: 120, rows: 12 },
    { cols: 60, rows: 30 },
  ]) {
    old.stream.resize(size);
    await old.until(() => old.view.terminal.cols === size.cols);
    await old.type(`now ${size.cols}\r`);
    await old.until(`now ${size.cols}`);
  }
  const fresh = ben.attach('program', { scrollback: 1000 });
  await inStep(old, fresh);
  expect(compareTerminals(fresh.view.terminal, old.view.terminal)).toEqual([]);
});
