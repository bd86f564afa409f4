/** The rules by which marks and input become command records. */
import { expect, test } from 'vitest';
import type { ActorId, ClientId, Offset, Seq } from '#protocol/ids.ts';
import { CommandTracker, type TrackedCommand, type TrackerEvent, WITHHELD_TEXT } from '#session/command-tracker.ts';
import { encodeMark, parseMark, type ShellMark } from '#session/shell-marks.ts';

const NONCE = '0123456789abcdef';

/** A shell and its users as the tracker sees them; time and output advance only as told. */
class World {
  tracker: CommandTracker;
  readonly events: TrackerEvent[] = [];
  offset = 0;
  ms = 0;
  count = 0;
  #seq = 0;

  constructor(nonce: string | null = NONCE) {
    this.tracker = new CommandTracker({ nonce, now: this.now, cwd: '/home/ann' });
  }

  get now() {
    return { wall: 1_700_000_000_000 + this.ms, monotonic: this.ms };
  }

  type(actor: string, text: string, offset = this.offset): TrackerEvent[] {
    const unit = {
      actor: actor as ActorId,
      client: `client-of-${actor}` as ClientId,
      seq: ++this.#seq as Seq,
      bytes: new TextEncoder().encode(text),
      offset: offset as Offset,
    };
    return this.#keep(this.tracker.input(unit, this.now));
  }

  /** The program prints `bytes` bytes of no meaning. */
  print(bytes: number): void {
    this.offset += bytes;
  }

  mark(mark: ShellMark, { nonce = NONCE, count = ++this.count } = {}): TrackerEvent[] {
    return this.sequence(encodeMark(mark, { nonce, count }));
  }

  sequence(text: string): TrackerEvent[] {
    const [, code = '', payload = ''] = /^\x1b\](\d+);(.*)\x07$/s.exec(text) ?? [];
    const start = this.offset as Offset;
    this.offset += text.length;
    return this.#keep(this.tracker.mark({ code: Number(code), payload, start, end: this.offset as Offset }, this.now));
  }

  prompt(): void {
    this.mark({ kind: 'prompt-start' });
    this.print(2);
  }

  /** The shell starts `text`. */
  starts(text: string, flag: 'withheld' | 'unchanged' | null = null): TrackedCommand {
    this.mark({ kind: 'command-line', text, flag });
    this.mark({ kind: 'command-start' });
    return this.last;
  }

  ends(exitCode: number | null = 0): void {
    this.mark({ kind: 'command-end', exitCode });
    this.prompt();
  }

  run(text: string, exitCode = 0): TrackedCommand {
    this.starts(text);
    this.ends(exitCode);
    return this.last;
  }

  get records(): TrackedCommand[] {
    return this.events.flatMap((event) => (event.kind === 'started' || event.kind === 'ended' ? [event.record] : []));
  }

  get last(): TrackedCommand {
    const record = this.records.at(-1);
    if (!record) throw new Error('no record yet');
    return record;
  }

  #keep(events: TrackerEvent[]): TrackerEvent[] {
    this.events.push(...events);
    return events;
  }
}

function atPrompt(): World {
  const world = new World();
  world.prompt();
  return world;
}

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
  world.tracker = new CommandTracker({ nonce: NONCE, now: world.now, memory: structuredClone(world.tracker.memory) });
  expect(world.tracker.state).toMatchObject({ running: 'make', hasIntegration: true });
  expect(world.mark({ kind: 'command-end', exitCode: 0 }, { count: seen })).toEqual([]);
  world.mark({ kind: 'command-end', exitCode: 1 });
  expect(world.last).toMatchObject({ number: 1, text: 'make', exitCode: 1, durationMs: 5000, authors: ['ann'] });
});

test('a line half typed when the host was killed keeps its authors', () => {
  const world = atPrompt();
  world.type('ann', 'git ');
  world.tracker = new CommandTracker({ nonce: NONCE, now: world.now, memory: structuredClone(world.tracker.memory) });
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
