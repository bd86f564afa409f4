/** Whose a command is: the rules by which marks and input become command records with their authors. */
import { expect, test } from 'vitest';
import { atPrompt, World } from './tracker-world.ts';

test('a command has its text, author, submitter, unit, folder, exit code, duration and output range', () => {
  const world = atPrompt();
  world.mark({ kind: 'cwd', path: '/srv' });
  world.type('ann', 'make');
  world.type('ann', '\r');
  world.ms = 10;
  world.starts('make');
  const from = world.offset;
  expect(world.tracker.state).toEqual({ atPrompt: false, running: 'make', cwd: '/srv', hasIntegration: true });
  world.print(500);
  world.ms = 2510;
  world.ends(2);
  expect(world.last).toEqual({
    number: 1,
    text: 'make',
    withheld: false,
    authors: ['ann'],
    submitter: 'ann',
    unit: { client: 'client-of-ann', seq: 2 },
    cwd: '/srv',
    startedAt: 1_700_000_000_010,
    endedAt: 1_700_000_002_510,
    durationMs: 2500,
    exitCode: 2,
    from,
    to: from + 500,
    source: 'shell',
  });
  expect(world.tracker.state).toMatchObject({ atPrompt: true, running: null });
});

test('a line that two people typed has both as authors, and the one who pressed Enter as submitter', () => {
  const world = atPrompt();
  world.type('ann', 'git ');
  world.type('bob', 'push');
  world.type('ann', '\r');
  expect(world.run('git push')).toMatchObject({ authors: ['ann', 'bob'], submitter: 'ann' });
});

test('Enter alone does not make an author of who pressed it', () => {
  const world = atPrompt();
  world.type('ann', 'ls');
  world.type('bob', '\r');
  expect(world.run('ls')).toMatchObject({ authors: ['ann'], submitter: 'bob' });
});

test('a line taken from the history by an arrow key is its author’s', () => {
  const world = atPrompt();
  world.type('bob', '\x1b[A');
  world.type('bob', '\r');
  expect(world.run('make test')).toMatchObject({ authors: ['bob'], submitter: 'bob' });
});

test('the mouse and the focus write nothing', () => {
  const world = atPrompt();
  world.type('bob', '\x1b[I\x1b[<0;10;5M\x1b[M !!');
  world.type('ann', 'ls\r');
  expect(world.run('ls').authors).toEqual(['ann']);
});

test('Enter on an empty line makes no record and takes nothing from the next command', () => {
  const world = atPrompt();
  world.type('bob', '\r');
  world.mark({ kind: 'command-end', exitCode: null });
  world.prompt();
  expect(world.records).toEqual([]);
  world.type('ann', 'ls\r');
  expect(world.run('ls').authors).toEqual(['ann']);
});

test('an empty line whose prompt comes late takes nothing from the next command', () => {
  const world = atPrompt();
  const offset = world.offset;
  world.type('bob', '\r', offset);
  world.type('ann', 'ls\r', offset);
  world.ends(null);
  expect(world.run('ls').authors).toEqual(['ann']);
});

test('Ctrl-C at the prompt drops what was typed and makes no record', () => {
  const world = atPrompt();
  world.type('bob', 'rm -rf /\x03');
  world.mark({ kind: 'command-end', exitCode: null });
  world.prompt();
  world.type('ann', 'ls\r');
  expect(world.run('ls').authors).toEqual(['ann']);
  expect(world.records).toHaveLength(2);
});

test('a line typed ahead belongs to the next command', () => {
  const world = atPrompt();
  world.type('ann', 'sleep 9\r');
  world.starts('sleep 9');
  world.type('bob', 'ls\r');
  world.type('eve', 'pwd\r');
  world.ends();
  expect(world.run('ls').authors).toEqual(['bob']);
  expect(world.run('pwd').authors).toEqual(['eve']);
});

test('lines typed ahead keep their authors when another host comes before they are read', () => {
  const world = atPrompt();
  world.type('ann', 'sleep 9\r');
  world.starts('sleep 9');
  world.type('bob', 'ls');
  world.type('ann', ' -l\r');
  world.type('eve', ' pwd\r');
  world.nextHost();
  expect(JSON.stringify(world.tracker.memory)).not.toContain('pwd');
  world.ends();
  world.starts('ls -l');
  expect([world.last.authors, world.last.submitter, world.last.unit?.client]).toEqual([['bob', 'ann'], 'ann', 'client-of-ann']);
  world.ends();
  // It may be one that the history is not to have.
  expect(world.starts('ls -l', 'unchanged')).toMatchObject({ authors: ['eve'], withheld: true });
});

