/** cmdop in a home of its own: the built host and keepers, seen through the client engine on the local socket. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ClientState } from '#client/client-options.ts';
import { CmdopClient } from '#client/cmdop-client.ts';
import type { OpenKeeper } from '#client/input-route.ts';
import type { SessionSink } from '#client/session-sink.ts';
import type { SessionStream } from '#client/session-stream.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { connectToKeeper } from '#local/keeper-connection.ts';
import { localPaths } from '#local/paths.ts';
import { type ClientId, newClientId } from '#protocol/ids.ts';
import type { Size } from '#protocol/shapes.ts';
import { type BenchSession, eventually, isBroken, type Peer, SIZE, type View, within } from './peer.ts';
import { isAlive, kill } from './processes.ts';
import { ENVIRONMENT, openView } from './terminal-peers.ts';

export class CmdopPeer implements Peer {
  readonly name = 'cmdop';
  readonly home = mkdtempSync(join(tmpdir(), 'cmdop-b-'));
  #control: CmdopClient;
  readonly #keepers = new Map<string, number>();
  /** It is the bench that goes. */
  #isLeaving = false;

  private constructor() {
    process.env.CMDOP_HOME = this.home;
    this.#control = this.#connect();
  }

  static async start(): Promise<CmdopPeer> {
    const peer = new CmdopPeer();
    await within('the start of the host', peer.#control.whenConnected());
    return peer;
  }

  /** Where the host listens. */
  get socket(): string {
    return localPaths({ CMDOP_HOME: this.home }).hostSocket;
  }
  get hostPid(): number {
    return this.#control.host?.pid ?? 0;
  }
  get keeperPids(): number[] {
    return [...this.#keepers.values()];
  }

  #connect(): CmdopClient {
    return this.newClient((state) => {
      if (state.is === 'closed' && !this.#isLeaving)
        isBroken(`the host of the bench (process ${this.hostPid}) has crashed or cut us off while it was measured: none of this counts`);
    });
  }

  leave(): void {
    this.#isLeaving = true;
    this.#control.close();
  }

  async comeBack(): Promise<void> {
    this.#isLeaving = false;
    this.#control = this.#connect();
    await within('coming back to the host', this.#control.whenConnected());
  }

  newClient(onState: (state: ClientState) => void = () => {}, openKeeper?: OpenKeeper): CmdopClient {
    return newLocalClient(this.home, onState, openKeeper);
  }

  /** The session's id. */
  async create(script: string, env: Record<string, string> = {}): Promise<string> {
    const { session } = await this.#control.request('session.create', { command: ['/bin/sh', '-c', script], cwd: '/', size: SIZE, env });
    return session.id;
  }

  /** The first port on which a program of a session listens, once one does. */
  async listeningPort(session: string): Promise<number> {
    for (;;) {
      const [found] = (await this.#control.request('ports.list', { session })).ports;
      if (found) return found.port;
    }
  }

  async start(script: string, env: Record<string, string> = {}, { byHost = false } = {}): Promise<BenchSession & { readonly id: string }> {
    const id = await this.create(script, env);
    const keeperPid = (await this.#control.request('session.inspect', { session: id })).keeperPid ?? 0;
    this.#keepers.set(id, keeperPid);
    const clients = new Set<CmdopClient>();
    return {
      id,
      attach: async (listener) => {
        const client = this.newClient(undefined, byHost ? undefined : connectToKeeper);
        clients.add(client);
        await client.whenConnected();
        return attach({ client, session: id, listener });
      },
      relayPids: async () => [this.hostPid, keeperPid],
      end: async () => {
        for (const client of clients) client.close();
        await this.end(id);
      },
    };
  }

  /** Ends a session and waits for its keeper's end. */
  async end(id: string): Promise<void> {
    const { keeperPid } = await this.#control.request('session.inspect', { session: id });
    await this.#control.request('session.kill', { session: id, signal: 'SIGKILL' });
    if (keeperPid !== null) await eventually('the end of a keeper', () => !isAlive(keeperPid));
    await this.#control.request('session.remove', { session: id });
    this.#keepers.delete(id);
  }

  async dispose(): Promise<void> {
    const { hostPid } = this;
    this.#isLeaving = true;
    await this.#control.request('host.stop', {}).catch(() => {}); // it may have crashed, which the figures show
    this.#control.close();
    if (hostPid) await eventually('the end of the host', () => !isAlive(hostPid));
    for (const pid of this.keeperPids) kill(pid);
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

/** The same host to a client that cannot reach keepers: as everybody has it who does not type alone. */
export class CmdopHostPeer implements Peer {
  readonly name = 'cmdop by its host';
  readonly #cmdop: CmdopPeer;

  constructor(cmdop: CmdopPeer) {
    this.#cmdop = cmdop;
  }

  start(script: string): Promise<BenchSession> {
    return this.#cmdop.start(script, {}, { byHost: true });
  }

  /** The host is its owner's to stop. */
  async dispose(): Promise<void> {}
}

/** The same host through `cmdop attach` in a PTY: one process more, as a person in a terminal has it. */
export class CmdopAttachPeer implements Peer {
  readonly name = 'cmdop attach';
  readonly #cmdop: CmdopPeer;

  constructor(cmdop: CmdopPeer) {
    this.#cmdop = cmdop;
  }

  attachCommand(session: string): string[] {
    return [process.execPath, resolve(import.meta.dirname, '../../dist/cmdop.mjs'), 'attach', session];
  }

  get environment(): Record<string, string> {
    return { ...ENVIRONMENT, HOME: this.#cmdop.home, CMDOP_HOME: this.#cmdop.home, CMDOP_ACTOR: 'bench' };
  }

  async start(script: string): Promise<BenchSession> {
    const session = await this.#cmdop.start(script);
    let pid: number | null = null;
    let leave = async () => {};
    return {
      attach: async (listener) => {
        const view = openView(this.attachCommand(session.id), listener, this.environment);
        pid = view.pid;
        leave = view.detach;
        return view;
      },
      relayPids: async () => [...(await session.relayPids()), ...(pid === null ? [] : [pid])],
      end: async () => {
        await leave();
        await session.end();
      },
    };
  }

  /** The host is its owner's to stop. */
  async dispose(): Promise<void> {}
}

/** A client of the host in `home`, which starts it. */
export function newLocalClient(
  home = process.env.CMDOP_HOME,
  onState: (state: ClientState) => void = () => {},
  openKeeper: OpenKeeper | undefined = undefined,
): CmdopClient {
  const paths = localPaths({ CMDOP_HOME: home });
  const id: ClientId = newClientId((n) => randomBytes(n));
  return new CmdopClient({
    identity: { id, interface: 'cli', name: 'bench', build: 'bench' },
    connect: () => connectToHost({ start: true, paths }),
    openKeeper,
    clock: systemClock,
    random: Math.random,
    reconnect: false,
    onState,
  });
}

/** Attaches and resolves when the host has answered. */
export async function attach(options: {
  client: CmdopClient;
  session: string;
  listener: (bytes: Uint8Array) => void;
  snapshot?: (text: Uint8Array, size: Size) => void;
  scrollback?: number;
}): Promise<View> {
  const { client, session, listener, snapshot = (text) => listener(text), scrollback = 0 } = options;
  let skippedBytes = 0;
  let attached: () => void = () => {};
  const isAttached = new Promise<void>((resolve) => {
    attached = resolve;
  });
  const sink: SessionSink = {
    snapshot: (text, size, parsed) => {
      snapshot(text, size);
      parsed();
    },
    output: (bytes, parsed) => {
      listener(bytes);
      parsed();
    },
    resized: () => {},
    gap: ({ from, to }) => {
      skippedBytes += to - from;
    },
    refused: ({ message }) => {
      throw new Error(`cmdop refused input: ${message}`);
    },
    changed: () => {
      if (stream.isAttached) attached();
    },
    ended: () => {},
    failed: (error) => {
      throw error;
    },
  };
  let typed: Promise<unknown> = Promise.resolve();
  const stream: SessionStream = client.attach(session, sink, { size: SIZE, scrollback });
  await within('an attach', isAttached);
  return {
    type: (text) => {
      typed = stream.type(Buffer.from(text));
    },
    skippedBytes: () => skippedBytes,
    detach: async () => {
      await typed; // a verdict comes behind the echo, and what has none is refused
      stream.detach();
      client.close();
    },
  };
}
