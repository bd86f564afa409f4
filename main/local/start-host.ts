/** Starts the host as a process of its own, which inherits nothing but a clean environment and its three standard streams. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { CmdopError } from '#protocol/errors.ts';
import { cleanEnvironment } from './clean-environment.ts';
import { type LocalPaths, localPaths } from './paths.ts';
import { IDLE_FLAGS, nodePath, programPath } from './runtime.ts';
import { startService } from './service.ts';

/** How long a host may take to listen, milliseconds: it adopts its sessions after that, so a second is already slow. */
const READY_MS = 10_000;
/** Most that is read of what a host says before it is ready, bytes. */
const MAX_WORDS_BYTES = 16 * 1024;

/**
 * Closes every descriptor above 2, then becomes the program. Children of Electron's main process inherit Chromium's
 * descriptors on Linux, about thirty, and a host would keep them (and a display's socket) open for days.
 */
const CLOSE_AND_EXEC = `
if [ -d /proc/$$/fd ]; then fds=/proc/$$/fd; else fds=/dev/fd; fi
for fd in "$fds"/*; do fd=\${fd##*/}; if [ "$fd" -gt 2 ]; then eval "exec $fd>&-"; fi; done
unset fds fd; exec "$@"`;

/** Resolves when a host listens: ours, or the one that won the race. Throws `host-unreachable` with what it said. */
export async function startHost(paths: LocalPaths = localPaths()): Promise<void> {
  if (paths.hostSocket === localPaths().hostSocket && (await startService()) && (await listens(paths.hostSocket))) return;
  const child = spawnApart([nodePath(), ...IDLE_FLAGS, programPath('host')], cleanEnvironment(process.env));
  try {
    await ready(child, paths);
  } finally {
    child.stdout?.destroy();
    child.unref();
  }
}

/** Whether something listens there within the time. */
async function listens(socket: string): Promise<boolean> {
  for (const end = performance.now() + READY_MS; performance.now() < end; ) {
    const isThere = await new Promise<boolean>((resolve) => {
      const probe = connect(socket, () => {
        probe.destroy();
        resolve(true);
      });
      probe.on('error', () => resolve(false));
    });
    if (isThere) return true;
    await new Promise((resolve) => setTimeout(resolve, 20)); // systemd says when it was started, not when it is ready
  }
  return false;
}

/** Starts a program that outlives us: own session, folder `/`, descriptors 0 and 2 closed to `/dev/null`, 1 to read from. */
export function spawnApart(command: readonly string[], env: Record<string, string>): ChildProcess {
  const [program = '', ...rest] = closingDescriptors(command);
  return spawn(program, rest, { detached: true, cwd: '/', env, stdio: ['ignore', 'pipe', 'ignore'], windowsHide: true });
}

/** The command that closes every descriptor above 2 and becomes `command`; `command` itself where there is no bash. */
export function closingDescriptors(command: readonly string[]): readonly string[] {
  if (process.platform === 'win32') return command;
  const bash = ['/bin/bash', '/usr/bin/bash'].find((path) => existsSync(path));
  // -p: no start-up file and no imported functions.
  return bash ? [bash, '-p', '-c', CLOSE_AND_EXEC, 'cmdop', ...command] : command;
}

function ready(child: ChildProcess, paths: LocalPaths): Promise<void> {
  return new Promise((resolve, reject) => {
    let words = '';
    const fail = (why: string) =>
      settle(() => reject(new CmdopError('host-unreachable', `the host did not start: ${why} (its log: ${paths.logFile})`)));
    const timer = setTimeout(() => fail(`it was not ready after ${READY_MS / 1000} s`), READY_MS);
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      child.stdout?.removeAllListeners('data');
      finish();
    };
    const said = () => /^error: (.*)$/m.exec(words)?.[1] ?? words.trim().split('\n').at(-1) ?? '';
    child.on('error', (error) => fail(error.message));
    child.stdout?.on('error', () => {}); // its `close` follows
    child.stdout?.on('data', (bytes: Buffer) => {
      words = (words + bytes.toString()).slice(-MAX_WORDS_BYTES);
      if (/^ready$/m.test(words)) settle(resolve);
    });
    // After `exit` there may still be words in the pipe; `close` comes when they are read.
    child.on('close', (code, signal) => fail(said() || `it ended with ${signal ?? `exit code ${code}`}`));
  });
}
