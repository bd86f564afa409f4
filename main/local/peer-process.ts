/** Which processes of this machine hold the other end of a connection on loopback, and in which session a process runs. */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

/** State of an open connection in /proc/net/tcp. */
const ESTABLISHED = '01';
const MAX_DESCRIPTORS = 4096;
/** Deepest chain of processes that is followed. */
const MAX_DEPTH = 64;
const ASK_MS = 5_000;

export type Connection = { localPort: number; remotePort: number };

/** Those whose port is `remotePort`; empty where the system does not tell, as of another account's. */
export async function peerProcesses({ localPort, remotePort }: Connection): Promise<number[]> {
  if (process.platform !== 'linux') return lsof({ localPort, remotePort });
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => ''))); // no IPv6
  const ids = tables.flatMap((table) => table.split('\n')).flatMap((row) => socketOf(row, { localPort, remotePort }) ?? []);
  if (ids.length === 0) return [];
  const links = new Set(ids.map((id) => `socket:[${id}]`));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const held = await Promise.all(pids.map((pid) => holds(pid, links)));
  return pids.filter((_pid, at) => held[at]).map(Number);
}

/** The session in whose shell, or below it, a process was started: by the environment of the process and of its ancestors. */
export async function sessionAround(pid: number): Promise<string | null> {
  for (let each = pid, depth = 0; each > 1 && depth < MAX_DEPTH; depth++) {
    const { session, parent } = await (process.platform === 'linux' ? linuxProcess(each) : psProcess(each));
    if (session !== null) return session;
    each = parent;
  }
  return null;
}

/** The inode of that end of the connection which is not ours. */
function socketOf(row: string, { localPort, remotePort }: Connection): string | null {
  const [, local = '', remote = '', state, , , , , , inode = ''] = row.trim().split(/\s+/);
  const portIn = (address: string) => Number.parseInt(address.split(':')[1] ?? '', 16);
  return state === ESTABLISHED && portIn(local) === remotePort && portIn(remote) === localPort ? inode : null;
}

async function holds(pid: string, links: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []); // it has ended, or is somebody else's
  const found = await Promise.all(names.slice(0, MAX_DESCRIPTORS).map((name) => readlink(`${folder}/${name}`).catch(() => ''))); // closed meanwhile
  return found.some((link) => links.has(link));
}

type Process = { session: string | null; parent: number };

async function linuxProcess(pid: number): Promise<Process> {
  const [environment, stat] = await Promise.all(
    ['environ', 'stat'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '')), // it has ended, or is somebody else's
  );
  const parent = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  return { session: sessionIn((environment ?? '').split('\0')), parent: parent || 0 };
}

/** With its environment behind its command, where the system shows it. */
async function psProcess(pid: number): Promise<Process> {
  const line = await said('ps', ['-E', '-ww', '-o', 'ppid=,command=', '-p', String(pid)]);
  return { session: sessionIn(line.split(/\s+/)), parent: Number.parseInt(line, 10) || 0 };
}

const sessionIn = (variables: readonly string[]) =>
  /^CMDOP_SESSION=([\w-]{1,64})$/.exec(variables.find((each) => each.startsWith('CMDOP_SESSION=')) ?? '')?.[1] ?? null;

/** Both ends are told there; the one that is not this process is meant. */
async function lsof({ localPort, remotePort }: Connection): Promise<number[]> {
  const text = await said('lsof', ['-nP', '-a', `-iTCP:${remotePort}`, '-sTCP:ESTABLISHED', '-Fpn']);
  let pid = 0;
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('p')) pid = Number(line.slice(1));
    return line.startsWith('n') && line.endsWith(`:${localPort}`) && line.includes(`:${remotePort}->`) ? [pid] : [];
  });
}

async function said(program: string, args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { timeout: ASK_MS })).stdout;
  } catch {
    return ''; // it has ended, or the program is not there
  }
}
