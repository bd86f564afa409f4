/** Other Unix accounts on this machine, made by a test and removed by it: who comes to a host as somebody else does. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { nodePath } from '#local/runtime.ts';
import { endEverythingOf } from './end-everything.ts';
import { openTerminal, type TestTerminal } from './test-terminal.ts';

const CLI = resolve('dist/cli.mjs');

export type UnixAccount = {
  /** Its name on this machine. */
  readonly user: string;
  /** Its home, also its CMDOP_HOME. */
  readonly home: string;
  /** `cmdop …` as this account, to its end. */
  run(...args: string[]): { code: number | null; stdout: string; stderr: string };
  /** `cmdop …` as this account, in a terminal of its own. */
  terminal(...args: string[]): TestTerminal;
  /** Any command as this account, in a terminal of its own. */
  open(command: readonly string[]): TestTerminal;
  /** Gives the account all that was put into its home. */
  ownHome(): void;
  remove(): void;
};

/** Why no account can be made here, for the one who reads the skipped test; null if it can. */
export function whyNoAccounts(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux, to make other Unix accounts';
  if (!existsSync('/usr/sbin/useradd')) return 'needs useradd, to make other Unix accounts';
  const isReadable = [CLI, nodePath()].every((file) => spawnSync('runuser', ['-u', 'nobody', '--', 'test', '-r', file]).status === 0);
  return isReadable ? null : 'needs a checkout that other accounts can read';
}

export function makeGroup(name: string): { remove(): void } {
  execFileSync('groupadd', [name]);
  return { remove: () => void spawnSync('groupdel', [name]) };
}

/** `user` should hold the process id of the test: another run may be at it beside. */
export function makeAccount(user: string, { group }: { group?: string } = {}): UnixAccount {
  const home = mkdtempSync(join(tmpdir(), 'cmdop-u-'));
  const groups = group === undefined ? [] : ['-G', group];
  execFileSync('useradd', ['--home-dir', home, '--no-create-home', '--user-group', ...groups, '--password', '*', user]);
  const ownHome = () => void execFileSync('chown', ['-R', `${user}:`, home]);
  ownHome();
  const as = ['runuser', '-u', user, '-g', user, ...groups, '--'];
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    CMDOP_HOME: home,
    CMDOP_NODE: nodePath(),
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
  };
  const terminals: TestTerminal[] = [];
  const open = (command: readonly string[]) => {
    const terminal = openTerminal([...as, ...command], { cols: 80, rows: 24, cwd: '/', env });
    terminals.push(terminal);
    return terminal;
  };
  return {
    user,
    home,
    ownHome,
    open,
    terminal: (...args) => open([nodePath(), CLI, ...args]),
    run: (...args) => {
      const [program = '', ...rest] = [...as, nodePath(), CLI, ...args];
      const { status, stdout, stderr } = spawnSync(program, rest, { env, cwd: '/', encoding: 'utf8' });
      return { code: status, stdout, stderr };
    },
    remove: () => {
      for (const terminal of terminals) terminal.dispose();
      endEverythingOf(home);
      spawnSync('userdel', ['--force', user]);
      rmSync(home, { recursive: true, force: true });
    },
  };
}
