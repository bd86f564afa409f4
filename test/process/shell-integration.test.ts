/** What real shells report through their marks, and that their users notice nothing. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell code has them
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { CommandTracker } from '#session/command-tracker.ts';
import { SHELL_DIR, ShellInPty, type ShellOptions } from './shell-in-pty.ts';

/** Shells are started and spoken to in turn; each wait has its own, shorter patience. */
vi.setConfig({ testTimeout: 30_000 });

const open: ShellInPty[] = [];
afterEach(() => {
  for (const shell of open.splice(0)) shell.dispose();
});

async function start(options: ShellOptions): Promise<ShellInPty> {
  const shell = new ShellInPty(options);
  open.push(shell);
  await shell.prompts(1);
  return shell;
}

const BASH = '/usr/bin/bash';
const ZSH = '/usr/bin/zsh';
const FISH = '/usr/bin/fish';

/** The path that bash 3.2 to 4.3 take, run by the bash there is. */
const legacyDir = mkdtempSync(join(tmpdir(), 'cmdop-legacy-'));
const script = readFileSync(join(SHELL_DIR, 'cmdop.bash'), 'utf8').replaceAll(/>= 404|>= 501/g, '>= 9999');
writeFileSync(join(legacyDir, 'cmdop.bash'), script);
afterAll(() => rmSync(legacyDir, { recursive: true }));

const bashrc = `PS1='$ '\nHISTCONTROL=ignoreboth\nset +o emacs; set -o emacs\n`;
const bashHome = { '.profile': '. ~/.bashrc\n', '.bashrc': bashrc };
const zshHome = { '.zshrc': "PS1='%# '\nsetopt hist_ignore_space interactive_comments\n" };
const fishHome = { '.config/fish/config.fish': "set fish_greeting\nfunction fish_prompt; printf '> '; end\n" };

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

