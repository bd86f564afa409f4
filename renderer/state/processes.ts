/** The processes of a session, looked at while they are shown, with the CPU that each took since the last look. */
import { useEffect, useState } from 'react';
import type { ProcessRow } from '#protocol/shapes.ts';
import { client } from './engines.ts';
import { findHost, type HostedSession, useApp } from './store.ts';

/** Between two looks, milliseconds. */
const LOOK_EVERY_MS = 2_000;

/** `load`: of one core since the last look, 0 … n; of its whole life at the first. `depth`: below its parent. */
export type ShownProcess = ProcessRow & { readonly load: number; readonly depth: number };

export type ProcessList = { processes: readonly ShownProcess[] | null; error: string | null };

export function useProcesses(session: HostedSession): ProcessList {
  const [list, setList] = useState<ProcessList>({ processes: null, error: null });
  const isConnected = useApp((state) => findHost(state, session.host)?.link.is === 'connected');
  const isRunning = session.state === 'running';
  useEffect(() => {
    if (!isConnected || !isRunning) return;
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let before: { at: number; cpuMs: Map<string, number> } | null = null;
    const look = async () => {
      try {
        if (!document.hidden) {
          const { processes } = await client(session.host).request('processes.list', { session: session.id });
          const at = performance.now();
          const last = before;
          before = { at, cpuMs: new Map(processes.map((process) => [nameOf(process), process.cpuMs ?? 0])) };
          if (!isGone) setList({ processes: inTree(processes, (process) => loadOf(process, at, last)), error: null });
        }
      } catch (error) {
        if (!isGone) setList((shown) => ({ ...shown, error: error instanceof Error ? error.message : String(error) }));
      }
      if (!isGone) timer = setTimeout(() => void look(), LOOK_EVERY_MS);
    };
    void look();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [session.host, session.id, isConnected, isRunning]);
  return isRunning ? list : { processes: [], error: null };
}

const nameOf = ({ pid, birth }: ProcessRow) => `${pid} ${birth}`;

function loadOf(process: ProcessRow, at: number, last: { at: number; cpuMs: Map<string, number> } | null): number {
  const before = last?.cpuMs.get(nameOf(process));
  if (!last || before === undefined || process.cpuMs === undefined) return process.cpu;
  return Math.max(0, (process.cpuMs - before) / (at - last.at));
}

function inTree(processes: readonly ProcessRow[], load: (process: ProcessRow) => number): ShownProcess[] {
  const byParent = Map.groupBy(processes, ({ ppid }) => ppid);
  const pids = new Set(processes.map(({ pid }) => pid));
  const shown: ShownProcess[] = [];
  const add = (process: ProcessRow, depth: number) => {
    shown.push({ ...process, load: load(process), depth });
    for (const child of byParent.get(process.pid) ?? []) add(child, depth + 1);
  };
  for (const process of processes) if (!pids.has(process.ppid)) add(process, 0);
  return shown;
}
