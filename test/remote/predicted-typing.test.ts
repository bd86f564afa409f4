/**
 * Typing ahead of the echo in an attached terminal: two real terminals show one session behind a real sshd and a network
 * of 150 ms of round trip. In one typing is foretold; in the other never, so it shows what has to be seen in the end.
 */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { compareTerminals } from '../contract/compare-terminals.ts';
import { quantile } from '../process/load/typists.ts';
import type { TestTerminal } from '../process/test-terminal.ts';
import { type Far, startFar } from './far.ts';
import { type Network, startNetwork } from './network.ts';
import { type ClientFolder, clientFolder } from './sshd.ts';

const ROUND_TRIP_MS = 150;
const COLS = 60;
const ROWS = 12;
const PROMPT = /^\$$/m;
/** Nothing else here is underlined. */
const UNDERLINES = /\x1b\[(?:\d+;)*4m/;
const PATIENCE = { timeout: 15_000, interval: 10 };

let far: Far;
let network: Network;
let ssh: ClientFolder;
beforeAll(async () => {
  far = await startFar();
  network = await startNetwork(far.sshd.port);
  const knownHostsLines = far.sshd.knownHostsLines.map((line) => line.replace(`:${far.sshd.port} `, `:${network.port} `));
  ssh = clientFolder({ ...far.sshd, port: network.port, knownHostsLines });
  cpSync(join(ssh.folder, '.ssh'), join(far.near.home, '.ssh'), { recursive: true });
});
afterAll(async () => {
  network.dispose();
  await far.dispose();
  rmSync(ssh.folder, { recursive: true, force: true });
});

let count = 0;
/** Typed into; and the same session without prediction. */
let typist: TestTerminal;
let plain: TestTerminal;
beforeEach(async () => {
  network.setDelay(0);
  const name = `work${++count}`;
  typist = far.near.terminal(['-H', 'devbox', 'new', name], { cols: COLS, rows: ROWS });
  await typist.until(PROMPT);
  plain = far.near.terminal(['-H', 'devbox', 'attach', name, '--observe', '--predict', 'never'], { cols: COLS, rows: ROWS });
  await plain.until(PROMPT);
  network.setDelay(ROUND_TRIP_MS / 2);
  // The round trip is measured by what is typed.
  await typeSlowly(': : : : ', ROUND_TRIP_MS);
  await run('clear', (lines) => lines.join('').trim() === '$');
});
afterEach(() => {
  network.heal();
  for (const terminal of [typist, plain]) terminal.dispose();
});

const isSame = () => compareTerminals(typist.terminal, plain.terminal);
/** Nothing is under way, and both terminals show the same, down to the style in which they would print. */
const settled = () => expect.poll(isSame, PATIENCE).toEqual([]);

/** As a person does: each key in a unit of its own. */
async function typeSlowly(keys: Iterable<string>, everyMs = 20): Promise<void> {
  for (const key of keys) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    typist.type(key);
  }
}

/** Types letters from column `col` on until one of them is foretold, and waits for their echo; answers all of them. */
async function proven(col = '$ '.length): Promise<string> {
  let typed = '';
  await expect.poll(() => cursor(plain), PATIENCE).toBe(col);
  for (const key of 'abcdefghijklmnopqrstuvwxyz') {
    const from = typist.raw().length;
    await typeSlowly(key, 60);
    typed += key;
    await expect.poll(() => cursor(plain), PATIENCE).toBe(col + typed.length);
    await settled();
    if (UNDERLINES.test(typist.raw().slice(from))) return typed;
  }
  throw new Error(`nothing was foretold of ${typed}`);
}

async function run(command: string, fits: string | RegExp | ((lines: string[]) => boolean)): Promise<void> {
  typist.type(`\x15${command}\r`);
  await plain.until(fits);
  await settled();
}

/** The underlined cells of a terminal's row of the cursor. */
function underlined({ terminal }: TestTerminal): string {
  const { active } = terminal.buffer;
  const line = active.getLine(active.baseY + active.cursorY);
  const cells = Array.from({ length: terminal.cols }, (_, col) => line?.getCell(col));
  return cells.map((cell) => (cell?.isUnderline() ? cell.getChars() || ' ' : '')).join('');
}

const cursor = ({ terminal }: TestTerminal) => terminal.buffer.active.cursorX;

