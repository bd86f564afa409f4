/** The TCP ports of this machine on which something listens, and whose they are. */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { promisify } from 'node:util';

/** State of a listening socket in /proc/net/tcp. */
const LISTENING = '0A';
/** Descriptors looked at in one process: a program with more has its listening sockets among the first. */
const MAX_DESCRIPTORS = 4096;
const LSOF_MS = 5_000;

/** `id`: of the socket, as long as it listens. */
export type ListeningSocket = { readonly id: string; readonly port: number; readonly address: string };
export type OwnedSocket = ListeningSocket & { readonly pid: number };

/** All of them on Linux; null where they can only be asked for process by process. */
export async function listeningSockets(): Promise<ListeningSocket[] | null> {
  if (process.platform !== 'linux') return null;
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => ''))); // no IPv6
  return tables.flatMap((table) => table.split('\n').flatMap(readRow));
}

/** Those of some processes, the first of several that share one; `all`: as `listeningSockets` told. */
export async function socketsOf(pids: readonly number[], all: readonly ListeningSocket[] | null): Promise<OwnedSocket[]> {
  if (all === null) return lsof(pids);
  const owners = new Map<string, number>();
  // Backwards, so that the first process of a tree, its parent, is who remains.
  const found = await Promise.all(pids.toReversed().map(async (pid) => ({ pid, ids: await socketIds(pid) })));
  for (const { pid, ids } of found) for (const id of ids) owners.set(id, pid);
  return all.flatMap((socket) => {
    const pid = owners.get(socket.id);
    return pid === undefined ? [] : [{ ...socket, pid }];
  });
}

/** Whether anything listens on a port: on Linux without a connection that the program would see, elsewhere by connecting. */
export async function isListening(port: number): Promise<boolean> {
  const sockets = await listeningSockets();
  return sockets ? sockets.some((socket) => socket.port === port) : accepts(port);
}

function readRow(row: string): ListeningSocket[] {
  const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/);
  if (state !== LISTENING) return [];
  const [address = '', port = ''] = local.split(':');
  return [{ id: inode, port: Number.parseInt(port, 16), address: addressOf(address) }];
}

/** `0100007F` is 127.0.0.1: words of 32 bits in the machine's own order, which is little-endian wherever cmdop runs. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: bytes.length / 2 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  const text = groups.join(':');
  if (/^0:0:0:0:0:ffff:/.test(text)) return bytes.subarray(12).join('.');
  return text.replace(/(^|:)0(:0)+(:|$)/, '::').replace(/^$/, '::');
}

async function socketIds(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []); // it has ended, or is somebody else's
  const links = await Promise.all(names.slice(0, MAX_DESCRIPTORS).map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => ''))); // closed meanwhile
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

async function lsof(pids: readonly number[]): Promise<OwnedSocket[]> {
  if (pids.length === 0) return [];
  try {
    const { stdout } = await promisify(execFile)('lsof', ['-nP', '-a', '-iTCP', '-sTCP:LISTEN', '-Fptn', '-p', pids.join(',')], {
      timeout: LSOF_MS,
    });
    return readLsof(stdout);
  } catch (error) {
    // It exits with 1 where some have none, and is not there on Windows.
    return typeof error === 'object' && error !== null && 'stdout' in error ? readLsof(String(error.stdout)) : [];
  }
}

/** Lines `pPID`, then `fFD`, `tIPv4` or `tIPv6` and `nADDRESS:PORT` for each socket; `*` is every address. */
export function readLsof(text: string): OwnedSocket[] {
  let pid = 0;
  let every = '0.0.0.0';
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('p')) pid = Number(line.slice(1));
    if (line.startsWith('t')) every = line === 'tIPv6' ? '::' : '0.0.0.0';
    const match = /^n(.*):(\d+)$/.exec(line);
    if (!match) return [];
    const [, address = '', port = ''] = match;
    return [{ id: `${pid} ${line}`, pid, port: Number(port), address: address === '*' ? every : address.replace(/^\[|\]$/g, '') }];
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: 'localhost' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
