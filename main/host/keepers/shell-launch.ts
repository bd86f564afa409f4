/** How a session's program is started: the user's login shell with integration, or a given command as it is. */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, delimiter, isAbsolute, join, resolve } from 'node:path';
import { account } from '#local/account.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import { type Environment, sessionEnvironment } from './shell-environment.ts';

export type LaunchOptions = {
  readonly session: SessionId;
  /** Program and arguments; null is the user's shell. */
  readonly command: readonly string[] | null;
  readonly cwd: string;
  /** What the creating client adds to the environment. */
  readonly env: Environment;
  /** Of the host's process. */
  readonly hostEnv?: Environment;
  /** 0700, of this user: holds the shell's init file until the shell has read it. */
  readonly runDir: string;
  /** Where cmdop.bash, cmdop.zsh and cmdop.fish are. */
  readonly shellDir: string;
  /** Absolute path; from the user database when absent. */
  readonly userShell?: string;
  /** Of cmdop, told to programs as TERM_PROGRAM_VERSION. */
  readonly version: string;
  readonly platform?: NodeJS.Platform;
};

export type Launch = {
  /** Absolute path. */
  readonly file: string;
  /** Without argv[0]. */
  readonly args: readonly string[];
  readonly env: Record<string, string>;
  readonly cwd: string;
  /** What the shell's marks carry; null where the program has no integration. Never goes into `env` or `args`. */
  readonly nonce: string | null;
  /** Removed by the shell as it reads them; to be removed with `removeLaunchFiles` once the session ended or its first mark came. */
  readonly files: readonly string[];
};

/**
 * Throws `cwd-missing`, `command-not-found`, or `storage` when the init file cannot be written.
 * Leaves nothing behind when it throws.
 */
export function prepareLaunch(options: LaunchOptions): Launch {
  const platform = options.platform ?? process.platform;
  const hostEnv = options.hostEnv ?? process.env;
  if (!isFolder(options.cwd)) {
    throw new CmdopError('cwd-missing', `the folder ${options.cwd} does not exist or cannot be entered: give another one`, {
      cwd: options.cwd,
    });
  }
  const user = account(hostEnv);
  const shell = options.userShell ?? loginShell({ shell: user.shell, hostEnv, platform });
  const env = sessionEnvironment({
    host: hostEnv,
    client: options.env,
    session: options.session,
    cwd: options.cwd,
    shell,
    user: { name: user.name, home: user.home },
    version: options.version,
    platform,
  });
  const plain = (file: string, args: readonly string[]): Launch => ({ file, args, env, cwd: options.cwd, nonce: null, files: [] });

  if (options.command) {
    const [program = '', ...args] = options.command;
    return plain(findProgram({ program, cwd: options.cwd, path: env.PATH ?? env.Path ?? '', platform }), args);
  }
  if (platform === 'win32') return plain(shell, []);

  switch (basename(shell)) {
    case 'bash':
      return withIntegration(options, { shell, env, platform, kind: 'bash' });
    case 'zsh':
      return withIntegration(options, { shell, env, platform, kind: 'zsh' });
    case 'fish':
      return withIntegration(options, { shell, env, platform, kind: 'fish' });
    case 'sh':
    case 'dash':
    case 'ash':
      // Older ones know no -l, and their argv[0] cannot be set through the PTY library.
      return plain(shell, ['-c', '[ ! -r /etc/profile ] || . /etc/profile; [ ! -r ~/.profile ] || . ~/.profile; exec "$0" -i', shell]);
    case 'ksh':
    case 'mksh':
    case 'tcsh':
    case 'csh':
    case 'nu':
      return plain(shell, ['-l']);
    default:
      return plain(shell, []);
  }
}

/** Removes what a shell that was killed early did not; never throws. */
export function removeLaunchFiles(files: readonly string[]): void {
  for (const file of files) {
    try {
      rmSync(file, { recursive: true, force: true });
    } catch {
      // The folder is gone or no longer ours: nothing of the session is left in it that we could remove.
    }
  }
}