describe('over a slow link', () => {
  test('what is typed stands underlined before its echo can have come, and plain when it has', async () => {
    const line = `$ ${await proven()}`;
    network.stall();
    typist.type('o hi');
    await expect.poll(() => underlined(typist), PATIENCE).toBe('ohi');
    expect(cursor(typist)).toBe(line.length + 4);
    expect(plain.text()).toBe(line);
    network.heal();
    await plain.until(`${line}o hi`);
    await settled();
    expect(underlined(typist)).toBe('');
    expect(typist.text()).toBe(`${line}o hi`);
  });

  test('keys that edit at the end of a line are foretold, and leave it as it would be without', async () => {
    const line = `$ ${await proven()}`;
    network.stall();
    typist.type('xyz');
    await expect.poll(() => underlined(typist), PATIENCE).toBe('xyz');
    typist.type('\x7f\x7f');
    await expect.poll(() => underlined(typist), PATIENCE).toBe('x');
    typist.type('\x7f\x7f');
    await expect.poll(() => cursor(typist), PATIENCE).toBe(line.length - 1);
    expect(typist.text()).toBe(line.slice(0, -1));
    network.heal();
    await expect.poll(() => plain.text(), PATIENCE).toBe(line.slice(0, -1));
    await settled();
    typist.type('\x1b[D12\x1b[C\x05 e\x7fnd\x01# ');
    await plain.until((lines) => /^\$ # \w*12\w? nd$/.test(lines[0] ?? ''));
    await settled();
  });

  test('a line that wraps at the right margin is as without', async () => {
    const typed = await proven();
    const letters = Array.from({ length: COLS }, (_, at) => String.fromCharCode(0x41 + (at % 26)));
    await typeSlowly(letters);
    await plain.until((lines) => `${lines[0]}${lines[1]}` === `$ ${typed}${letters.join('')}`);
    await settled();
    await typeSlowly(Array.from({ length: COLS / 2 }, () => '\x7f'));
    await plain.until((lines) => `${lines[0]}${lines[1]}` === `$ ${typed}${letters.slice(0, COLS / 2).join('')}`);
    await settled();
  });

  test('nothing is shown of what may be a password', async () => {
    await run(`sh -c 'printf "unlock "; stty -echo; read it; stty echo; printf "\\nPassword: "; read it; echo do""ne'`, /^unlock$/m);
    let from = typist.raw().length;
    await typeSlowly('zqzqzqzq', 40);
    typist.type('\r');
    await plain.until('Password:');
    await typist.until('Password:');
    expect(typist.raw().slice(from)).not.toMatch(/[zq]/);
    // Even where a program echoes it, it is not shown before.
    from = typist.raw().length;
    await typeSlowly('zqzqzqzq', 40);
    typist.type('\r');
    await plain.until(/^done$/m);
    await settled();
    expect(typist.raw().slice(from)).not.toMatch(UNDERLINES);
  });

  test('output that comes in the middle of typing is shown as without', async () => {
    const gate = join(far.home, `gate${count}`);
    await run(
      `{ until [ -e ${gate} ]; do sleep 0.02; done; printf '\\033[1;31mred'; sleep 0.1; printf '\\033[m\\r\\033[3A\\0337one\\n\\ntwo\\n'; } &`,
      /^\[1\]/m,
    );
    typist.type('\x15');
    await proven();
    network.stall();
    typist.type('o among');
    await expect.poll(() => underlined(typist), PATIENCE).toBe('oamong');
    writeFileSync(gate, '');
    network.heal();
    await plain.until(/^two/m); // the line that was typed has the word as well
    await typeSlowly(' more keys');
    await plain.until('more keys');
    await settled();
  });

  test('a full-screen program is as without', async () => {
    await run('vim -u NONE -i NONE -n -c "set showmode"', /^~$/m);
    typist.type('i');
    await plain.until('INSERT');
    const line = await proven(0);
    network.stall();
    typist.type('cd e');
    await expect.poll(() => underlined(typist), PATIENCE).toBe('cde');
    network.heal();
    await plain.until(`${line}cd e`);
    await settled();
    await typeSlowly(['\r', 'x', 'y', 'z', '\x7f', '\x1b', 'k', 'x', 'o', 'n', 'e', 'w', '\x1b'], 60);
    await plain.until((lines) => lines[1] === 'new');
    await settled();
    await run('\x1b:q!', PROMPT);
    await run('seq 100 | less', /^:$/m);
    typist.type(' /^70\r');
    await plain.until((lines) => lines[0] === '70');
    await settled();
    await run('q', PROMPT);
  });

  test('colours of what is typed and of what is printed next come back as they were', async () => {
    await run(`PS1='\\[\\033[38;5;208;3m\\]% '`, /^%$/m);
    const line = `% ${await proven()}`;
    network.stall();
    typist.type('o \x7f\x7f\x7fQ');
    await expect.poll(() => underlined(typist), PATIENCE).toBe('Q');
    expect(cursor(typist)).toBe(line.length);
    network.heal();
    await plain.until(`${line.slice(0, -1)}Q`);
    await settled();
  });

  test('a terminal that is left in the middle of typing keeps nothing that was foretold', async () => {
    const line = `$ ${await proven()}`;
    network.stall();
    typist.type(' gone');
    await expect.poll(() => underlined(typist), PATIENCE).toBe('gone');
    typist.type('\x1c');
    await typist.exited;
    expect(typist.text()).toContain('[detached from');
    expect(typist.lines()).toContain(line);
    expect(typist.text()).not.toContain('gone');
  });
});

test.runIf(process.env.CMDOP_FULL === '1').each([50, ROUND_TRIP_MS, 300])(
  'a typed character is seen at once at %i ms',
  async (roundTripMs) => {
    network.setDelay(roundTripMs / 2);
    const seenAfter = async (choice: string) => {
      const terminal = far.near.terminal(['-H', 'devbox', 'new', `of${++count}`, '--predict', choice], { cols: 120, rows: ROWS });
      await terminal.until(PROMPT);
      const took: number[] = [];
      for (const key of ': the quick brown fox jumps over the lazy dog and runs') {
        const col = cursor(terminal);
        const from = performance.now();
        terminal.type(key);
        await terminal.until(() => cursor(terminal) > col);
        took.push(performance.now() - from);
        await new Promise((resolve) => setTimeout(resolve, 110));
      }
      terminal.dispose();
      return took.slice(2).sort((a, b) => a - b);
    };
    const [without, withIt] = [await seenAfter('never'), await seenAfter('always')];
    const figures = (took: number[]) => `p50 ${quantile(took, 0.5).toFixed(0)}, p90 ${quantile(took, 0.9).toFixed(0)} ms`;
    console.log(`round trip ${roundTripMs} ms: seen after ${figures(without)}; foretold: ${figures(withIt)}`);
    expect(quantile(withIt, 0.5)).toBeLessThan(50);
  },
);
