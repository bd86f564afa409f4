/** Where this user's cmdop keeps its state and its sockets on this machine. */
import { mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * `CMDOP_HOME` puts everything below one folder (tests, portable use). Otherwise: XDG on Linux, Library on macOS,
 * LocalAppData and named pipes on Windows. Paths carry no version: every build meets the same host.
 */
export type LocalPaths = {
  /** Journal, output, settings: survives a reboot. 0700. */
  readonly stateDir: string;
  /** Sockets. 0700. */
  readonly runDir: string;
  /** Where clients reach the host. */
  readonly hostSocket: string;
  /** Where the host reaches the keeper of a session. */
  keeperSocket(sessionId: string): string;
  readonly journalFile: string;
  readonly logFile: string;
};

export function localPaths(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): LocalPaths {
  const home = homedir();
  const own = env.CMDOP_HOME;
  let stateDir: string;
  let runDir: string;
  if (own) {
    stateDir = join(own, 'state');
    runDir = join(own, 'run');
  } else if (platform === 'darwin') {
    stateDir = join(home, 'Library', 'Application Support', 'cmdop');
    runDir = join(stateDir, 'run');
  } else if (platform === 'win32') {
    stateDir = join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'cmdop');
    runDir = join(stateDir, 'run');
  } else {
    stateDir = join(env.XDG_STATE_HOME || join(home, '.local', 'state'), 'cmdop');
    // Without a session manager (su, cron, containers) there is no XDG_RUNTIME_DIR.
    runDir = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'cmdop') : join(tmpdir(), `cmdop-${userInfo().uid}`);
  }
  const pipe = (name: string) => `\\\\.\\pipe\\cmdop-${userInfo().username}-${name}`;
  const socket = (name: string) => (platform === 'win32' ? pipe(name) : join(runDir, `${name}.sock`));
  return {
    stateDir,
    runDir,
    hostSocket: socket('host'),
    keeperSocket: (sessionId) => socket(`k-${sessionId}`),
    journalFile: join(stateDir, 'journal.db'),
    logFile: join(stateDir, 'host.log'),
  };
}

/** Makes the folders, for this user only. Throws what `mkdir` throws. */
export function ensureLocalFolders(paths: LocalPaths): void {
  mkdirSync(paths.stateDir, { recursive: true, mode: 0o700 });
  mkdirSync(paths.runDir, { recursive: true, mode: 0o700 });
}
