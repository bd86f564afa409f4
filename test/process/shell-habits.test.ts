/** What users of bash, zsh and fish have set up in their own ways, and find unchanged in a session. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell code has them
import { describe, expect, test } from 'vitest';
import { SHELL_DIR, type ShellOptions } from './shell-in-pty.ts';
import { BASH, bashrc, FISH, fishHome, legacyDir, openShell, start, ZSH } from './shells.ts';

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
    const shell = openShell({ shell: ZSH, home: { ...home, '.zshenv': 'echo read-wrong' }, clientEnv: { ZDOTDIR: '/nowhere' } });
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
    const { marks } = await shell.run("cd (mkdir -p ~/'a;b\\\\c'; echo ~/'a;b\\\\c')");
    expect(marks).toContain('P:~/a;b\\c');
  });
});