type Start = { shell: string; env: Record<string, string>; platform: NodeJS.Platform; kind: 'bash' | 'zsh' | 'fish' };

function withIntegration(options: LaunchOptions, { shell, env, platform, kind }: Start): Launch {
  const nonce = randomBytes(16).toString('hex');
  // A folder of its own: zsh finds its init file by the folder. The random part keeps a reused id from meeting an old file.
  const folder = join(options.runDir, `init-${options.session}-${randomBytes(4).toString('hex')}`);
  const file = join(folder, kind === 'zsh' ? '.zshenv' : `init.${kind}`);
  const set = (name: string, value: string) =>
    kind === 'fish' ? `set -g ${name} ${quoteFish(value)}\n` : `${name}=${quotePosix(value)}\n`;
  let header = set('__cmdop_nonce', nonce) + set('__cmdop_init_folder', folder);
  let args: readonly string[];
  const started = { ...env };
  switch (kind) {
    case 'bash': {
      // A login shell ignores --init-file, but reads $ENV alone when in posix mode (as kitty does); the script leaves that mode,
      // then reads the profile. Apple's bash never reads $ENV, and bash expands the path: there it is no login shell, but looks like one.
      const isLogin = !(platform === 'darwin' && shell === '/bin/bash') && !/[$`\\]/.test(file);
      if (isLogin) {
        if (env.ENV !== undefined) header += set('__cmdop_user_env', env.ENV);
        started.ENV = file;
        args = ['--posix', '--login'];
      } else {
        args = ['--init-file', file, '-i'];
      }
      break;
    }
    case 'zsh':
      if (env.ZDOTDIR !== undefined) header += set('__cmdop_user_zdotdir', env.ZDOTDIR);
      started.ZDOTDIR = folder;
      args = ['--login', '-i'];
      break;
    case 'fish':
      args = ['--login', '--interactive', '--init-command', `source ${quoteFish(file)}`];
      break;
  }
  try {
    const script = readFileSync(join(options.shellDir, `cmdop.${kind}`), 'utf8');
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(file, header + script, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    removeLaunchFiles([folder]);
    const reason = error instanceof Error ? error.message : String(error);
    throw new CmdopError('storage', `cannot prepare the shell in ${options.runDir}: ${reason}`, { folder });
  }
  return { file: shell, args, env: started, cwd: options.cwd, nonce, files: [folder] };
}

function loginShell({ shell, hostEnv, platform }: { shell: string | null; hostEnv: Environment; platform: NodeJS.Platform }): string {
  if (platform === 'win32') return hostEnv.COMSPEC ?? 'cmd.exe';
  const candidates = [shell, hostEnv.SHELL].filter((candidate): candidate is string => {
    if (!candidate || !isAbsolute(candidate) || !isProgram(candidate)) return false;
    return !['nologin', 'false', 'true'].includes(basename(candidate)); // accounts without a login shell
  });
  return candidates[0] ?? '/bin/sh';
}

type Search = { program: string; cwd: string; path: string; platform: NodeJS.Platform };

function findProgram({ program, cwd, path, platform }: Search): string {
  const suffixes = platform === 'win32' ? ['', '.exe', '.cmd', '.bat'] : [''];
  const isPath = program.includes('/') || (platform === 'win32' && program.includes('\\'));
  const folders = isPath ? [cwd] : path.split(delimiter);
  for (const folder of program === '' ? [] : folders) {
    for (const suffix of suffixes) {
      const file = resolve(cwd, folder, program + suffix);
      if (isProgram(file)) return file;
    }
  }
  const where = isPath ? `in ${cwd}` : `on the PATH ${path}`;
  throw new CmdopError('command-not-found', `no program ${JSON.stringify(program)} ${where}: check its name or give its full path`, {
    program,
    path,
  });
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // not there, or not ours to run
  }
}

function isFolder(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isDirectory();
  } catch {
    return false; // not there, or not ours to enter
  }
}

const quotePosix = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const quoteFish = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
