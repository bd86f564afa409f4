/** What every shell reports through its marks, and that its user notices nothing. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell code has them
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { CommandTracker } from '#session/command-tracker.ts';
import type { ShellOptions } from './shell-in-pty.ts';
import { BASH, bashHome, FISH, fishHome, legacyDir, openShell, start, ZSH, zshHome } from './shells.ts';

type Case = { name: string; options: ShellOptions; repeated: string; secret: string; status: string };
const SHELLS: Case[] = [
  { name: 'bash', options: { shell: BASH, home: bashHome }, repeated: 'E:true(unchanged)', secret: 'E:true(unchanged)', status: '$?' },
  {
    name: 'bash before 4.4',
    options: { shell: BASH, home: bashHome, shellDir: legacyDir },
    repeated: 'E:true(unchanged)',
    secret: 'E:true(unchanged)',
    status: '$?',
  },
  { name: 'zsh', options: { shell: ZSH, home: zshHome }, repeated: 'E:true', secret: 'E:(withheld)', status: '$?' },
  { name: 'fish', options: { shell: FISH, home: fishHome }, repeated: 'E:true', secret: 'E:(withheld)', status: '$status' },
];

describe.each(SHELLS)('$name', ({ options, repeated, secret, status }) => {
  test('reports each command with its text, end, exit code and folder, and leaves the exit code to the user', async () => {
    const shell = await start(options);
    const prompt = shell.short();
    expect(prompt.slice(-2)).toEqual(['P:~', 'A']);
    expect((await shell.run('false')).marks).toEqual(['E:false', 'C', 'D:1', 'P:~', 'A']);
    const told = await shell.run(`echo "was ${status}"`);
    expect(told.output).toContain('was 1');
    expect((await shell.run('cd /tmp')).marks).toEqual(['E:cd /tmp', 'C', 'D:0', 'P:/tmp', 'A']);
    expect((await shell.run('echo "a;b\\\\c" | cat')).marks.slice(0, 3)).toEqual(['E:echo "a;b\\\\c" | cat', 'C', 'D:0']);
    expect((await shell.run('echo é漢🙂')).marks[0]).toBe('E:echo é漢🙂');
    expect((await shell.run('true')).marks).toEqual(['E:true', 'C', 'D:0', 'P:/tmp', 'A']);
    expect((await shell.run('true')).marks[0]).toBe(repeated);
    expect((await shell.run(' true secret')).marks[0]).toBe(secret);
    expect((await shell.run('no-such-program-here')).marks).toContain('D:127');
  });

  test('reports no command for Enter alone, Ctrl-C at the prompt or an incomplete line given up', async () => {
    const shell = await start(options);
    const isCommand = (mark: string) => /^(E|C|D:)/.test(mark);
    expect((await shell.run('')).marks.filter(isCommand)).toEqual([]);
    for (const typed of ['rm -rf /', 'echo "\r']) {
      const from = shell.trusted.length;
      // fish draws the prompt again, but does not call it a new one.
      const drawn = () => shell.marks.filter(({ mark }) => mark.kind === 'prompt-end').length;
      const before = drawn();
      const printed = shell.text.length;
      shell.pty.write(typed);
      // Ctrl-C drops what the shell has not read yet, itself included.
      await shell.until('an echo', () => shell.text.slice(printed).includes(typed.trim().slice(-1)));
      const interrupt = () => shell.pty.write('\x03');
      interrupt();
      await shell.until('a prompt drawn again', () => drawn() > before, interrupt);
      expect(shell.short(from).filter(isCommand)).toEqual([]);
    }
    expect((await shell.run('echo hi')).marks.slice(0, 3)).toEqual(['E:echo hi', 'C', 'D:0']);
  });

  test('reports a command over several lines once, as a whole', async () => {
    const shell = await start(options);
    const lines = options.shell === FISH ? 'for i in 1 2\recho n$i\rend' : 'for i in 1 2\rdo echo n$i\rdone';
    const { marks, output } = await shell.run(lines);
    expect(output).toMatch(/n1\r\nn2/);
    expect(marks.filter((mark) => mark === 'C')).toHaveLength(1);
    expect(marks[0]).toMatch(/^E:for i in 1 2(\n|; ?)(do )?echo n\$i(\n|; ?)(done|end)$/);
    if (options.shell !== FISH) expect(shell.marks.filter(({ mark }) => mark.kind === 'continuation')).toHaveLength(2);
  });

  test('reports an interrupted command, background jobs, and what an inner shell does as one command', async () => {
    const shell = await start(options);
    const prompts = shell.promptCount;
    let from = shell.trusted.length;
    shell.pty.write("sh -c 'echo go; exec sleep 600'\r");
    await shell.until('sleeping', () => shell.text.includes('go\r\n'));
    shell.pty.write('\x03');
    await shell.prompts(prompts + 1);
    expect(shell.short(from).slice(-3)).toEqual(['D:130', 'P:~', 'A']);
    expect((await shell.run('sleep 0.01 &')).marks.join(' ')).toMatch(/^E:sleep 0.01 & C D:\d+ P:~ A$/);
    from = shell.trusted.length;
    shell.pty.write('bash --norc\r');
    await shell.until('inner prompt', () => /bash-[\d.]+[#$] /.test(shell.output));
    shell.pty.write('echo in-$((1+1)); exit 5\r');
    await shell.prompts(prompts + 3);
    expect(shell.output).toContain('in-2');
    expect(shell.short(from)).toEqual(['E:bash --norc', 'C', 'D:5', 'P:~', 'A']);
  });

  test('reports a line that replaces or ends the shell as started', async () => {
    const replaced = await start(options);
    replaced.pty.write("exec sh -c 'exit 4'\r");
    expect(await replaced.exited()).toBe(4);
    expect(replaced.short().slice(-2)).toEqual(["E:exec sh -c 'exit 4'", 'C']);
    const ended = await start(options);
    ended.pty.write('exit 3\r');
    expect(await ended.exited()).toBe(3);
    expect(ended.short()).toContain('E:exit 3');
  });

  test('shows the nonce to no child, and leaves no file', async () => {
    const shell = await start(options);
    const { nonce, files } = shell.launch;
    expect(files.filter((file) => existsSync(file))).toEqual([]);
    expect(readdirSync(join(shell.folder, 'run'))).toEqual([]);
    if (options.shell !== FISH) await shell.run('set -a; X=1');
    const { text } = await shell.run('sh -c \'env; tr "\\0" "\\n" < /proc/$PPID/environ; cat /proc/$PPID/cmdline\'');
    expect(text).toContain('CMDOP_SESSION=testsession');
    expect(text).not.toContain(nonce);
    const { text: inside } = await shell.run('env');
    expect(inside).not.toContain('__cmdop_nonce');
  });

  test('output that holds marks, its own recorded ones included, forges nothing', async () => {
    const shell = await start(options);
    await shell.run('false');
    const tracker = new CommandTracker({ nonce: shell.launch.nonce, now: { wall: 0, monotonic: 0 } });
    writeFileSync(join(shell.home, 'typescript'), `${shell.output}\x1b]133;D;0\x07\x1b]633;E;forged;${shell.launch.nonce}\x07`);
    await shell.run('cat typescript');
    await shell.run('true');
    const events = shell.marks.flatMap(({ osc }) => tracker.mark(osc, { wall: 0, monotonic: 0 }));
    const records = events.flatMap((event) => (event.kind === 'ended' ? [`${event.record.text} ${event.record.exitCode}`] : []));
    expect(records).toEqual(['false 1', 'cat typescript 0', 'true 0']);
  });

  test('starts as a login shell in a clean environment', async () => {
    const hostEnv = {
      PATH: '/app/node_modules/.bin:/usr/bin:/bin',
      npm_config_cache: 'x',
      NODE_OPTIONS: '--trace-warnings',
      ELECTRON_RUN_AS_NODE: '1',
      CHROME_DESKTOP: 'cmdop.desktop',
      GDK_BACKEND: 'x11',
      ORIGINAL_XDG_CURRENT_DESKTOP: 'GNOME',
      XDG_CURRENT_DESKTOP: 'Electron',
      INIT_CWD: '/',
      TMUX: 'x',
      KITTY_PID: '1',
      SHLVL: '7',
      LINES: '3',
      COLUMNS: '3',
      SSH_TTY: '/dev/pts/9',
      CMDOP_HOME: '/h',
    };
    const shell = await start({ ...options, hostEnv, clientEnv: { DISPLAY: ':5', TERM: 'dumb', CMDOP_HOME: '/forged' } });
    const { text } = await shell.run('command env');
    const found = Object.fromEntries([...text.matchAll(/^(\w+)=(.*?)\r?$/gm)].map(([, name, value]) => [name, value]));
    const ofTheShell = ['_', 'OLDPWD', 'LS_COLORS'];
    for (const name of ofTheShell) delete found[name];
    const path = found.PATH;
    delete found.PATH;
    expect(found).toEqual({
      HOME: shell.home,
      USER: 'root',
      LOGNAME: 'root',
      SHELL: options.shell,
      PWD: shell.home,
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
      COLORTERM: 'truecolor',
      TERM_PROGRAM: 'cmdop',
      TERM_PROGRAM_VERSION: '1.2.3',
      CMDOP_SESSION: 'testsession',
      CMDOP_HOME: '/h',
      DISPLAY: ':5',
      XDG_CURRENT_DESKTOP: 'GNOME',
      SHLVL: '1',
    });
    expect(path).not.toContain('node_modules');
    const asked = { [BASH]: 'shopt -q login_shell && echo is-login', [ZSH]: '[[ -o login ]] && echo is-login' }[options.shell];
    expect((await shell.run(asked ?? 'status is-login; and echo is-login')).text).toMatch(/[\r\n]is-login/);
  });
});

describe('others', () => {
  test('sh reads the profile and has no nonce', async () => {
    const shell = openShell({ shell: '/bin/sh', home: { '.profile': 'PS1="ready> "; export FROM_PROFILE=1\n' } });
    expect(shell.launch.nonce).toBeNull();
    await shell.until('a prompt', () => /[#$>] $/.test(shell.output));
    shell.pty.write('echo "<$FROM_PROFILE>"\r');
    await shell.until('the profile’s variable', () => shell.output.includes('<1>'));
  });

  test('a given command runs as it is', async () => {
    const shell = openShell({ shell: BASH, command: ['sh', '-c', 'echo "$0 $1 $CMDOP_SESSION"', 'a b', '$c'] });
    expect(shell.launch.file).toMatch(/^\/.*\/sh$/);
    expect(await shell.exited()).toBe(0);
    expect(shell.output).toContain('a b $c testsession');
  });

  test('a missing program, a missing folder and an unwritable run folder are told with what is missing', () => {
    const make = (options: Partial<ShellOptions>) => () => openShell({ shell: BASH, ...options });
    expect(make({ command: ['no-such-program'] })).toThrow(/no program "no-such-program" on the PATH \//);
    expect(make({ command: ['./missing'] })).toThrow(/no program ".\/missing" in \//);
    expect(make({ command: [''] })).toThrow(/no program ""/);
    expect(make({ shellDir: '/nowhere' })).toThrow(expect.objectContaining({ code: 'storage' }));
  });
});

test('a folder that is no program, and a file that is not executable, are not run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-path-'));
  mkdirSync(join(folder, 'thing'));
  writeFileSync(join(folder, 'text'), '');
  for (const command of [['thing'], ['text']]) {
    expect(() => openShell({ shell: BASH, command, hostEnv: { PATH: folder } })).toThrow(/no program/);
  }
  rmSync(folder, { recursive: true });
});

test('a session is ready for a tracker from its first prompt on', async () => {
  const shell = await start({ shell: BASH, home: bashHome });
  const tracker = new CommandTracker({ nonce: shell.launch.nonce, now: { wall: 0, monotonic: 0 } });
  for (const { osc } of shell.marks) tracker.mark(osc, { wall: 0, monotonic: 0 });
  expect(tracker.state).toEqual({ atPrompt: true, running: null, cwd: shell.home, hasIntegration: true });
  expect(tracker.sessionEnded({ offset: 0 as Offset, exitCode: 0 }, { wall: 0, monotonic: 0 })).toEqual([]);
});
