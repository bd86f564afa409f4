/** Host processes of one CMDOP_HOME, found in the process table: whoever started them, ready or not. Linux. */
import { readdirSync, readFileSync } from 'node:fs';

/** Those that hold the lock, and those that start and find it taken. */
export function hostPids(home: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const command = textOf(`/proc/${pid}/cmdline`);
      const isHost = command.startsWith('cmdop host') || /\0[^\0]*\/host(\.mjs|\/main\.ts)\0/.test(command);
      return isHost && `\0${textOf(`/proc/${pid}/environ`)}\0`.includes(`\0CMDOP_HOME=${home}\0`);
    });
}

/** kill -9 of all of them, at once. */
export function killHosts(home: string): void {
  for (const pid of hostPids(home)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended by itself meanwhile
    }
  }
}

/** Resident memory, bytes. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

/** How often the process's threads were woken so far. */
export function wakeUps(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    sum += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(textOf(`/proc/${pid}/task/${thread}/status`))?.[1] ?? 0);
  return sum;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended meanwhile, or is none of ours
  }
}
