/** `cmdop attach` in a real terminal: what a person sees, what they type, and the state their terminal is left in. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareTerminals } from '../contract/compare-terminals.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
beforeEach(async () => {
  cmdop = await startCmdop();
});
afterEach(() => cmdop.dispose());

/** A prompt with nothing typed at it; rows are without trailing blanks. */
const PROMPT = /^\$$/m;
const DETACH = '\x1c';
const TAKE = '\x1e';

async function newSession(name: string, ...command: string[]): Promise<void> {
  await cmdop.ok('new', name, '--detach', ...(command.length > 0 ? ['--', ...command] : []));
}

test('what is typed reaches the shell, and its output the window', async () => {
  const terminal = cmdop.terminal(['new', 'work']);
  await terminal.until(PROMPT);
  terminal.type('echo he""llo\r');
  await terminal.until(/^hello$/m);
});

test('Ctrl-\\ detaches, the session goes on, and attaching again shows the same screen', async () => {
  const terminal = cmdop.terminal(['new', 'work']);
  await terminal.until(PROMPT);
  terminal.type('echo one; cat\r');
  await terminal.until(/^one$/m);
  terminal.type(DETACH);
  expect((await terminal.exited).code).toBe(0);
  expect(terminal.text()).toContain('[detached from work]');
  const again = cmdop.terminal(['attach', 'work']);
  await again.until(/^one$/m);
  again.type('typed again\r');
  await again.until(/typed again\ntyped again/);
});

test('the end of the session ends the attach with its exit code', async () => {
  const terminal = cmdop.terminal(['new', 'work']);
  await terminal.until(PROMPT);
  terminal.type('exit 7\r');
  expect((await terminal.exited).code).toBe(7);
  expect(terminal.text()).toContain('[work ended: exit code 7]');
});

test('the session follows the window’s size', async () => {
  const terminal = cmdop.terminal(['new', 'work'], { cols: 90, rows: 20 });
  await terminal.until(PROMPT);
  terminal.type('stty size\r');
  await terminal.until('20 90');
  // Told by the program itself: a key typed right after may reach it before the news of the window, as over SSH.
  terminal.type(`sh -c 'trap "echo now; stty size" WINCH; echo wai""ting; while :; do sleep 60 & wait; kill $!; done'\r`);
  await terminal.until(/^waiting$/m);
  terminal.resize(70, 15);
  await terminal.until('15 70');
  terminal.type('\x03');
});

test('Ctrl-C interrupts the program, not the attach', async () => {
  const terminal = cmdop.terminal(['new', 'work']);
  await terminal.until(PROMPT);
  terminal.type('cat\r');
  await terminal.until(/\$ cat$/m);
  // An interrupt while the shell still starts the program reaches the shell, in every terminal.
  terminal.type('is it there\r');
  await terminal.until(/^is it there\nis it there$/m);
  terminal.type('\x03');
  await terminal.until('^C');
  terminal.type('echo still he""re\r');
  await terminal.until('still here');
});

test('detaching from a full-screen program leaves a plain terminal', async () => {
  const terminal = cmdop.terminal(['new', 'work']);
  await terminal.until(PROMPT);
  terminal.type('vim -u NONE -c "set mouse=a ttymouse=sgr"\r');
  await terminal.until(/^~$/m);
  await terminal.until((lines) => terminal.terminal.modes.mouseTrackingMode !== 'none' && lines.length > 0);
  expect(terminal.terminal.buffer.active.type).toBe('alternate');
  terminal.type(DETACH);
  await terminal.exited;
  expect(terminal.terminal.buffer.active.type).toBe('normal');
  expect(terminal.terminal.modes).toMatchObject({
    mouseTrackingMode: 'none',
    bracketedPasteMode: false,
    applicationCursorKeysMode: false,
    applicationKeypadMode: false,
    sendFocusMode: false,
    wraparoundMode: true,
    insertMode: false,
    originMode: false,
  });
  expect(terminal.raw().lastIndexOf('\x1b[?25h')).toBeGreaterThan(terminal.raw().lastIndexOf('\x1b[?25l'));
  expect(terminal.text()).toContain('[detached from work]');
});

