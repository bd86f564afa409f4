/** Every command of `cmdop` without a terminal, as a script would call it: what it prints, and how it exits. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SessionSummary } from '#protocol/shapes.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
beforeAll(async () => {
  cmdop = await startCmdop();
  await cmdop.ok('new', 'work', '--detach');
});
afterAll(() => cmdop.dispose());

describe('new and ls', () => {
  test('a session starts in the folder it is made in, and its name is printed', async () => {
    expect(await cmdop.ok('new', 'here', '--detach')).toBe('here\n');
    expect(await cmdop.ok('new')).toMatch(/^\S+\n$/); // no terminal to attach
    const sessions = await cmdop.json<SessionSummary[]>('ls');
    expect(sessions.find(({ name }) => name === 'here')?.cwd).toBe(join(cmdop.home, 'work'));
  });

  test('--cwd and a command are taken as given', async () => {
    const folder = join(cmdop.home, 'with space');
    mkdirSync(folder);
    await cmdop.ok('new', 'there', '--cwd', folder, '--detach', '--', 'sh', '-c', 'pwd; exec cat -- --odd', '--flag');
    const [there] = (await cmdop.json<SessionSummary[]>('ls')).filter(({ name }) => name === 'there');
    expect(there).toMatchObject({ cwd: folder, command: ['sh', '-c', 'pwd; exec cat -- --odd', '--flag'] });
  });

  test('the table is plain text for a program', async () => {
    const table = await cmdop.ok('ls');
    expect(table).toMatch(/^NAME +STATE +COMMAND +CWD +ATTACHED +AGE\n/);
    expect(table).not.toContain('\x1b');
  });

  test('a sentence says nothing to the terminal it is read on, whatever name it repeats', async () => {
    const { stderr } = await cmdop.run('inspect', 'no\x1b]0;title\x07\u202eeman');
    expect(stderr).toMatch(/^cmdop: .*no�\]0;title��eman.*\n$/);
  });

  test.each([
    [['new', 'work', '--detach'], 1, /^cmdop: .*work.*\n$/],
    [['new', 'x', '--cwd', '/nope', '--detach'], 2, /^cmdop: \/nope is no folder.*\n$/],
    [['new', 'y', '--detach', '--', 'no-such-program'], 1, /^cmdop: .*no-such-program.*\n$/],
  ])('%j is refused in one line', async (args, code, message) => {
    const outcome = await cmdop.run(...args);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
  });
});

describe('naming a session', () => {
  test('by id, unique start of the id, or address', async () => {
    const [work] = (await cmdop.json<SessionSummary[]>('ls')).filter(({ name }) => name === 'work');
    for (const ref of [work?.id ?? '', (work?.id ?? '').slice(0, 8), 'work', 'cmdop://local/work']) {
      const { session } = await cmdop.json<{ session: SessionSummary }>('inspect', ref);
      expect(session.name).toBe('work');
    }
  });

  test.each([
    ['nobody', 4],
    ['', 2],
    ['cmdop://elsewhere.invalid/work', 69],
  ])('%j is refused and never guessed', async (ref, code) => {
    const outcome = await cmdop.run('screen', ref);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(/^cmdop: [^\n]+\n$/);
  });
});

describe('send', () => {
  test('types a text, prints nothing, and succeeds once the program has it', async () => {
    await cmdop.ok('new', 'cat', '--detach', '--', 'cat');
    expect(await cmdop.run('send', 'cat', 'sent text', '--enter')).toEqual({ code: 0, stdout: '', stderr: '' });
    const { lines } = await untilScreen('cat', 'sent text\nsent text');
    expect(lines.slice(0, 2)).toEqual(['sent text', 'sent text']);
  });

  test('while someone else has control is refused with 3', async () => {
    await cmdop.ok('new', 'held', '--detach', '--', 'sh', '-c', 'echo ready; exec cat');
    const ann = cmdop.terminal(['attach', 'held', '--as', 'ann']);
    await ann.until('ready');
    ann.type('typing');
    await ann.until('typing');
    const outcome = await cmdop.run('send', 'held', 'x', '--as', 'bob');
    expect(outcome.code).toBe(3);
    expect(outcome.stderr).toMatch(/ann/);
  });

  test('to an ended session fails', async () => {
    await cmdop.ok('new', 'gone', '--detach', '--', 'true');
    await cmdop.untilEnded('gone');
    expect((await cmdop.run('send', 'gone', 'x')).code).toBe(1);
  });
});

describe('run', () => {
  test('prints the output and passes the exit code on', async () => {
    expect(await cmdop.run('run', 'work', '--', 'echo out; false')).toMatchObject({ code: 1, stdout: 'out\n' });
    expect((await cmdop.run('run', 'work', '--', 'sh -c "exit 42"')).code).toBe(42);
  });

  test('several words arrive as given', async () => {
    const words = ['a b', "it's", '$HOME', '*', '', '"', '\\', '-n'];
    const { stdout } = await cmdop.run('run', 'work', '--', 'printf', '<%s>', ...words);
    expect(stdout).toBe(words.map((word) => `<${word}>`).join(''));
  });

  test('leaves colours out, and keeps them with --raw', async () => {
    const print = String.raw`printf '\033[31mred\033[m \033]0;title\007\n'`;
    expect((await cmdop.run('run', 'work', '--', print)).stdout).toBe('red \n');
    expect((await cmdop.run('run', 'work', '--raw', '--', print)).stdout).toContain('\x1b[31mred');
  });

  test('prints much output whole and in order', async () => {
    const { stdout } = await cmdop.run('run', 'work', '--', 'seq 1 100000');
    expect(stdout).toBe(Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join(''));
  });

  test('a command of several lines is one command', async () => {
    expect(await cmdop.run('run', 'work', '--', 'for i in 1 2\ndo echo "$i"\ndone')).toMatchObject({ code: 0, stdout: '1\n2\n' });
  });

  test('is refused where a program runs, or no shell tells', async () => {
    await cmdop.ok('new', 'busy', '--detach');
    await cmdop.ok('run', 'busy', '--', 'true');
    await cmdop.ok('send', 'busy', 'sleep 60', '--enter');
    await cmdop.untilSession('busy', ({ running }) => running !== null);
    const busy = await cmdop.run('run', 'busy', '--', 'true');
    expect(busy).toMatchObject({ code: 1, stderr: expect.stringMatching(/runs `sleep 60`/) });
    await cmdop.ok('new', 'dumb', '--detach', '--', 'cat');
    expect((await cmdop.run('run', 'dumb', '--', 'true')).stderr).toMatch(/does not tell when a command ends/);
  });

  test('gives up after --timeout with 124', async () => {
    await cmdop.ok('new', 'slow', '--detach');
    expect(await cmdop.run('run', 'slow', '--timeout', '300ms', '--', 'sleep 60')).toMatchObject({ code: 124, stdout: '' });
  });

  test('ends with the session that the command ends', async () => {
    await cmdop.ok('new', 'exiting', '--detach');
    expect((await cmdop.run('run', 'exiting', '--', 'exit 5')).code).toBe(5);
  });
});

test('who tells who is attached, from where and who has control', async () => {
  const ann = cmdop.terminal(['attach', 'work', '--as', 'ann']);
  await ann.until(/\$$/m);
  expect(await cmdop.ok('who', 'work')).toMatch(/^ann +human +cli +\w+/m);
});

test('inspect has processes, modes, control and offsets', async () => {
  const state = await cmdop.json('inspect', 'work');
  expect(state).toMatchObject({
    session: { name: 'work', address: 'cmdop://local/work' },
    processes: expect.arrayContaining([expect.objectContaining({ pid: expect.any(Number), command: expect.stringContaining('bash') })]),
    modes: { alternateScreen: false },
    output: { start: 0, end: expect.any(Number) },
  });
  expect(await cmdop.ok('inspect', 'work')).toMatch(/^address +cmdop:\/\/local\/work$/m);
});

test('rename, signal, kill, and taking an ended session off the list', async () => {
  await cmdop.ok('new', 'old', '--detach', '--', 'cat');
  await cmdop.ok('rename', 'old', 'fresh');
  expect((await cmdop.run('screen', 'old')).code).toBe(4);
  await cmdop.ok('kill', 'fresh', '--signal', 'TERM');
  expect((await cmdop.untilEnded('fresh')).end).toMatchObject({ signal: 'SIGTERM' });
  await cmdop.ok('kill', 'fresh');
  expect((await cmdop.json<SessionSummary[]>('ls')).some(({ name }) => name === 'fresh')).toBe(false);
  expect((await cmdop.run('kill', 'work', '--signal', 'NOPE')).code).toBe(2);
});

test('web prints a URL on loopback and nothing else', async () => {
  expect(await cmdop.ok('web')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\S+\n$/);
});

describe('completions', () => {
  test.each(['bash', 'zsh', 'fish'])('for %s are accepted by that shell', async (shell) => {
    const script = await cmdop.ok('completions', shell);
    const file = join(cmdop.home, `completion.${shell}`);
    writeFileSync(file, script);
    const child = spawn(shell, ['-n', file], { stdio: 'ignore' });
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
  });

  test.each([
    ['the names of sessions', 'cmdop attach her', 'here'],
    ['them behind options too', 'cmdop -H local --as ann attach her', 'here'],
    ['hosts', 'cmdop attach -H lo', 'local'],
  ])('bash completes %s', async (_, words, completed) => {
    const at = words.split(' ').length - 1;
    const ask = `eval "$(cmdop completions bash)"; COMP_WORDS=(${words}); COMP_CWORD=${at}; _cmdop; echo "\${COMPREPLY[*]}"`;
    const child = spawn('/bin/bash', ['-c', ask], { env: cmdop.env });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    await once(child, 'close');
    expect(output).toBe(`${completed}\n`);
  });
});

describe('usage', () => {
  test('--help tells the exit codes', async () => {
    expect(await cmdop.ok('--help')).toMatch(/124 +timed out/);
    expect(await cmdop.ok('attach', '--help')).toMatch(/Ctrl-\\ detaches/);
    expect(await cmdop.ok('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    [[]],
    [['nonsense']],
    [['ls', '--nonsense']],
    [['attach']],
    [['run', 'work', 'ls']],
    [['attach', 'work']], // no terminal
    [['attach', 'work', '--detach-key', 'ctrl-c']],
  ])('%j is wrong usage', async (args) => {
    const outcome = await cmdop.run(...args);
    expect(outcome.code).toBe(2);
    expect(outcome.stdout).toBe('');
  });

  test('when typing is foretold is one of three', async () => {
    const { code, stderr } = await cmdop.run('attach', 'work', '--predict', 'fast');
    expect([code, stderr]).toEqual([2, 'cmdop: "fast" is not when typing can be foretold: choose slow, always, never\n']);
  });
});

describe('host', () => {
  test('ten commands at once start one', async () => {
    const own = await startCmdop();
    try {
      const pids = await Promise.all(Array.from({ length: 10 }, async () => (await own.json<{ pid: number }>('host', 'start')).pid));
      expect(new Set(pids).size).toBe(1);
    } finally {
      await own.dispose();
    }
  });

  test('status, stop and start; the sessions go on', async () => {
    const own = await startCmdop();
    try {
      const none = await own.run('host', 'status', '--json');
      expect(none.code).toBe(69);
      expect(JSON.parse(none.stdout)).toMatchObject({ running: false });
      await own.ok('new', 'kept', '--detach', '--', 'cat');
      expect(await own.json('host', 'status')).toMatchObject({ running: true, sessions: { running: 1 } });
      expect(await own.ok('host', 'stop')).toMatch(/1 session goes on/);
      expect((await own.run('host', 'status')).code).toBe(69);
      await own.ok('host', 'start');
      const [kept] = await own.json<SessionSummary[]>('ls');
      expect(kept).toMatchObject({ name: 'kept', state: 'running' });
    } finally {
      await own.dispose();
    }
  });
});

type Screen = { lines: string[] };

/** The host announces what changes; a script can only look again, as this does. */
async function untilScreen(session: string, text: string): Promise<Screen> {
  for (;;) {
    const screen = await cmdop.json<Screen>('screen', session);
    if (screen.lines.join('\n').includes(text)) return screen;
  }
}
