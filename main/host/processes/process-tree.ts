/** The processes of a session: its shell, what is below it, and what has left it without leaving its terminal. From /proc or ps. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { ProcessRow } from '#protocol/shapes.ts';
import { shownCommandLine } from '#session/shown-command.ts';

/** Clock ticks a second in /proc; 100 on every Linux since 2.6. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** `sid`: the leader of its terminal's session, 0 where that is not told. */
type Stat = { pid: number; ppid: number; sid: number };
type Row = Omit<ProcessRow, 'cwd'> & Stat;

/** The shell and everything of its terminal, parents first; empty where it cannot be told. */
export async function processTree(shellPid: number): Promise<ProcessRow[]> {
  const rows = process.platform === 'linux' ? await linuxRows() : await psRows();
  return Promise.all(within(shellPid, rows).map(async ({ sid, ...row }) => ({ ...row, cwd: await workingFolder(row.pid) })));
}

/** The numbers of the same processes, for less work. */
export async function processIds(shellPid: number): Promise<number[]> {
  const stats = process.platform === 'linux' ? await linuxStats() : await psRows();
  return within(shellPid, stats).map(({ pid }) => pid);
}

/** One process of the session as it is in this moment, or null. */
export async function processOf(shellPid: number, pid: number): Promise<ProcessRow | null> {
  return (await processTree(shellPid)).find((row) => row.pid === pid) ?? null;
}

/** Whether the process that was looked at is still the one with its number, asked in this turn; true where nobody can tell. */
export function isStill({ pid, birth }: Pick<ProcessRow, 'pid' | 'birth'>): boolean {
  if (process.platform !== 'linux' || birth === undefined) return true;
  try {
    return birthOf(statFields(readFileSync(`/proc/${pid}/stat`, 'utf8'))) === birth;
  } catch {
    return false; // it has ended
  }
}

/** The working folder of a process, or null where the system does not tell. */
export async function workingFolder(pid: number): Promise<string | null> {
  return process.platform === 'linux' ? readlink(`/proc/${pid}/cwd`).catch(() => null) : null;
}

/** Tells the parent of a process, undefined where there is none or it cannot be told. */
export async function processParents(): Promise<(pid: number) => Promise<number | undefined> | number | undefined> {
  if (process.platform === 'linux') {
    return async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''); // it has ended
      return Number(statFields(stat)[1]) || undefined;
    };
  }
  const parents = new Map((await psRows()).map(({ pid, ppid }) => [pid, ppid]));
  return (pid) => parents.get(pid);
}

/** `shellPid`, its descendants, and whoever its terminal still counts as its own though its parent is gone. */
function within<P extends Stat>(shellPid: number, all: readonly P[]): P[] {
  const byParent = Map.groupBy(all, ({ ppid }) => ppid);
  const tree = new Set<P>();
  const visit = (each: P) => {
    if (tree.has(each)) return;
    tree.add(each);
    for (const child of byParent.get(each.pid) ?? []) visit(child);
  };
  for (const root of all) if (root.pid === shellPid) visit(root);
  for (const orphan of all) if (orphan.sid === shellPid) visit(orphan);
  return [...tree];
}

/** Fields of a stat file from the state on: the name before them may hold spaces and parentheses. */
const statFields = (stat: string) => stat.slice(stat.lastIndexOf(')') + 2).split(' ');
const birthOf = (fields: readonly string[]) => fields[19] ?? '';

const linuxPids = async () => (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);

async function linuxStats(): Promise<Stat[]> {
  const stats = await Promise.all(
    (await linuxPids()).map(async (pid) => {
      const fields = statFields(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')); // it has ended
      return { pid, ppid: Number(fields[1]), sid: Number(fields[3]) };
    }),
  );
  return stats.filter(({ ppid }) => Number.isInteger(ppid));
}

async function linuxRows(): Promise<Row[]> {
  const [pids, uptime] = await Promise.all([linuxPids(), readFile('/proc/uptime', 'utf8')]);
  const uptimeSeconds = Number.parseFloat(uptime);
  const rows = await Promise.all(pids.map((pid) => linuxRow(pid, uptimeSeconds)));
  return rows.filter((row) => row !== null);
}

async function linuxRow(pid: number, uptimeSeconds: number): Promise<Row | null> {
  try {
    const [stat, cmdline] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile(`/proc/${pid}/cmdline`, 'utf8')]);
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const texts = statFields(stat);
    const fields = texts.map(Number);
    const [, ppid = 0, , sid = 0] = fields;
    const cpuTicks = (fields[11] ?? 0) + (fields[12] ?? 0);
    const ageSeconds = uptimeSeconds - (fields[19] ?? 0) / TICKS_PER_SECOND;
    return {
      pid,
      ppid,
      sid,
      command: shownCommandLine(cmdline.replaceAll('\0', ' ').trimEnd() || name), // an empty name of its own stays in front of the arguments
      cpu: ageSeconds > 0 ? cpuTicks / TICKS_PER_SECOND / ageSeconds : 0,
      cpuMs: (cpuTicks / TICKS_PER_SECOND) * 1000,
      memoryBytes: (fields[21] ?? 0) * PAGE_BYTES,
      startedAt: Date.now() - ageSeconds * 1000,
      birth: birthOf(texts),
    };
  } catch {
    return null; // it ended while we looked
  }
}

async function psRows(): Promise<Row[]> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,ppid=,pcpu=,rss=,command=']);
    return stdout.split('\n').flatMap((line) => {
      const match = /^\s*(\d+)\s+(\d+)\s+([\d.]+)\s+(\d+)\s+(.*)$/.exec(line);
      if (!match) return [];
      const [, pid, ppid, cpu, rssKib, command = ''] = match;
      const memoryBytes = Number(rssKib) * 1024;
      return {
        pid: Number(pid),
        ppid: Number(ppid),
        sid: 0,
        cpu: Number(cpu) / 100,
        memoryBytes,
        command: shownCommandLine(command),
        startedAt: null,
      };
    });
  } catch {
    return []; // no ps (Windows): the tree stays empty
  }
}
