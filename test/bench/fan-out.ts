/** How fast a long log reaches the slowest of many clients: from the program's start until it has the last byte. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BuildLog } from './build-log.ts';
import type { CmdopPeer } from './cmdop-peer.ts';
import { Watch, within } from './peer.ts';
import { cpuSeconds, sum } from './processes.ts';
import type { TmuxPeer } from './terminal-peers.ts';

const READY = 'READY';
const END = 'FLOOD-IS-OVER';
/** Longest that a crowd may take to attach or to have everything, milliseconds: a hundred clients of tmux take minutes. */
const LONGEST_MS = 420_000;

export type FanOut = {
  /** Of the log as printed, 10⁶ bytes a second, at the slowest client. */
  megabytesPerSecond: number;
  /** Of everything between the program and the clients, seconds. */
  cpuSeconds: number;
};

/** A session that floods once told so, and how a crowd joins it. */
type Flooded = { crowd: readonly string[]; relayPids(): Promise<number[]>; end(): Promise<void> };
export type FanOutPeer = { readonly name: 'cmdop' | 'tmux' | 'Node relay'; start(script: string): Promise<Flooded> };

export const cmdopCrowd = (cmdop: CmdopPeer): FanOutPeer => ({
  name: 'cmdop',
  start: async (script) => {
    const session = await cmdop.start(script);
    await seen(session.attach);
    return { ...session, crowd: ['wire', cmdop.socket, session.id] };
  },
});

export const tmuxCrowd = (tmux: TmuxPeer): FanOutPeer => ({
  name: 'tmux',
  start: async (script) => {
    const session = await tmux.start(script);
    await seen(session.attach);
    return { ...session, crowd: ['screen', READY, END, ...session.attachCommand] };
  },
});

export const relayCrowd: FanOutPeer = {
  name: 'Node relay',
  start: async (script) => {
    const folder = mkdtempSync(join(tmpdir(), 'cmdop-b-relay-'));
    const socket = join(folder, 'socket');
    const relay = run('relay.ts', [socket, script]);
    await relay.line();
    return {
      crowd: ['raw', socket],
      relayPids: async () => [relay.pid],
      end: async () => {
        await relay.end();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

/** Throws unless every client of a peer that promises all bytes got them all. */
export async function measureFanOut(peer: FanOutPeer, { members, log }: { members: number; log: BuildLog }): Promise<FanOut> {
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-b-crowd-'));
  // Nobody has to type: all clients are alike, and only look on.
  const start = join(folder, 'start');
  execFileSync('mkfifo', [start]);
  const flooded = await peer.start(`stty -echo; printf ${READY}; read x < ${start}; cat ${log.file}; printf ${END}; exec cat`);
  const wantedBytes = log.printedBytes + END.length;
  const crowd = run('crowd.ts', [String(members), String(wantedBytes), ...flooded.crowd]);
  try {
    const { pids } = JSON.parse(await crowd.line());
    const relays = [...new Set([...(await flooded.relayPids()), ...pids])];
    const cpuBefore = sum(relays, cpuSeconds);
    const startedAt = performance.now();
    writeFileSync(start, '\n');
    const { bytes, gaps, hash } = JSON.parse(await crowd.line());
    const seconds = (performance.now() - startedAt) / 1000;
    const cpu = sum(relays, cpuSeconds) - cpuBefore;
    const isWhole = gaps === 0 && bytes.every((count: number) => count === wantedBytes) && hash === hashOf(log);
    if (peer.name !== 'tmux' && !isWhole) throw new Error(`${peer.name} with ${members} clients: not all bytes to all (${gaps} gaps)`);
    return { megabytesPerSecond: log.printedBytes / seconds / 1e6, cpuSeconds: cpu };
  } finally {
    await crowd.end();
    await flooded.end();
    rmSync(folder, { recursive: true });
  }
}

/** The session shows that it waits. */
async function seen(attach: (listener: (bytes: Uint8Array) => void) => Promise<{ detach(): Promise<void> }>): Promise<void> {
  const watch = new Watch();
  const isReady = watch.until(READY);
  const view = await attach(watch.received);
  await isReady;
  await view.detach();
}

const hashes = new WeakMap<BuildLog, string>();

function hashOf(log: BuildLog): string {
  const known = hashes.get(log);
  if (known !== undefined) return known;
  const hash = createHash('sha1');
  for (const block of log.printed()) hash.update(block);
  const made = hash.update(END).digest('hex');
  hashes.set(log, made);
  return made;
}

/** A process of the bench that prints a line for each thing that happened, and ends when its stdin does. */
function run(file: string, args: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = new Promise((resolve) => child.once('exit', resolve));
  return {
    pid: child.pid ?? 0,
    line: async (): Promise<string> => {
      const { value, done } = await within(`a word of ${file}`, lines.next(), LONGEST_MS);
      if (done) throw new Error(`${file} ended early`);
      return value;
    },
    end: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
