/** The host's end of the wire to one keeper: starts or finds it, writes in order, tells what it says and when it is gone. */
import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { CmdopError } from '#protocol/errors.ts';
import type { ClientId, Offset, Seq } from '#protocol/ids.ts';
import type { Size } from '#protocol/messages.ts';
import type { KeeperSpec } from '../keeper/spec.ts';
import { encodeToKeeper, type FromKeeper, FromKeeperDecoder, KEEPER_WIRE, type KeeperHello, type ToKeeper } from '../keeper/wire.ts';

/** A keeper must be ready after this long, milliseconds; it takes 40 on an idle machine. */
const START_TIMEOUT_MS = 10_000;
/** A keeper must say hello after this long, milliseconds. */
const HELLO_TIMEOUT_MS = 5_000;

/**
 * Node's flags for a keeper: it relays bytes and holds few objects, so a small young generation and no worker threads
 * for the compiler and collector; measured as private memory per idle session (test/bench).
 */
const KEEPER_FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=0', '--no-warnings'];

export type KeeperRuntime = { node: string; keeperBundle: string };

/** Starts a keeper that outlives this process. Rejects with `spawn-failed`, in the keeper's own words. */
export function startKeeper(runtime: KeeperRuntime, spec: KeeperSpec): Promise<void> {
  return new Promise((resolve, reject) => {
    // `detached`: its own session, so that nothing that ends us or our terminal reaches it.
    const child = spawn(runtime.node, [...KEEPER_FLAGS, runtime.keeperBundle], {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      cwd: '/',
      env: {},
    });
    const failed = (why: string) => {
      clearTimeout(timer);
      child.stdout.destroy();
      reject(new CmdopError('spawn-failed', `the session could not be started: ${why}`));
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      failed(`its keeper was not ready after ${START_TIMEOUT_MS / 1000} s`);
    }, START_TIMEOUT_MS);
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes;
      if (!said.includes('\n')) return;
      if (!said.startsWith('ready')) return failed(said.replace(/^error: /, '').trim());
      clearTimeout(timer);
      child.stdout.destroy();
      child.unref();
      resolve();
    });
    child.on('error', (error) => failed(error.message));
    child.on('exit', (code, signal) => failed(said.trim() || `its keeper ended at once (${signal ?? code})`));
    child.stdin.on('error', () => {}); // the exit tells
    child.stdin.end(JSON.stringify(spec));
  });
}

export type KeeperListener = {
  output(offset: Offset, bytes: Uint8Array): void;
  applied(client: ClientId, seq: Seq): void;
  exited(exit: { code: number | null; signal: string | null }): void;
  /** The keeper is gone without having told an exit. */
  lost(): void;
};

export class KeeperLink {
  readonly #socket: Socket;
  readonly #listener: KeeperListener;
  readonly hello: KeeperHello;
  /** What came before `listen`; null after. */
  #early: FromKeeper[] | null = [];
  #isReleased = false;
  #isLost = false;

  private constructor(options: { socket: Socket; hello: KeeperHello; listener: KeeperListener }) {
    this.#socket = options.socket;
    this.#listener = options.listener;
    this.hello = options.hello;
  }

  /**
   * Connects to a running keeper and asks for its output from `from` on
   * Rejects if nobody
   * listens. Nothing is delivered before `listen`.
   */
  static open(options: { path: string; from: Offset; listener: KeeperListener }): Promise<KeeperLink> {
    return new Promise((resolve, reject) => {
      const { path, from, listener } = options;
      const socket = connect(path);
      const decoder = new FromKeeperDecoder();
      let link: KeeperLink | null = null;
      const timer = setTimeout(() => socket.destroy(new Error(`the keeper at ${path} said nothing`)), HELLO_TIMEOUT_MS);
      socket.setNoDelay(true);
      socket.on('connect', () => socket.write(encodeToKeeper({ kind: 'hello', wire: KEEPER_WIRE, from })));
      socket.on('data', (bytes) => {
        try {
          for (const message of decoder.push(bytes)) {
            if (message.kind === 'hello') {
              clearTimeout(timer);
              link = new KeeperLink({ socket, hello: message.hello, listener });
              socket.pause();
              resolve(link);
            } else if (link) link.#received(message);
          }
        } catch (error) {
          socket.destroy(error as Error);
        }
      });
      let failure: Error | undefined;
      socket.on('error', (error) => {
        failure = error;
      });
      socket.on('close', () => {
        clearTimeout(timer);
        if (!link) reject(failure ?? new Error(`the keeper at ${path} closed the connection`));
        else link.#gone();
      });
    });
  }

  /** Begins delivery. */
  listen(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const message of early) this.#received(message);
    this.#socket.resume();
    if (this.#isLost) this.#gone();
  }

  /** Bytes not yet taken by the keeper. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(client: ClientId | '', seq: Seq, bytes: Uint8Array): void {
    this.#send({ kind: 'write', client, seq, bytes });
  }
  resize({ cols, rows }: Size): void {
    this.#send({ kind: 'resize', cols, rows });
  }
  ack(offset: Offset): void {
    this.#send({ kind: 'ack', offset });
  }
  signal(name: string): void {
    this.#send({ kind: 'signal', name });
  }
  forget(client: ClientId): void {
    this.#send({ kind: 'forget', client });
  }
  note(bytes: Uint8Array): void {
    this.#send({ kind: 'note', bytes });
  }

  /** Output stops coming until `resume`: the screen is behind. */
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }

  /** The exit is recorded: the keeper may end. */
  release(): void {
    this.#isReleased = true;
    this.#socket.end(encodeToKeeper({ kind: 'release' }));
  }

  /** Leaves the keeper for the next host. */
  close(): void {
    this.#isReleased = true;
    this.#socket.destroy();
  }

  #received(message: FromKeeper): void {
    if (this.#early) {
      this.#early.push(message);
      return;
    }
    switch (message.kind) {
      case 'output':
        this.#listener.output(message.offset, message.bytes);
        return;
      case 'applied':
        this.#listener.applied(message.client, message.seq);
        return;
      case 'exit':
        this.#listener.exited(message.exit);
        return;
      case 'hello':
        return; // only the first one counts
    }
  }

  #gone(): void {
    this.#isLost = true;
    if (!this.#early && !this.#isReleased) this.#listener.lost();
  }

  #send(message: ToKeeper): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeToKeeper(message));
  }
}
