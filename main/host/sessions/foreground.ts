/**
 * What Ctrl-C does on a session's terminal now: whom the terminal would signal, or that the program reads it as a byte.
 * Asked of the system, since the terminal itself takes no more keys while its program leaves a paste unread.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** The system answers in a few milliseconds, or not at all; milliseconds. */
const TIMEOUT_MS = 1_000;

const run = promisify(execFile);

/** The process group in the foreground of the terminal of `pid`; null where Ctrl-C is a byte like others, or nobody can tell. */
export async function interruptedGroup(pid: number): Promise<number | null> {
  try {
    const { terminal, group } = process.platform === 'linux' ? await linuxTerminal(pid) : await otherTerminal(pid);
    const flag = process.platform === 'linux' ? '-F' : '-f';
    const { stdout } = await run('stty', [flag, terminal, '-a'], { timeout: TIMEOUT_MS, env: { ...process.env, LC_ALL: 'C' } });
    const signals = /(?:^|\s)isig(?:\s|;|$)/.test(stdout) && !/intr = <undef>/.test(stdout);
    return signals && group > 1 ? group : null;
  } catch {
    return null; // Windows, or the program is gone: then the byte does no harm
  }
}

async function linuxTerminal(pid: number): Promise<{ terminal: string; group: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything; after it: state, ppid, group, session, terminal, foreground group.
  const [, , , , terminal = 0, group = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return { terminal: `/dev/pts/${(terminal & 0xff) | ((terminal >> 12) & 0xfff00)}`, group };
}

async function otherTerminal(pid: number): Promise<{ terminal: string; group: number }> {
  const { stdout } = await run('ps', ['-o', 'tpgid=,tty=', '-p', String(pid)], { timeout: TIMEOUT_MS });
  const [group = '', name = ''] = stdout.trim().split(/\s+/);
  return { terminal: `/dev/${name}`, group: Number(group) };
}
