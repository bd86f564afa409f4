/** Keepers without a host: of each program that there is, in a folder of their own, started as a host starts them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type ExpectStatic, test, vi } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { type KeeperProgram, nativeKeeper, nodeKeeper } from '../../main/host/keepers/keeper-program.ts';
import type { KeeperSpec } from '../../main/keeper/spec.ts';
import { KEEPER_WIRE } from '../../main/keeper/wire.ts';
import type { KeeperHello } from '../../main/keeper/wire-messages.ts';
import { KeeperPeer, WAIT } from './keeper-peer.ts';

export type Kept = { child: ChildProcess; spec: KeeperSpec; said: string; stderr: () => string };

/** Keepers in a folder of their own, which all go with it. */
export class KeeperWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'cmdop-keep-'));
  readonly #program: KeeperProgram;
  readonly #started: ChildProcess[] = [];
  readonly #peers: KeeperPeer[] = [];
  #names = 0;

  constructor(program: KeeperProgram) {
    this.#program = program;
  }

  /** Tells a keeper what to start, in these words where they are given; once it has answered or ended. */
  async start(
    spec: Partial<KeeperSpec> = {},
    options: { words?: string | Uint8Array; env?: NodeJS.ProcessEnv; program?: KeeperProgram; cwd?: string } = {},
  ): Promise<Kept> {
    const session = `s${++this.#names}`;
    const socket = join(this.folder, `${session}.sock`);
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin', TERM: 'xterm-256color' };
    const whole: KeeperSpec = { session, socket, meta: {}, file: '/bin/sh', args: [], env, cwd: this.folder, cols: 80, rows: 24, ...spec };
    const { file, args } = options.program ?? this.#program;
    const child = spawn(file, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'], cwd: options.cwd ?? '/', env: options.env ?? {} });
    this.#started.push(child);
    const kept = { child, spec: whole, said: '', stderr: () => stderr };
    let stderr = '';
    let isOver = false;
    child.on('close', () => {
      isOver = true;
    });
    child.stderr.on('data', (bytes) => {
      stderr += bytes;
    });
    child.stdout.on('data', (bytes) => {
      kept.said += bytes;
    });
    child.stdin.on('error', () => {}); // it has ended
    child.stdin.end(options.words ?? JSON.stringify(whole));
    await vi.waitUntil(() => kept.said.endsWith('\n') || isOver, WAIT);
    return kept;
  }

  /** A session that runs this in a shell. */
  script(script: string, spec: Partial<KeeperSpec> = {}): Promise<Kept> {
    return this.start({ args: ['-c', script], ...spec });
  }

  peer({ spec }: Kept): KeeperPeer {
    const peer = new KeeperPeer(spec.socket);
    this.#peers.push(peer);
    return peer;
  }
  /** A new host, which has heard HELLO, and what was typed past the one before. */
  async host(kept: Kept, from: number | undefined = 0, isAcking = true): Promise<KeeperPeer & { hello: KeeperHello }> {
    const peer = this.peer(kept);
    peer.isAcking = isAcking;
    peer.send({ kind: 'hello', wire: KEEPER_WIRE, from: from as Offset });
    await peer.until(() => peer.hello && peer.retold);
    return peer as KeeperPeer & { hello: KeeperHello };
  }

  dispose(): void {
    for (const { socket } of this.#peers) socket.destroy();
    for (const child of this.#started) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      for (const pid of childrenOf(child.pid ?? 0)) kill(pid);
      child.kill('SIGKILL');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // it is gone
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}

export const native = nativeKeeper();

export type Kind = {
  name: string;
  program: KeeperProgram;
  unrunnable: { missing: number; notExecutable: number };
  /** Beyond what all can: where it lets a client type straight into the terminal, it must see when a password is asked for. */
  features: string[];
};
export const KINDS: Kind[] = [
  // node-pty's native half knows one code for all that cannot be run.
  { name: 'JavaScript', program: nodeKeeper(), unrunnable: { missing: 1, notExecutable: 1 }, features: ['limit'] },
  ...(native
    ? [{ name: 'C', program: native, unrunnable: { missing: 127, notExecutable: 126 }, features: ['delegate', 'retell', 'limit'] }]
    : []),
];

export async function inWorld(program: KeeperProgram, work: (world: KeeperWorld) => Promise<void>): Promise<void> {
  const world = new KeeperWorld(program);
  try {
    await work(world);
  } finally {
    world.dispose();
  }
}

type Keeps = (name: string, work: (world: KeeperWorld, expect: ExpectStatic) => Promise<void>) => void;

/** Tests beside each other, in a world each. One that waits for what it expects does it with the `expect` of its own. */
export function describeKeepers(define: (keeps: Keeps, kind: Kind) => void): void {
  describe.runIf(process.platform === 'linux').each(KINDS)('a keeper in $name', (kind) => {
    define((name, work) => test.concurrent(name, ({ expect }) => inWorld(kind.program, (world) => work(world, expect))), kind);
  });
}

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
export const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
/** The lines of `seq 1 last`. */
export const lines = (last: number) => Array.from({ length: last }, (_, n) => `${n + 1}\n`).join('');

/** What the system says of a process, from its state on. */
export const statOf = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
