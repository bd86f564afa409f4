/** Which marks of a shell are believed, what of a line is recorded, and when a command ends. */
import { expect, test } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { WITHHELD_TEXT } from '#session/command-tracker.ts';
import { encodeMark, parseMark, type ShellMark } from '#session/shell-marks.ts';
import { atPrompt, NONCE, World } from './tracker-world.ts';

test('marks without the nonce, with another one, or printed again change nothing', () => {
  const world = atPrompt();
  world.type('ann', 'cat typescript\r');
  world.starts('cat typescript');
  const before = world.events.length;
  const state = world.tracker.state;
  world.mark({ kind: 'command-end', exitCode: 0 }, { nonce: 'fedcba9876543210', count: 99 });
  world.mark({ kind: 'command-end', exitCode: 0 }, { count: world.count });
  world.mark({ kind: 'cwd', path: '/forged' }, { count: 1 });
  for (const text of [
    '133;A',
    '133;D;0',
    '133;C',
    '633;E;rm -rf /;',
    '633;E;rm -rf /',
    '633;P;Cwd=/forged',
    '133;D;0;cmdop=.5',
    '133;D;0;cmdop=',
    '133',
  ]) {
    world.sequence(`\x1b]${text}\x07`);
  }
  expect(world.events).toHaveLength(before);
  expect(world.tracker.state).toEqual(state);
});

test('a session without a nonce trusts no mark', () => {
  const world = new World(null);
  world.mark({ kind: 'prompt-start' });
  expect(world.tracker.state.hasIntegration).toBe(false);
});

test('a line kept out of the shell’s history is recorded without its text', () => {
  const world = atPrompt();
  world.type('ann', ' export TOKEN=x\r');
  expect(world.starts('', 'withheld')).toMatchObject({ text: WITHHELD_TEXT, withheld: true, authors: ['ann'] });
  expect(JSON.stringify(world.tracker.memory)).not.toContain('TOKEN');
});

test.each([
  ['typed again', 'make\r', 'make'],
  ['from the history', '\x1b[A\r', 'make'],
  ['completed', 'ma\t\r', 'make'],
  ['another with a blank in front', ' rm x\r', WITHHELD_TEXT],
  ['the same with a blank in front', ' make\r', WITHHELD_TEXT],
  ['a blank put in front later', 'rm x\x01 \r', WITHHELD_TEXT],
  ['another', 'ls\r', WITHHELD_TEXT],
])('where the history did not grow, a line %s is told by how it was typed', (_, typed, text) => {
  const world = atPrompt();
  world.type('ann', typed);
  expect(world.starts('make', 'unchanged').text).toBe(text);
});

test('where the history did not grow and nobody typed, the text is withheld', () => {
  expect(atPrompt().starts('make', 'unchanged')).toMatchObject({ text: WITHHELD_TEXT, authors: [] });
});

test('a command whose end was never reported ends at the next prompt or command, without an exit code', () => {
  const world = atPrompt();
  world.starts('a');
  const end = world.offset;
  world.starts('b');
  expect(world.records[1]).toMatchObject({ text: 'a', exitCode: null, durationMs: 0 });
  expect(world.records[1]?.to).toBeGreaterThan(end);
  world.prompt();
  expect(world.last).toMatchObject({ text: 'b', exitCode: null });
});

test('exec and exit end with the session, and with its exit code', () => {
  const world = atPrompt();
  world.type('ann', 'exec vim\r');
  world.starts('exec vim');
  const [event] = world.tracker.sessionEnded({ offset: 9999 as Offset, exitCode: 3 }, world.now);
  expect(event).toMatchObject({ kind: 'ended', record: { text: 'exec vim', exitCode: 3, to: 9999 } });
  expect(world.tracker.sessionEnded({ offset: 9999 as Offset, exitCode: 3 }, world.now)).toEqual([]);
});

test('the folder is told when it changes, and a prompt each time', () => {
  const world = atPrompt();
  world.mark({ kind: 'cwd', path: '/srv' });
  world.mark({ kind: 'cwd', path: '/srv' });
  expect(world.events.filter(({ kind }) => kind === 'cwd')).toEqual([{ kind: 'cwd', cwd: '/srv' }]);
  expect(world.events.filter(({ kind }) => kind === 'prompt')).toHaveLength(1);
});

test('at most 512 lines are held for a program that reads them', () => {
  const world = atPrompt();
  world.starts('cat');
  world.type('bob', 'first\r');
  for (let line = 0; line < 512; line++) world.type('ann', `line ${line}\r`);
  world.ends();
  expect(world.run('first').authors).toEqual(['ann']);
});

