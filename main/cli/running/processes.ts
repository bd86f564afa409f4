/** `ps` and `signal`: the processes of a session. */
import type { ProcessRow } from '#protocol/shapes.ts';
import { type Globals, sessionRef, withClient } from '../connect.ts';
import { UsageError } from '../exit-codes.ts';
import { note, print, printJson, tableWidth } from '../output.ts';
import { parseSignal, shortHome } from '../sessions.ts';
import { type Column, formatTable } from '../table.ts';
import { showAge } from '../times.ts';

const COLUMNS: readonly Column[] = [
  { title: 'PID', align: 'right' },
  { title: 'CPU', align: 'right' },
  { title: 'MEMORY', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'CWD', shrink: 'start' },
  { title: 'PROCESS', shrink: 'end' },
];

export async function ps(options: Globals & { json?: boolean }, session: string): Promise<void> {
  const { processes } = await withClient(options, (client) => client.request('processes.list', { session: sessionRef(session) }));
  if (options.json) printJson(processes);
  else if (processes.length === 0) note(`no process of ${session} runs`);
  else print(processTable(processes));
}

export async function signal(globals: Globals, session: string, pid: string, name = 'TERM'): Promise<void> {
  if (!/^\d+$/.test(pid)) throw new UsageError(`"${pid}" is no process number: \`cmdop ps ${session}\` shows them`);
  const sent = parseSignal(name);
  await withClient(globals, (client) =>
    client.request('processes.signal', { session: sessionRef(session), pid: Number(pid), signal: sent }),
  );
}

/** Children below their parents, indented. */
export function processTable(processes: readonly ProcessRow[]): string {
  return formatTable(COLUMNS, rows(processes), tableWidth());
}

function rows(processes: readonly ProcessRow[]): string[][] {
  const pids = new Set(processes.map(({ pid }) => pid));
  const byParent = Map.groupBy(processes, ({ ppid }) => ppid);
  const found: string[][] = [];
  const add = (process: ProcessRow, depth: number) => {
    const { pid, cpu, memoryBytes, startedAt, cwd, command } = process;
    found.push([
      String(pid),
      `${Math.round(cpu * 100)}%`,
      `${(memoryBytes / 1024 / 1024).toFixed(1)} MB`,
      startedAt === null ? '' : showAge(Math.max(0, Date.now() - startedAt)),
      cwd === null ? '' : shortHome(cwd),
      `${'  '.repeat(depth)}${command}`,
    ]);
    for (const child of byParent.get(pid) ?? []) if (child !== process) add(child, depth + 1);
  };
  for (const process of processes) if (!pids.has(process.ppid)) add(process, 0);
  return found;
}
