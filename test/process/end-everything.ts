/** Ends every process of one CMDOP_HOME: its clients, its host, its keepers and what runs in them. Linux. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Passes over the process table: the kernel's list of sockets skips entries when others vanish while it is read. */
const PASSES = 20;

export function endEverythingOf(home: string): void {
  if (process.platform !== 'linux') return;
  let emptyPasses = 0;
  for (let pass = 0; pass < PASSES && emptyPasses < 2; pass++) {
    const pids = processesOf(home);
    emptyPasses = pids.size === 0 ? emptyPasses + 1 : 0;
    for (const pid of pids) kill(pid);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}

/** Keepers are known by their sockets, since their environment is empty. */
function processesOf(home: string): Set<number> {
  const pids = new Set([...holdersOf(socketsBelow(join(home, 'run'))), ...carriersOf(`CMDOP_HOME=${home}`)]);
  pids.delete(process.pid);
  return pids;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended by itself meanwhile
  }
}

/** Every process of ours carries the home in its environment, and no process of anyone else does. */
function carriersOf(variable: string): number[] {
  return pidsNow().filter((pid) => `\0${textOf(`/proc/${pid}/environ`)}\0`.includes(`\0${variable}\0`));
}

/** Inodes of the unix sockets that are bound below a folder, as `socket:[N]`. */
function socketsBelow(folder: string): Set<string> {
  const rows = textOf('/proc/net/unix').split('\n');
  const own = rows.map((row) => row.trim().split(/\s+/)).filter((columns) => columns[7]?.startsWith(`${folder}/`));
  return new Set(own.map((columns) => `socket:[${columns[6]}]`));
}

function holdersOf(sockets: ReadonlySet<string>): number[] {
  if (sockets.size === 0) return [];
  return pidsNow().filter((pid) => descriptorsOf(pid).some((target) => sockets.has(target)));
}

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return []; // closed meanwhile
      }
    });
  } catch {
    return []; // the process ended meanwhile, or is not ours
  }
}

function pidsNow(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // the process ended meanwhile, or is not ours
  }
}
