import { describe, expect, test } from 'vitest';
import { keyOf } from '../../renderer/state/key-name.ts';
import { isPassiveInput } from '../../renderer/terminal/passive-input.ts';
import { splitCommandLine } from '../../renderer/text/command-line.ts';
import { initials, shortenPath } from '../../renderer/text/format.ts';
import { runningCommand } from '../../renderer/text/session-state.ts';

describe('what a terminal reports by itself takes no control', () => {
  test.each(['\x1b[I', '\x1b[O', '\x1b[<35;10;4M', '\x1b[<32;10;4M', '\x1b[MC!!'])('%j is passive', (input) => {
    expect(isPassiveInput(input)).toBe(true);
  });
  test.each(['a', '\r', '\x1b[A', '\x1b[<0;10;4M', '\x1b[<0;10;4m', '\x1b[<64;10;4M', '\x1b[M !!', '\x1b[200~x\x1b[201~'])(
    '%j is what somebody did',
    (input) => {
      expect(isPassiveInput(input)).toBe(false);
    },
  );
});

describe('keys have the names of the command table', () => {
  const press = (key: string, code: string, modifiers: string) => ({
    key,
    code,
    ctrlKey: modifiers.includes('c'),
    metaKey: modifiers.includes('m'),
    shiftKey: modifiers.includes('s'),
    altKey: modifiers.includes('a'),
  });
  test('letters are upper case, with or without Shift', () => {
    expect(keyOf(press('T', 'KeyT', 'cs'), false)).toBe('Ctrl+Shift+T');
    expect(keyOf(press('c', 'KeyC', 'c'), false)).toBe('Ctrl+C');
  });
  test('zoom keys go by their place, since layouts differ', () => {
    expect(keyOf(press('à', 'Digit0', 'c'), false)).toBe('Ctrl+0');
    expect(keyOf(press('+', 'Equal', 'cs'), false)).toBe('Ctrl+Shift+=');
  });
  test('on a Mac Cmd is meant where others have Ctrl, and Ctrl belongs to the terminal', () => {
    expect(keyOf(press('t', 'KeyT', 'ms'), true)).toBe('Ctrl+Shift+T');
    expect(keyOf(press('c', 'KeyC', 'c'), true)).toBe('C');
    expect(keyOf(press('Tab', 'Tab', 'c'), true)).toBe('Ctrl+Tab');
  });
});

describe('a command typed into a field', () => {
  test('is split by the quoting rules of the shell', () => {
    expect(splitCommandLine(`  vim "my file" it\\'s 'a "b"' "q\\"q" '' `)).toEqual(['vim', 'my file', "it's", 'a "b"', 'q"q', '']);
    expect(splitCommandLine('   ')).toEqual([]);
  });
  test('with an open quote is refused', () => {
    expect(() => splitCommandLine('echo "x')).toThrow('without its end');
  });
});

describe('names and paths', () => {
  test('home folders are a tilde, only as whole folders', () => {
    expect(shortenPath('/home/ann/src')).toBe('~/src');
    expect(shortenPath('/root')).toBe('~');
    expect(shortenPath('/rootless/x')).toBe('/rootless/x');
  });
  test('initials', () => {
    expect(initials('Ann Lee')).toBe('AL');
    expect(initials('claude-code')).toBe('CC');
    expect(initials('bob')).toBe('Bo');
    expect(initials('')).toBe('?');
  });
});

describe('what a session does', () => {
  const session = (change: object) => ({ state: 'running' as const, running: null, command: ['/bin/bash'], ...change });
  test('a shell that reports no command is at its prompt', () => {
    expect(runningCommand(session({}))).toBeNull();
    expect(runningCommand(session({ running: 'vim' }))).toBe('vim');
  });
  test('a session that was started with a program runs that', () => {
    expect(runningCommand(session({ command: ['npm', 'run', 'dev'] }))).toBe('npm run dev');
    expect(runningCommand(session({ command: ['/usr/bin/htop'] }))).toBe('/usr/bin/htop');
    expect(runningCommand(session({ command: ['htop'], state: 'ended' }))).toBeNull();
  });
});
