/** Keepers without a host: they are started as a host starts them, and the test speaks to them in its place. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { ClientId, Offset, Seq } from '#protocol/ids.ts';
import type { KeeperProgram } from '../../main/host/keepers/keeper-program.ts';
import type { KeeperSpec } from '../../main/keeper/spec.ts';
import { encodeToKeeper, FromKeeperDecoder, KEEPER_WIRE } from '../../main/keeper/wire.ts';
import type { FromKeeper, KeeperHello, ToKeeper } from '../../main/keeper/wire-messages.ts';

const WAIT = { timeout: 15_000, interval: 5 };

/** One end of a keeper's socket; a host once it has said hello. */
export class KeeperPeer {
  readonly socket: Socket;
  hello: KeeperHello | null = null;
  /** All that came but HELLO, in order, and one empty output for all that came together. */
  readonly heard: FromKeeper[] = [];
  isClosed = false;
  /** Whether output is acknowledged as it comes. */
  isAcking = true;
  #parts: Buffer[] = [];
  readonly #decoder = new FromKeeperDecoder();
  #end = 0;

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on('data', (bytes) => {
      for (const message of this.#decoder.push(bytes)) this.#hear(message);
    });
    this.socket.on('error', () => {}); // `close` follows
    this.socket.on('close', () => {
      this.isClosed = true;
    });
  }

  #hear(message: FromKeeper): void {
    if (message.kind === 'hello') this.hello = message.hello;
    else if (message.kind !== 'output') this.heard.push(message);
    else {
      if (this.#end !== 0 && message.offset !== this.#end) throw new Error(`output at ${message.offset} instead of ${this.#end}`);
      this.#end = message.offset + message.bytes.length;
      this.#parts.push(Buffer.from(message.bytes));
      if (this.heard.at(-1)?.kind !== 'output') this.heard.push({ ...message, bytes: new Uint8Array(0) });
      if (this.isAcking) this.send({ kind: 'ack', offset: this.#end as Offset });
    }
  }

  /** All output since HELLO. */
  get bytes(): Buffer {
    if (this.#parts.length !== 1) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0] as Buffer;
  }
  get text(): string {
    return this.bytes.toString();
  }

  send(...messages: ToKeeper[]): void {
    this.socket.write(Buffer.concat(messages.map(encodeToKeeper)));
  }
  write(client: string, seq: number, text: string | Uint8Array): void {
    this.send({ kind: 'write', client: client as ClientId, seq: seq as Seq, bytes: Buffer.from(text) });
  }
  drop(...clients: string[]): void {
    this.send({ kind: 'drop', clients: clients.length === 0 ? null : (clients as ClientId[]) });
  }

  until<T>(seen: () => T | null | undefined | false): Promise<T> {
    return vi.waitUntil(seen, WAIT) as Promise<T>;
  }
  /** Until the output says so; what it then is. */
  async says(what: string | RegExp): Promise<string> {
    const isSaid = () => (typeof what === 'string' ? this.text.includes(what) : what.test(this.text));
    await vi.waitUntil(isSaid, WAIT).catch(() => {
      throw new Error(`${what} is not in ${JSON.stringify(this.text.slice(-2000))}`);
    });
    return this.text;
  }
  count(kind: FromKeeper['kind']): number {
    return this.heard.filter((message) => message.kind === kind).length;
  }
  /** Waits for the first message of a kind, or the one after `skipped` of them. */
  next<K extends FromKeeper['kind']>(kind: K, skipped = 0): Promise<FromKeeper & { kind: K }> {
    return this.until(() => this.heard.filter((message) => message.kind === kind)[skipped] as (FromKeeper & { kind: K }) | undefined);
  }
}

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
  /** A new host, which has heard HELLO. */
  async host(kept: Kept, from: number | undefined = 0, isAcking = true): Promise<KeeperPeer & { hello: KeeperHello }> {
    const peer = this.peer(kept);
    peer.isAcking = isAcking;
    peer.send({ kind: 'hello', wire: KEEPER_WIRE, from: from as Offset });
    await peer.until(() => peer.hello);
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
