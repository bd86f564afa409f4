/** Our commands arrive as they are in every login shell that is here, whatever is in the words. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FINISH, LOOK, PREPARE } from '../../main/remote/install-scripts.ts';
import { loginCommand, RUN_CMDOP } from '../../main/remote/login-shell.ts';

const SHELLS = ['/bin/sh', '/bin/bash', '/usr/bin/zsh', '/usr/bin/fish', '/bin/csh', '/bin/ksh'].filter((path) => existsSync(path));

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cmdop-shells-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe.each(SHELLS)('%s', (shell) => {
  const run = (command: string, env: Record<string, string> = {}) =>
    execFileSync(shell, ['-c', command], { encoding: 'utf8', env: { HOME: home, PATH: '/usr/bin:/bin', SHELL: shell, ...env } });

  test('hands over every word', () => {
    const words = ['a b', '$HOME', '`id`', '*', '"', '#', ';|&<>', '~', '{a,b}', 'ü', '(x)', '%', '^', '=ls'];
    expect(run(loginCommand('printf "%s|" "$@"', words))).toBe(`${words.join('|')}|`);
  });

  test('finds an installed cmdop before any other, and one that only a login knows', () => {
    mkdirSync(join(home, '.local', 'bin'), { recursive: true });
    mkdirSync(join(home, 'opt'), { recursive: true });
    const program = (path: string, says: string) => writeFileSync(path, `#!/bin/sh\necho "${says} $*"\n`, { mode: 0o755 });
    program(join(home, 'opt', 'cmdop'), 'other');
    expect(run(loginCommand(RUN_CMDOP, ['bridge']), { PATH: `${join(home, 'opt')}:/usr/bin:/bin` })).toBe('other bridge\n');
    program(join(home, '.local', 'bin', 'cmdop'), 'ours');
    expect(run(loginCommand(RUN_CMDOP, ['bridge', '--where']))).toBe('ours bridge --where\n');
    rmSync(join(home, '.local'), { recursive: true });
    expect(() => run(`${loginCommand(RUN_CMDOP, ['bridge'])} 2>/dev/null`)).toThrow();
  });

  test('looks at the machine', () => {
    expect(run(loginCommand(LOOK, ['0.0.0-none']))).toMatch(/^cmdop-look os=\S+\n[\s\S]*cmdop-look free=\d+\n[\s\S]*cmdop-look end=\n$/);
  });
});

test('what no shell would take as it is is refused, and no script of ours holds it', () => {
  for (const word of ["it's", 'what!', 'a\\b', 'a\nb'])
    expect(() => loginCommand('true', [word])).toThrow('cannot be given to every login shell');
  for (const script of [LOOK, PREPARE, FINISH, RUN_CMDOP]) expect(() => loginCommand(script)).not.toThrow();
});