test.each(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const)('%s gives the terminal back as it was', async (signal) => {
  await newSession('work');
  const terminal = cmdop.shell();
  await terminal.until(/^#$/m);
  terminal.type('stty -g > before; sh -c \'echo $$ > pid; exec cmdop attach work\'; stty -g > after; cmp before after && echo sa""me\r');
  await terminal.until(PROMPT);
  process.kill(Number(readFileSync(join(cmdop.home, 'work', 'pid'), 'utf8')), signal);
  await terminal.until(/^same$/m);
});

test('a program’s questions to its terminal are answered once', async () => {
  await newSession('work');
  const one = cmdop.terminal(['attach', 'work']);
  const two = cmdop.terminal(['attach', 'work', '--as', 'two']);
  await one.until(PROMPT);
  await two.until(PROMPT);
  one.type('stty raw -echo; printf "\\033[6n"; head -c 4 | od -c; stty sane\r');
  await one.until(/033 +\[/);
  one.type('\recho do""ne\r');
  await one.until('done');
  expect(one.text()).not.toMatch(/;\d+R/);
  expect(one.raw() + two.raw()).not.toContain('\x1b[6n');
});

test('an observer types nothing', async () => {
  await newSession('work', 'sh', '-c', 'echo ready; exec cat');
  const observer = cmdop.terminal(['attach', 'work', '--observe', '--as', 'eve']);
  const operator = cmdop.terminal(['attach', 'work', '--as', 'ann']);
  await observer.until('ready');
  await operator.until('ready');
  operator.type('from ann\r');
  await observer.until('from ann');
  observer.type('from eve\r');
  await observer.until('looking on');
  operator.type('again\r');
  await operator.until(/again\nagain/);
  expect(operator.text()).not.toContain('from eve');
});

test('a refused key says who has control, and another key takes it', async () => {
  await newSession('work', 'sh', '-c', 'echo ready; exec cat');
  const ann = cmdop.terminal(['attach', 'work', '--as', 'ann']);
  const bob = cmdop.terminal(['attach', 'work', '--as', 'bob']);
  await bob.until('ready');
  await ann.until('ready');
  ann.type('x');
  await bob.until('x');
  bob.type('no');
  await bob.until(/ann has control.*Ctrl-\^/);
  bob.type(TAKE);
  await bob.until('you have control');
  bob.type('yes\r');
  await ann.until('yes');
});

test('a window of another size shows the picture, and says why', async () => {
  await newSession('work');
  const ann = cmdop.terminal(['attach', 'work', '--as', 'ann'], { cols: 80, rows: 24 });
  await ann.until(PROMPT);
  ann.type('printf "\\033[31mred\\033[m\\n"\r');
  await ann.until(/^red$/m);
  const bob = cmdop.terminal(['attach', 'work', '--as', 'bob', '--observe'], { cols: 60, rows: 16 });
  await bob.until(/ann’s window decides the size: 80×24/);
  expect(bob.text()).toContain('red');
  bob.resize(80, 24);
  await bob.until((lines) => !lines.join('\n').includes('decides'));
  expect(bob.text()).toBe(ann.text());
});

test('after a picture the window is, cell for cell and in every mode, what it was before', async () => {
  writeFileSync(join(cmdop.home, 'work', 'text.c'), 'int main(void) { return "日本語 é" != 0; } // comment\n'.repeat(40));
  await newSession('work');
  const ann = cmdop.terminal(['attach', 'work', '--as', 'ann']);
  await ann.until(PROMPT);
  ann.type('vim -u NONE -c "syntax on" -c "set mouse=a ttymouse=sgr number cursorline" text.c\r');
  await ann.until('40 lines');
  const bob = cmdop.terminal(['attach', 'work', '--as', 'bob', '--observe'], { cols: 60, rows: 16 });
  await bob.until('decides the size');
  bob.resize(80, 24);
  await bob.until((lines) => lines[23]?.includes('40 lines') === true && !lines.join('\n').includes('decides'));
  bob.type('x');
  await bob.until('looking on');
  // The window is painted anew, in more than one piece.
  await bob.until(() => compareTerminals(bob.terminal, ann.terminal).length === 0);
  expect(compareTerminals(bob.terminal, ann.terminal)).toEqual([]);
  expect(bob.terminal.modes).toEqual(ann.terminal.modes);
  ann.type(':q\r');
  await Promise.all([ann.until(PROMPT), bob.until(PROMPT)]);
  await bob.until(() => compareTerminals(bob.terminal, ann.terminal).length === 0);
  expect(compareTerminals(bob.terminal, ann.terminal)).toEqual([]);
});

test('when the host dies the last screen stays, and the attach goes on by itself', async () => {
  const terminal = cmdop.terminal(['new', 'work']);
  await terminal.until(PROMPT);
  terminal.type('cat\r');
  await terminal.until('cat');
  process.kill(await cmdop.hostPid(), 'SIGKILL');
  await terminal.until('the host is gone');
  terminal.type('kept\r');
  await terminal.until((lines) => lines.filter((line) => line === 'kept').length === 2 && !lines.join('\n').includes('host is gone'));
});

test('a session whose keeper is silent under a new host says so wherever it is asked for, and the attach goes on by itself', async () => {
  const terminal = cmdop.terminal(['new', 'work'], { cols: 130 });
  await terminal.until(PROMPT);
  terminal.type('cat\r');
  await terminal.until('cat');
  // So much that the rest goes past the host, straight to the keeper.
  for (let typed = 'a'; typed.length < 12; typed += 'a') {
    terminal.type('a');
    await terminal.until(typed);
  }
  const { keeperPid } = await cmdop.json<{ keeperPid: number }>('inspect', 'work', '--json');
  process.kill(keeperPid, 'SIGSTOP');
  let late = null;
  try {
    terminal.type('b'); // the keeper has it, and has not looked
    process.kill(await cmdop.hostPid(), 'SIGKILL');
    await terminal.until('waiting for work; Ctrl-\\ detaches (work goes on, but its keeper does not answer');
    terminal.type('kept\r');
    expect(await cmdop.ok('ls')).toMatch(/work +unreachable \(its keeper does not answer\)/);
    for (const command of [
      ['kill', 'work'],
      ['inspect', 'work'],
      ['rename', 'work', 'play'],
    ])
      expect(await cmdop.run(...command)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('work goes on, but its keeper does not answer: wait until it does'),
      });
    expect((await cmdop.run('new', 'work', '--detach')).stderr).toContain('a session work runs already');
    late = cmdop.terminal(['attach', 'work'], { cols: 130 });
    await late.until('work goes on, but its keeper does not answer');
  } finally {
    process.kill(keeperPid, 'SIGCONT');
  }
  const line = `${'a'.repeat(11)}bkept`;
  const isBack = (lines: string[]) => lines.filter((each) => each === line).length === 2 && !lines.join('\n').includes('waiting for');
  await terminal.until(isBack);
  await late.until(isBack);
});

test('when the host is stopped on purpose the attach waits for the next, and starts none', async () => {
  const terminal = cmdop.terminal(['new', 'work']);
  await terminal.until(PROMPT);
  await cmdop.ok('host', 'stop');
  await terminal.until('the host was stopped');
  expect((await cmdop.run('host', 'status')).code).toBe(69);
  terminal.type(TAKE);
  await terminal.until('work cannot be reached now: take control once it is back');
  await cmdop.ok('host', 'start');
  terminal.type('echo ba""ck\r');
  await terminal.until(/^back$/m);
});

test('a command line that is killed leaves a usable terminal behind for `reset`, and the session alone', async () => {
  await newSession('work');
  const terminal = cmdop.shell();
  await terminal.until(/^#$/m);
  terminal.type("sh -c 'echo $$ > pid; exec cmdop attach work'\r");
  await terminal.until(PROMPT);
  process.kill(Number(readFileSync(join(cmdop.home, 'work', 'pid'), 'utf8')), 'SIGKILL');
  await terminal.until('Killed');
  terminal.type('stty sane\recho us""able\r');
  await terminal.until('usable');
  expect((await cmdop.run('run', 'work', '--', 'true')).code).toBe(0);
});

test('a paste is one unit, however long', async () => {
  const terminal = cmdop.terminal(['new', 'work']);
  await terminal.until(PROMPT);
  terminal.type('cat > pasted\r');
  await terminal.until('cat > pasted');
  const lines = Array.from({ length: 400 }, (_, index) => `line ${index} of a long paste`);
  terminal.type(`\x1b[200~${lines.join('\r')}\r\x1b[201~`);
  terminal.type('\x04\x04');
  await terminal.until(/\$$/); // behind the paste's end mark, which cat got as text
  const events = await cmdop.json<{ kind: string; payload: { bytes?: number } }[]>('log', 'work', '--events');
  const largest = Math.max(...events.filter(({ kind }) => kind === 'input').map(({ payload }) => payload.bytes ?? 0));
  expect(largest).toBeGreaterThan(lines.join('\r').length);
});

test('attaching a session inside itself is refused', async () => {
  const terminal = cmdop.terminal(['new', 'work']);
  await terminal.until(PROMPT);
  terminal.type('cmdop attach work\r');
  await terminal.until('cannot be attached inside itself');
});

test('whoever has control gives it to one who asks, with one key', async () => {
  await newSession('work');
  const ann = cmdop.terminal(['attach', 'work', '--as', 'ann']);
  const bob = cmdop.terminal(['attach', 'work', '--as', 'bob']);
  await ann.until(PROMPT);
  await bob.until(PROMPT);
  ann.type(TAKE);
  await ann.until('you have control of work');
  await cmdop.ok('control', 'work', 'mode', 'locked');
  expect((await cmdop.ok('control', 'work', 'request', 'for the build', '--as', 'bob')).toString()).toBe('');
  await ann.until('bob asks for control (for the build): Ctrl-^ gives it');
  ann.type(TAKE);
  await ann.until('bob has control of work now');
  bob.type('echo by-b""ob\r');
  await bob.until(/^by-bob$/m);
});