describe('bash', () => {
  const bash = (rc: string, more: Partial<ShellOptions> = {}) =>
    start({ shell: BASH, home: { '.bash_profile': `${bashrc}${rc}\n` }, ...more });

  test('reads /etc/profile and the first of the profiles, and on the way out the logout file', async () => {
    const home = {
      '.bash_login': 'echo read-login; PS1="$ "',
      '.profile': 'echo read-profile',
      '.bashrc': 'echo read-rc',
      '.bash_logout': 'echo read-logout',
    };
    const shell = await start({ shell: BASH, home });
    expect(shell.output).toContain('read-login');
    expect(shell.output).not.toMatch(/read-(profile|rc)/);
    expect((await shell.run('echo "$HISTFILE $ENV$POSIXLY_CORRECT; $(shopt -o posix) $(shopt inherit_errexit)"')).output).toMatch(
      /home\/\.bash_history ; posix\s+off inherit_errexit\s+off/,
    );
    shell.pty.write('exit\r');
    await shell.exited();
    expect(shell.output).toContain('read-logout');
  });

  test('a user’s ENV is theirs again', async () => {
    const shell = await bash('', { clientEnv: { ENV: '/my env' } });
    expect((await shell.run('echo "<$ENV>"')).output).toContain('</my env>');
  });

  test.each([
    ['a string', 'PROMPT_COMMAND=\'echo "hook=$? pipe=${PIPESTATUS[*]}"; MINE=1\''],
    ['a string with a trailing semicolon', 'PROMPT_COMMAND=\'echo "hook=$? pipe=${PIPESTATUS[*]}";\''],
    ['an array', 'PROMPT_COMMAND=(\'echo "hook=$? pipe=${PIPESTATUS[*]}"\' \'echo "then=$?"\')'],
  ])('prompt hooks in %s see the status of the command', async (_, rc) => {
    const shell = await bash(rc);
    const { output, marks } = await shell.run('true | (exit 3)');
    expect(output).toContain('hook=3 pipe=0 3');
    if (rc.includes('then=')) expect(output).toContain('then=3');
    expect(marks).toContain('D:3');
  });

  test('a prompt that a hook makes anew each time, with the status in it, keeps working', async () => {
    const shell = await bash(`PROMPT_COMMAND='PS1="[$?] "'`);
    const { output } = await shell.run('(exit 7)');
    expect(output).toMatch(/\[7\] \x1b\]133;B\x07/);
  });

  test('$_ and PIPESTATUS reach the next command', async () => {
    const shell = await bash('');
    await shell.run('true last-word');
    expect((await shell.run('echo "<$_>"')).output).toContain('<last-word>');
    await shell.run('true | (exit 3) | true');
    expect((await shell.run('echo "<${PIPESTATUS[*]}>"')).output).toContain('<0 3 0>');
  });

  test.each([
    'set -u',
    'set -e',
    'set -f',
    'IFS=x',
    'set -a',
    'set -o noclobber',
    'shopt -s extglob nocasematch',
    'unset HISTCONTROL',
    'alias printf=false history=false',
  ])('works under `%s`', async (option) => {
    const shell = await bash(option);
    expect((await shell.run('echo a b')).marks).toEqual(['E:echo a b', 'C', 'D:0', 'P:~', 'A']);
    expect((await shell.run('! true')).marks).toContain('D:1');
    expect((await shell.run('echo still here')).output).toContain('still here');
    expect(shell.text).not.toMatch(/unbound|not found|error/);
  });

  test.each(['set -u', 'set -e', 'set -a'])('before 4.4, works under `%s`', async (option) => {
    const shell = await bash(option, { shellDir: legacyDir });
    expect((await shell.run('echo a b')).marks).toEqual(['E:echo a b', 'C', 'D:0', 'P:~', 'A']);
    expect((await shell.run('! true')).marks).toContain('D:1');
    expect((await shell.run('echo still here')).text).toContain('still here');
    expect(shell.text).not.toMatch(/unbound|not found|error/);
  });

  test.each([SHELL_DIR, legacyDir])('set -x shows the nonce nowhere (%s)', async (shellDir) => {
    const shell = await bash('', { shellDir });
    await shell.run('set -x');
    const { text, marks } = await shell.run('echo hi');
    expect(marks).toEqual(['E:echo hi', 'C', 'D:0', 'P:~', 'A']);
    expect(text).toContain('+ echo hi');
    expect(text).not.toContain(shell.launch.nonce);
  });

  test('the user’s DEBUG trap times commands, not the wait at the prompt', async () => {
    const shell = await bash(`trap 'T=\${T:-$BASH_COMMAND}' DEBUG\nPROMPT_COMMAND='echo "began=$T"; unset T'`);
    await shell.run('echo one');
    const { output, marks } = await shell.run('echo two');
    expect(output).toContain('began=echo two');
    expect(marks).toEqual(['E:echo two', 'C', 'D:0', 'P:~', 'A']);
  });

  test('the user’s DEBUG trap also runs where cmdop needs one', async () => {
    const shell = await bash(`trap 'LAST="it'"'"'s $BASH_COMMAND"' DEBUG`, { shellDir: legacyDir });
    expect((await shell.run('echo one')).marks.slice(0, 3)).toEqual(['E:echo one', 'C', 'D:0']);
    expect((await shell.run('(exit 3)')).marks.slice(0, 3)).toEqual(['E:(exit 3)', 'C', 'D:3']);
    expect((await shell.run('echo "<$LAST>"')).output).toContain('<it\'s echo "<$LAST>">');
  });

  test('PS0 of the user is shown', async () => {
    const shell = await bash("PS0='[starting]'");
    expect((await shell.run('echo hi')).output).toMatch(/\[starting\].*hi/s);
  });

  test('with its own kind of history kept out, a line is reported without text', async () => {
    const shell = await bash("HISTCONTROL=ignorespace; HISTIGNORE='pwd'");
    await shell.run('echo 1');
    expect((await shell.run(' echo hidden')).marks[0]).toBe('E:(withheld)');
    expect((await shell.run('pwd')).marks[0]).toBe('E:(withheld)');
    expect((await shell.run('echo 2')).marks[0]).toBe('E:echo 2');
    await shell.run('set +o history');
    expect((await shell.run('echo 3')).marks[0]).toBe('E:(withheld)');
  });

  test('a long line is cut, an odd one escaped', async () => {
    const shell = await bash('');
    const { marks } = await shell.run(`echo ${'x'.repeat(3000)}`);
    expect(marks[0]).toBe(`E:echo ${'x'.repeat(3000)}`);
    expect((await shell.run('echo "\x16\x1b]133;D\x16\x07"')).marks[0]).toBe('E:echo "\x1b]133;D\x07"');
  });
});

