/** Where this user's cmdop keeps its state and its sockets on this machine. */
import { chmodSync, existsSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CmdopError } from '#protocol/errors.ts';
import { account } from './account.ts';
import { homeFolder } from './home-folder.ts';

/**
 * `CMDOP_HOME` puts everything below one folder (tests, portable use). Otherwise: XDG and /tmp on Linux, Library on macOS,
 * LocalAppData and named pipes on Windows. Paths carry no version: every build meets the same host.
 */
export type LocalPaths = {
  /** Journal, output, settings: survives a reboot. 0700. */
  readonly stateDir: string;
  /** What people write themselves: hosts. */
  readonly configDir: string;
  /** What can be made again, and may be removed at any time. */
  readonly cacheDir: string;
  /** Sockets. 0700. */
  readonly runDir: string;
  /** Where clients reach the host. */
  readonly hostSocket: string;
  /** Where the host reaches the keeper of a session. */
  keeperSocket(sessionId: string): string;
  readonly journalFile: string;
  /** Since when the journal cannot be written; beside the sockets, not beside the journal. */
  readonly unrecordedFile: string;
  readonly logFile: string;
  /** What agents may do. */
  readonly policyFile: string;
  /** Port and sign-ins of the browser interface. */
  readonly webFile: string;
  /** What is set for every session of the host. */
  readonly settingsFile: string;
  /** The private key of the command line, as a guest of other hosts. */
  readonly keyFile: string;
  /** The app's own, sealed by the desktop's keychain where there is one. */
  readonly appKeyFile: string;
  /** The private key by which guests know this host. */
  readonly hostKeyFile: string;
  /** Who is invited. Holds hashes, no code. */
  readonly invitesFile: string;
  /** Where guests of other accounts on this machine reach the host: in a folder that a group may enter and nobody list. */
  readonly sharedSocket: string;
  /** Where the process that lets SSH guests in reaches the host. */
  readonly guestsSocket: string;
  /** What is shared with SSH guests, and where. */
  readonly guestsFile: string;
  /** The key by which SSH guests know this installation. */
  readonly guestsKeyFile: string;
};

export function localPaths(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): LocalPaths {
  const home = homeFolder(env);
  const own = env.CMDOP_HOME;
  let stateDir: string;
  let configDir: string;
  let cacheDir: string;
  let runDir: string;
  let sharedDir: string;
  if (own) {
    sharedDir = join(own, 'shared');
    stateDir = join(own, 'state');
    configDir = join(own, 'config');
    cacheDir = join(own, 'cache');
    runDir = join(own, 'run');
  } else if (platform === 'darwin') {
    sharedDir = `/tmp/cmdop-shared-${account().uid}`;
    stateDir = join(home, 'Library', 'Application Support', 'cmdop');
    configDir = stateDir;
    cacheDir = join(home, 'Library', 'Caches', 'cmdop');
    runDir = join(stateDir, 'run');
  } else if (platform === 'win32') {
    sharedDir = '';
    stateDir = join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'cmdop');
    configDir = stateDir;
    cacheDir = join(stateDir, 'cache');
    runDir = join(stateDir, 'run');
  } else {
    sharedDir = `/tmp/cmdop-shared-${account().uid}`;
    configDir = join(env.XDG_CONFIG_HOME || join(home, '.config'), 'cmdop');
    cacheDir = join(env.XDG_CACHE_HOME || join(home, '.cache'), 'cmdop');
    stateDir = join(env.XDG_STATE_HOME || join(home, '.local', 'state'), 'cmdop');
    runDir = linuxRunDir(env);
  }
  const pipe = (name: string) => `\\\\.\\pipe\\cmdop-${account().name}-${name}`;
  const socket = (name: string) => (platform === 'win32' ? pipe(name) : join(runDir, `${name}.sock`));
  return {
    stateDir,
    configDir,
    cacheDir,
    runDir,
    hostSocket: socket('host'),
    keeperSocket: (sessionId) => socket(`k-${sessionId}`),
    journalFile: join(stateDir, 'journal.db'),
    unrecordedFile: join(runDir, 'unrecorded.json'),
    logFile: join(stateDir, 'host.log'),
    policyFile: join(configDir, 'policy.json'),
    webFile: join(stateDir, 'web.json'),
    settingsFile: join(stateDir, 'host-settings.json'),
    keyFile: join(stateDir, 'key.pem'),
    appKeyFile: join(stateDir, 'app-key.json'),
    hostKeyFile: join(stateDir, 'host-key.pem'),
    invitesFile: join(stateDir, 'invites.json'),
    sharedSocket: platform === 'win32' ? pipe('shared') : join(sharedDir, 'host.sock'),
    guestsSocket: socket('guests'),
    guestsFile: join(stateDir, 'guests.json'),
    guestsKeyFile: join(stateDir, 'ssh_host_ed25519_key'),
  };
}

/**
 * The same for everything that runs as this user, however it was started: a desktop, SSH, sudo, cron, a container. Not in
 * XDG_RUNTIME_DIR, which half of them lack, and which is emptied when the last login ends: the sessions go on, and nobody
 * would find them again. Where an earlier version put its sockets there, they are used while they last.
 */
function linuxRunDir(env: NodeJS.ProcessEnv): string {
  const earlier = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'cmdop') : null;
  return earlier && existsSync(join(earlier, 'host.sock')) ? earlier : `/tmp/cmdop-${account().uid}`;
}

/**
 * Makes the folders, for this user only. Throws `storage` if one cannot be made, or exists and belongs to someone else:
 * a folder in a shared /tmp can be planted, and its owner would own every session.
 */
export function ensureLocalFolders(paths: LocalPaths): void {
  for (const folder of [paths.stateDir, paths.runDir]) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new CmdopError('storage', `${folder} cannot be made (${message(error)}): make it, or set CMDOP_HOME to a folder of yours`);
    }
    if (process.platform !== 'win32') keepPrivate(folder);
  }
}

function keepPrivate(folder: string): void {
  const entry = lstatSync(folder);
  // One's own link may lead elsewhere; someone else's may not.
  const found = entry.isSymbolicLink() && entry.uid === process.getuid?.() ? statSync(folder) : entry;
  const own = process.getuid?.();
  if (!found.isDirectory() || found.uid !== own) {
    const what = found.isDirectory() ? `belongs to user ${found.uid}, not to you (${own})` : 'is not a folder';
    throw new CmdopError('storage', `${folder} ${what}: remove it, or set CMDOP_HOME to a folder of yours`);
  }
  if ((found.mode & 0o077) === 0) return;
  try {
    chmodSync(folder, 0o700);
  } catch (error) {
    throw new CmdopError('storage', `others may enter ${folder} (${message(error)}): run \`chmod 700 ${folder}\``);
  }
}

const message = (error: unknown) => (error instanceof Error ? error.message : String(error));
