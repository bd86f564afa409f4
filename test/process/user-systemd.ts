/**
 * A real systemd of a user, in namespaces of its own: mounts, processes and control groups, which end with it. Linux, as root,
 * where such namespaces may be made.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SYSTEMD = '/usr/lib/systemd/systemd';

/** Joins a control group of its own, and makes that the root of what is seen of them. */
const ENTER = `set -e
groups=$(mktemp -d); mount -t cgroup2 none "$groups"; group="$groups/cmdop-test-$$"; mkdir "$group"
echo $$ > "$group/cgroup.procs"; umount "$groups"; rmdir "$groups"
exec unshare --mount --pid --fork --kill-child --cgroup --mount-proc bash -c "$0"`;

/** Removes those control groups that nobody is in any more. */
const LEAVE = `groups=$(mktemp -d); mount -t cgroup2 none "$groups"
find "$groups"/cmdop-test-* -depth -type d -exec rmdir {} \\; 2> /dev/null
umount "$groups"; rmdir "$groups"`;
const removeGroups = () => spawnSync('unshare', ['--mount', 'bash', '-c', LEAVE], { stdio: 'ignore' });

/** systemd serves a user only where it seems to have booted the machine. */
const SERVE = `set -e
mount --make-rprivate /; umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup; mount -t tmpfs none /run; mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
${SYSTEMD} --user --unit=basic.target &
until systemctl --user is-system-running > /dev/null 2>&1; do sleep 0.05; done
echo ready; wait`;

export type UserSystemd = {
  /** Runs a program there to its end; its output. Rejects if it fails. */
  run(...command: string[]): Promise<string>;
  /** Resolves with the properties of a service once they fit. */
  until(unit: string, fits: (shown: Readonly<Record<string, string>>) => boolean): Promise<Readonly<Record<string, string>>>;
  dispose(): Promise<void>;
};

export function maySystemd(): boolean {
  if (!existsSync(SYSTEMD) || process.getuid?.() !== 0) return false;
  const { status } = spawnSync('unshare', ['--mount', 'bash', '-c', ENTER, 'true'], { stdio: 'ignore' });
  removeGroups();
  return status === 0;
}

export async function startUserSystemd(env: Record<string, string>): Promise<UserSystemd> {
  const home = env.HOME ?? '/';
  const own = { ...env, XDG_RUNTIME_DIR: join(home, 'xdg'), XDG_CONFIG_HOME: join(home, '.config') };
  mkdirSync(own.XDG_RUNTIME_DIR, { mode: 0o700 });
  const outer: ChildProcess = spawn('unshare', ['--mount', 'bash', '-c', ENTER, SERVE], {
    env: own,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [ready] = (await Promise.race([once(outer.stdout ?? outer, 'data'), once(outer, 'exit')])) as [unknown];
  if (!Buffer.isBuffer(ready)) throw new Error('no systemd of a user starts here');
  // Of the processes in there, the first.
  const { stdout } = await promisify(execFile)('pgrep', ['--parent', String(outer.pid)]);
  const first = stdout.trim();
  const run = async (...command: string[]) => {
    const enter = ['--target', first, '--mount', '--pid', '--cgroup', '--', ...command];
    return (await promisify(execFile)('nsenter', enter, { env: own, cwd: home })).stdout;
  };
  return {
    run,
    until: async (unit, fits) => {
      for (;;) {
        const text = await run('systemctl', '--user', 'show', unit, '--property=MainPID,ActiveState,SubState,Result,NRestarts');
        const shown = Object.fromEntries(text.split('\n').flatMap((line) => (line === '' ? [] : [line.split('=', 2)])));
        if (fits(shown)) return shown;
        await new Promise((resolve) => setTimeout(resolve, 50)); // systemd tells over D-Bus, which is not here
      }
    },
    dispose: async () => {
      const ended = once(outer, 'exit');
      process.kill(Number(first), 'SIGKILL'); // and everything in there
      await ended;
      removeGroups();
    },
  };
}