describe('zsh', () => {
  test('reads all of the user’s files from their own ZDOTDIR', async () => {
    const home = Object.fromEntries(['.zshenv', '.zprofile', '.zshrc', '.zlogin'].map((file) => [`z/${file}`, `echo read-${file}\n`]));
    const shell = new ShellInPty({ shell: ZSH, home: { ...home, '.zshenv': 'echo read-wrong' }, clientEnv: { ZDOTDIR: '/nowhere' } });
    open.push(shell);
    await shell.prompts(1);
    expect((await shell.run('echo "<$ZDOTDIR>"')).output).toContain('</nowhere>');

    const own = await start({ shell: ZSH, home: { ...home, '.zshenv': 'export ZDOTDIR=~/z; echo read-home\n' } });
    expect([...own.output.matchAll(/read-[.\w]+/g)].map(([read]) => read)).toEqual([
      'read-home',
      'read-.zprofile',
      'read-.zshrc',
      'read-.zlogin',
    ]);
    expect((await own.run('echo "<${ZDOTDIR-none}>"')).output).toContain('home/z>');
    const none = await start({ shell: ZSH, home: { '.zshrc': 'PS1="%# "\n' } });
    expect((await none.run('echo "<${ZDOTDIR-none}>"')).output).toContain('<none>');
  });

  test.each([
    'set -u',
    'set -e',
    'setopt ksh_arrays sh_word_split',
    'setopt all_export',
    'setopt no_prompt_percent',
    'setopt warn_create_global',
    'setopt xtrace',
    'setopt no_clobber',
    'alias print=false',
  ])('works under `%s`', async (option) => {
    const shell = await start({
      shell: ZSH,
      home: { '.zshrc': `PS1='%# '\n${option}\n` },
      marksPromptEnd: option !== 'setopt no_prompt_percent',
    });
    expect((await shell.run('echo a b')).marks).toEqual(['E:echo a b', 'C', 'D:0', 'P:~', 'A']);
    expect((await shell.run('echo still here')).output).toContain('still here');
    expect(shell.text).not.toContain(shell.launch.nonce);
    expect(shell.text).not.toMatch(/parameter not set|created globally|bad|error/);
  });

  test('the user’s hooks see the status of the command, and may make the prompt anew', async () => {
    const rc = 'precmd() { echo "hook=$? pipe=$pipestatus"; PS1="[$?]"; }\npreexec() { echo "runs=$1"; }\nsetopt prompt_subst\n';
    const shell = await start({ shell: ZSH, home: { '.zshrc': rc } });
    const { output, marks } = await shell.run('true | (exit 3)');
    expect(output).toContain('runs=true | (exit 3)');
    expect(output).toContain('hook=3 pipe=0 3');
    expect(marks).toContain('D:3');
  });
});

describe('fish', () => {
  test('keeps the user’s prompt, with the status in it, and their events', async () => {
    const config =
      'set fish_greeting\nfunction fish_prompt; printf "[%s] " $status; end\nfunction mine --on-event fish_postexec; echo "hook=$status"; end\n';
    const shell = await start({ shell: FISH, home: { '.config/fish/config.fish': config } });
    const { output, marks } = await shell.run('sh -c "exit 3"');
    expect(output).toContain('hook=3');
    expect(output).toContain('[3] ');
    expect(marks).toContain('D:3');
  });

  test('escapes what a mark may not carry', async () => {
    const shell = await start({ shell: FISH, home: fishHome });
    const { marks } = await shell.run("cd (mkdir -p '/tmp/a;b\\\\c'; echo '/tmp/a;b\\\\c')");
    expect(marks).toContain('P:/tmp/a;b\\c');
    rmSync('/tmp/a;b\\c', { recursive: true, force: true });
  });
});

describe('others', () => {
  test('sh reads the profile and has no nonce', async () => {
    const shell = new ShellInPty({ shell: '/bin/sh', home: { '.profile': 'PS1="ready> "; export FROM_PROFILE=1\n' } });
    open.push(shell);
    expect(shell.launch.nonce).toBeNull();
    await shell.until('a prompt', () => /[#$>] $/.test(shell.output));
    shell.pty.write('echo "<$FROM_PROFILE>"\r');
    await shell.until('the profile’s variable', () => shell.output.includes('<1>'));
  });

  test('a given command runs as it is', async () => {
    const shell = new ShellInPty({ shell: BASH, command: ['sh', '-c', 'echo "$0 $1 $CMDOP_SESSION"', 'a b', '$c'] });
    open.push(shell);
    expect(shell.launch.file).toMatch(/^\/.*\/sh$/);
    expect(await shell.exited()).toBe(0);
    expect(shell.output).toContain('a b $c testsession');
  });

  test('a missing program, a missing folder and an unwritable run folder are told with what is missing', () => {
    const make = (options: Partial<ShellOptions>) => () => open.push(new ShellInPty({ shell: BASH, ...options }));
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
    expect(() => open.push(new ShellInPty({ shell: BASH, command, hostEnv: { PATH: folder } }))).toThrow(/no program/);
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
