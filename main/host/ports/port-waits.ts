/** Who waits for a port of this machine, and for how long: looked at now and then while somebody does. */
import { isListening } from '#local/listening.ts';
import type { ClientConnection } from '../client-connection.ts';

/** Between two looks at a port, milliseconds: nothing tells when one is opened. */
const LOOK_MS = 200;
/** Of one connection at a time. */
const MAX_WAITS = 64;

export class PortWaits {
  readonly #waits = new Map<ClientConnection, Set<AbortController>>();

  /** Whether anything listens within the time; false at once for a connection that waits for too many ports. */
  async wait(connection: ClientConnection, { port, timeoutMs }: { port: number; timeoutMs: number }): Promise<boolean> {
    const own = this.#waits.get(connection) ?? new Set();
    if (own.size >= MAX_WAITS) return isListening(port);
    const over = new AbortController();
    this.#waits.set(connection, own.add(over));
    const deadline = performance.now() + timeoutMs;
    try {
      for (;;) {
        if (await isListening(port)) return true;
        const leftMs = deadline - performance.now();
        if (leftMs <= 0 || over.signal.aborted) return false;
        await sleep(Math.min(LOOK_MS, leftMs), over.signal);
      }
    } finally {
      own.delete(over);
      if (own.size === 0) this.#waits.delete(connection);
    }
  }

  closed(connection: ClientConnection): void {
    for (const over of this.#waits.get(connection) ?? []) over.abort();
  }

  dispose(): void {
    for (const connection of [...this.#waits.keys()]) this.closed(connection);
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