test('a new host goes on with the open command and trusts no mark seen before', () => {
  const world = atPrompt();
  world.type('ann', 'make\r');
  world.starts('make');
  const seen = world.count;
  world.ms = 5000;
  world.nextHost();
  expect(world.tracker.state).toMatchObject({ running: 'make', hasIntegration: true });
  expect(world.mark({ kind: 'command-end', exitCode: 0 }, { count: seen })).toEqual([]);
  world.mark({ kind: 'command-end', exitCode: 1 });
  expect(world.last).toMatchObject({ number: 1, text: 'make', exitCode: 1, durationMs: 5000, authors: ['ann'] });
});

test('a line half typed when the host was killed keeps its authors', () => {
  const world = atPrompt();
  world.type('ann', 'git ');
  world.nextHost();
  world.type('bob', 'push\r');
  expect(world.run('git push')).toMatchObject({ authors: ['ann', 'bob'], submitter: 'bob' });
});

test('without integration a line is what the screen shows of it, and ends at the next', () => {
  const world = new World(null);
  expect(world.type('ann', 'l')).toEqual([{ kind: 'note-cursor' }]);
  world.print(1);
  expect(world.type('bob', 's')).toEqual([]);
  world.print(1);
  expect(world.type('ann', '\r')).toEqual([{ kind: 'read-line', line: 1 }]);
  world.print(100);
  world.ms = 50;
  expect(world.tracker.lineText(1, 'ls  ')).toMatchObject([
    {
      kind: 'started',
      record: {
        text: 'ls',
        authors: ['ann', 'bob'],
        submitter: 'ann',
        source: 'line',
        exitCode: null,
        from: 2,
        startedAt: 1_700_000_000_000,
      },
    },
  ]);
  world.ms = 3000;
  expect(world.type('bob', 'pwd\r')).toEqual([{ kind: 'note-cursor' }, { kind: 'read-line', line: 2 }]);
  expect(world.tracker.lineText(2, 'pwd')).toMatchObject([
    { kind: 'ended', record: { text: 'ls', to: 102, exitCode: null, durationMs: 3000 } },
    { kind: 'started', record: { text: 'pwd', number: 2 } },
  ]);
  expect(world.tracker.sessionEnded({ offset: 500 as Offset, exitCode: 7 }, world.now)).toMatchObject([
    { kind: 'ended', record: { text: 'pwd', to: 500, exitCode: null } },
  ]);
});

test('without integration a line that shows nothing, as a password or in the alternate screen, makes no record', () => {
  const world = new World(null);
  world.type('ann', 'hunter2\r');
  expect(world.tracker.lineText(1, '   ')).toEqual([]);
  world.type('ann', ':wq\r');
  expect(world.tracker.lineText(2, null)).toEqual([]);
  expect(world.type('ann', '\r')).toEqual([]);
  expect(JSON.stringify(world.tracker.memory)).not.toContain('hunter2');
});

test('a shell with integration has 10 s to show it before lines count; its first mark ends the fallback', () => {
  const world = new World();
  expect(world.type('ann', 'ls\r')).toEqual([]);
  world.ms = 10_000;
  expect(world.type('ann', 'ls\r')).toHaveLength(2);
  world.tracker.lineText(1, 'ls');
  world.type('ann', 'pwd\r');
  expect(world.mark({ kind: 'prompt-start' })).toMatchObject([{ kind: 'ended', record: { text: 'ls' } }, { kind: 'prompt' }]);
  expect(world.tracker.lineText(2, 'pwd')).toEqual([]);
  expect(world.type('ann', 'id\r')).toEqual([]);
});

test('a mark carries any text there and back', () => {
  const text = 'a;b\\c\\x3b\n\t\x07\x1b]133;D\x9c "é" 漢 🙂';
  const key = { nonce: NONCE, count: 7 };
  const mark: ShellMark = { kind: 'command-line', text, flag: null };
  const [, payload = ''] = /^\x1b\]633;([^\x00-\x1f\x7f-\x9f]*)\x07$/.exec(encodeMark(mark, key)) ?? [];
  expect(parseMark(633, payload)).toEqual({ mark, key });
});

test('what is not a mark is null', () => {
  for (const [code, payload] of [
    [7, 'file:///'],
    [133, 'Z'],
    [133, ''],
    [633, 'X;y'],
    [633, 'P;Prompt=x'],
    [0, 'title'],
  ] as const) {
    expect(parseMark(code, payload)).toBeNull();
  }
});
