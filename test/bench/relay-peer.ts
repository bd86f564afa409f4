/**
 * The floor under every relay of two processes in Node: the program's PTY, one process that holds it, one that passes its
 * bytes on, a socket between each; no frames, no journal, no screen. What cmdop takes beyond it is cmdop's own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchSession, Peer } from './peer.ts';

export class RelayPeer implements Peer {
  readonly name = 'Node relay';
  readonly #folder = mkdtempSync(join(tmpdir(), 'cmdop-b-relay-'));
  readonly #hops = new Set<ChildProcess>();
  #sockets = 0;

  /** `front` is the socket where its output is. */
  async start(script: string): Promise<BenchSession & { readonly front: string }> {
    const holder = this.#newSocket();
    const front = this.#newSocket();
    const hops = [await this.#hop(['hold', holder, script]), await this.#hop(['pass', front, holder])];
    return {
      front,
      attach: async (listener) => {
        const socket = connect(front);
        await once(socket, 'connect');
        socket.on('data', listener);
        socket.on('error', () => {}); // the hop was ended
        return {
          type: (text) => void socket.write(text),
          skippedBytes: () => 0,
          detach: async () => void socket.destroy(),
        };
      },
      relayPids: async () => hops.map(({ pid }) => pid ?? 0),
      end: async () => {
        for (const hop of hops) await this.#end(hop);
      },
    };
  }

  async dispose(): Promise<void> {
    for (const hop of this.#hops) await this.#end(hop);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #hop(args: readonly string[]): Promise<ChildProcess> {
    const hop = spawn(process.execPath, [join(import.meta.dirname, 'relay-hop.ts'), ...args], { stdio: ['ignore', 'pipe', 2] });
    this.#hops.add(hop);
    if (hop.stdout) await once(hop.stdout, 'data');
    return hop;
  }

  async #end(hop: ChildProcess): Promise<void> {
    if (!this.#hops.delete(hop)) return;
    const ended = once(hop, 'exit');
    hop.kill('SIGKILL');
    await ended;
  }

  #newSocket(): string {
    return join(this.#folder, `${this.#sockets++}.sock`);
  }
}
