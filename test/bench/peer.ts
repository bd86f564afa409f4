/** What every contestant can do, so that each figure is measured the same way on all of them. */

/** Size of every terminal in the bench. */
export const SIZE = { cols: 100, rows: 30 };

export type PeerName = 'cmdop' | 'cmdop by its host' | 'cmdop attach' | 'tmux' | 'dtach' | 'Node relay' | 'bare PTY' | 'ssh -L';

export interface Peer {
  readonly name: PeerName;
  /** Runs `script` with sh as a session that nobody is attached to, where the peer knows such a thing. */
  start(script: string): Promise<BenchSession>;
  /** From here until `comeBack` no client of the bench's own is connected; absent where the bench is none. */
  leave?(): void;
  comeBack?(): Promise<void>;
  /** Ends every process of this peer. */
  dispose(): Promise<void>;
}

export interface BenchSession {
  attach(listener: (bytes: Uint8Array) => void): Promise<View>;
  /** Every process between the program and the bench. */
  relayPids(): Promise<number[]>;
  end(): Promise<void>;
}

/** One attached client. */
export interface View {
  type(text: string): void;
  /** Output that was left out so far, as the peer says itself, because this client was too slow for it. */
  skippedBytes(): number;
  detach(): Promise<void>;
}

/** Longest any single step may take, milliseconds: a bench that hangs must end and say where. */
const STEP_MS = 180_000;

/** Collects a view's output and resolves when a text came; it remembers no more than a marker's length. */
export class Watch {
  #tail = '';
  #waiting: { text: string; resolve: (at: number) => void } | null = null;
  bytes = 0;

  readonly received = (bytes: Uint8Array): void => {
    this.bytes += bytes.length;
    const waiting = this.#waiting;
    if (!waiting) return;
    const text = this.#tail + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    if (text.includes(waiting.text)) {
      const at = performance.now();
      this.#waiting = null;
      this.#tail = '';
      waiting.resolve(at);
    } else this.#tail = text.slice(-(waiting.text.length - 1) || text.length);
  };

  /**
   * Resolves with when the text's last byte was handed over, monotonic, milliseconds: what a client does behind it (a verdict
   * that came with it) is not part of the way. Only output from now on counts.
   */
  until(text: string): Promise<number> {
    return within(
      `waiting for ${JSON.stringify(text)}`,
      new Promise((resolve) => {
        this.#tail = '';
        this.#waiting = { text, resolve };
      }),
    );
  }
}

/** Presses Enter until the program says READY: a client that still starts may throw away what is typed. */
export async function awaken(view: View, watch: Watch): Promise<void> {
  const again = setInterval(() => view.type('\r'), 100);
  view.type('\r');
  await watch.until('READY').finally(() => clearInterval(again));
}

let breakOff: (error: Error) => void;
const brokenOff = new Promise<never>((_, reject) => {
  breakOff = reject;
});
brokenOff.catch(() => {}); // between two steps nobody waits

/** What is measured is gone: every step that waits, or will, ends with this sentence instead of STEP_MS later. */
export function isBroken(sentence: string): void {
  breakOff(new Error(sentence));
}

export async function within<T>(what: string, step: Promise<T>, longestMs = STEP_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${longestMs / 1000} s`)), longestMs);
  });
  try {
    return await Promise.race([step, late, brokenOff]);
  } finally {
    clearTimeout(timer);
  }
}

/** For what announces nothing: a socket that will appear, a process that will end. */
export async function eventually(what: string, isTrue: () => boolean): Promise<void> {
  const end = performance.now() + STEP_MS;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`${what} took more than ${STEP_MS / 1000} s`);
    await pause(1);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
