/** The processes of a session: the tree below its shell, from /proc or ps. */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { ProcessRow } from '#protocol/shapes.ts';

/** Clock ticks a second in /proc; 100 on every Linux since 2.6. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

type Row = Omit<ProcessRow, 'cwd'>;

/** The shell and everything below it, parents first; empty where it cannot be told. */
export async function processTree(shellPid: number): Promise<ProcessRow[]> {
  const rows = process.platform === 'linux' ? await linuxRows() : await psRows();
  const byParent = Map.groupBy(rows, ({ ppid }) => ppid);
  const tree: Row[] = [];
  const visit = (row: Row) => {
    tree.push(row);
    for (const child of byParent.get(row.pid) ?? []) visit(child);
  };
  const root = rows.find(({ pid }) => pid === shellPid);
  if (root) visit(root);
  return Promise.all(tree.map(async (row) => ({ ...row, cwd: await workingFolder(row.pid) })));
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
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) || undefined;
    };
  }
  const parents = new Map((await psRows()).map(({ pid, ppid }) => [pid, ppid]));
  return (pid) => parents.get(pid);
}

async function linuxRows(): Promise<Row[]> {
  const [names, uptime] = await Promise.all([readdir('/proc'), readFile('/proc/uptime', 'utf8')]);
  const uptimeSeconds = Number.parseFloat(uptime);
  const rows = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => linuxRow(Number(name), uptimeSeconds)));
  return rows.filter((row) => row !== null);
}

async function linuxRow(pid: number, uptimeSeconds: number): Promise<Row | null> {
  try {
    const [stat, cmdline] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile(`/proc/${pid}/cmdline`, 'utf8')]);
    // The name in parentheses may hold spaces and parentheses; fields are counted after the last one.
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, ppid = 0] = fields;
    const cpuTicks = (fields[11] ?? 0) + (fields[12] ?? 0);
    const ageSeconds = uptimeSeconds - (fields[19] ?? 0) / TICKS_PER_SECOND;
    return {
      pid,
      ppid,
      command: cmdline.replaceAll('\0', ' ').trim() || name,
      cpu: ageSeconds > 0 ? cpuTicks / TICKS_PER_SECOND / ageSeconds : 0,
      memoryBytes: (fields[21] ?? 0) * PAGE_BYTES,
      startedAt: Date.now() - ageSeconds * 1000,
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
      return { pid: Number(pid), ppid: Number(ppid), cpu: Number(cpu) / 100, memoryBytes: Number(rssKib) * 1024, command, startedAt: null };
    });
  } catch {
    return []; // no ps (Windows): the tree stays empty
  }
}