test('a line that another host knows, and is told again, is one line', () => {
  const world = atPrompt();
  world.type('ann', 'sleep 9\r');
  world.starts('sleep 9');
  world.type('bob', 'ls\r');
  const bobs = world.lastSeq;
  world.type('eve', 'pwd\r');
  world.nextHost();
  world.type('bob', 'ls\r', world.offset, bobs);
  world.ends();
  expect(world.run('ls').authors).toEqual(['bob']);
  expect(world.run('pwd').authors).toEqual(['eve']);
  expect(world.run('make').authors).toEqual([]);
});

test('lines that a program read are not credited with the next command', () => {
  const world = atPrompt();
  world.type('ann', 'cat\r');
  world.starts('cat');
  world.type('bob', 'dear diary\r');
  world.type('bob', 'today\r\x04');
  world.ends();
  world.type('ann', '\x1b[A\r');
  expect(world.run('cat').authors).toEqual(['ann']);
});

test('keys that a program read without Enter do not make their author one of the next command', () => {
  const world = atPrompt();
  world.type('ann', 'less README\r');
  world.starts('less README');
  world.type('bob', '  Gq');
  world.ends();
  world.type('ann', 'ls\r');
  expect(world.run('ls').authors).toEqual(['ann']);
});

test('a line begun while a command ran and finished at the prompt has both authors', () => {
  const world = atPrompt();
  world.starts('sleep 9');
  world.type('bob', 'git st');
  world.ends();
  world.type('ann', 'atus\r');
  expect(world.run('git status').authors).toEqual(['bob', 'ann']);
});

test('without integration, keys of a full-screen program begin no line', () => {
  const world = new World(null);
  world.type('ann', 'q');
  world.tracker.alternateScreenLeft();
  expect(world.type('bob', 'ls\r')).toEqual([{ kind: 'note-cursor' }, { kind: 'read-line', line: 1 }]);
  expect(world.tracker.lineText(1, 'ls')).toMatchObject([{ record: { authors: ['bob'] } }]);
});

test('a line a program read does not even win by its text while a newer line exists', () => {
  const world = atPrompt();
  world.type('ann', 'cat\r');
  world.starts('cat');
  world.type('bob', 'ls\r');
  world.ends();
  world.type('ann', '\x1b[A\x1b[A\r');
  expect(world.run('ls').authors).toEqual(['ann']);
});

test('after a program’s lines, a line typed ahead is found by its text', () => {
  const world = atPrompt();
  world.type('ann', 'cat\r');
  world.starts('cat');
  world.type('bob', 'dear diary\r');
  world.type('eve', 'ls -l \r');
  world.ends();
  expect(world.run('ls -l').authors).toEqual(['eve']);
});

test('what is typed after a command’s start does not count for it', () => {
  const world = atPrompt();
  world.mark({ kind: 'command-line', text: 'make', flag: null });
  world.type('bob', 'y\r', world.offset + 1000);
  world.mark({ kind: 'command-start' });
  expect(world.last).toMatchObject({ authors: [], submitter: null, unit: null });
});

test('a paste of several lines gives each command its line', () => {
  const world = atPrompt();
  world.type('bob', 'a');
  world.type('ann', 'lpha\rbeta\rgamma\r');
  expect(world.run('alpha').authors).toEqual(['bob', 'ann']);
  expect(world.run('beta').authors).toEqual(['ann']);
  expect(world.run('gamma').authors).toEqual(['ann']);
});

test('a bracketed paste is submitted by whoever presses Enter after it', () => {
  const world = atPrompt();
  world.type('ann', '\x1b[200~alpha\rbe');
  world.type('ann', 'ta\x1b[201~');
  world.type('bob', ' x\r');
  expect(world.run('alpha')).toMatchObject({ authors: ['ann'], submitter: 'bob' });
  expect(world.run('beta x')).toMatchObject({ authors: ['ann', 'bob'], submitter: 'bob' });
});

test('a command over several lines has the authors of all of them, with continuation prompts or line breaks in its text', () => {
  const continued = atPrompt();
  continued.type('ann', 'for i in 1 2\r');
  continued.mark({ kind: 'continuation' });
  continued.type('bob', 'do echo $i\r');
  continued.mark({ kind: 'continuation' });
  continued.type('ann', 'done\r');
  expect(continued.run('for i in 1 2; do echo $i; done')).toMatchObject({ authors: ['ann', 'bob'], submitter: 'ann' });
  continued.type('eve', 'ls\r');
  expect(continued.run('ls').authors).toEqual(['eve']);

  const broken = atPrompt();
  broken.type('ann', 'begin\r');
  broken.type('bob', 'end\r');
  expect(broken.run('begin\nend')).toMatchObject({ authors: ['ann', 'bob'], submitter: 'bob' });
});

test('an interrupt right after Enter leaves the line to the command it started', () => {
  const world = atPrompt();
  const offset = world.offset;
  world.type('ann', 'make\r', offset);
  world.type('bob', '\x03', offset);
  world.type('bob', 'ls\r', offset);
  expect(world.run('make', 130).authors).toEqual(['ann']);
  expect(world.run('ls').authors).toEqual(['bob']);
});
