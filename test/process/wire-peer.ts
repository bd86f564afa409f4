/** A peer that speaks frames and nothing else: it sends given bytes, keeps what comes, and waits for what it wants. */
import { connect, type Socket } from 'node:net';
import { FrameCutter } from '../contract/transcripts.ts';

/** How long it waits for a frame, milliseconds. */
const PATIENCE_MS = 20_000;

export class WirePeer {
  readonly #socket: Socket;
  readonly #cutter: FrameCutter;
  readonly #watchers = new Set<() => void>();
  readonly #heard: ((frame: Buffer) => void) | undefined;
  readonly frames: Buffer[] = [];
  isClosed = false;

  /** `magicBytes`: length of what the other side says before its frames. */
  constructor(socket: Socket, magicBytes: number, heard?: (frame: Buffer) => void) {
    this.#socket = socket;
    this.#cutter = new FrameCutter(magicBytes);
    this.#heard = heard;
    socket.on('data', (bytes) => {
      for (const frame of this.#cutter.push(bytes)) {
        this.frames.push(frame);
        this.#heard?.(frame);
      }
      for (const watcher of [...this.#watchers]) watcher();
    });
    socket.on('error', () => {}); // its `close` follows
    socket.on('close', () => {
      this.isClosed = true;
      for (const watcher of [...this.#watchers]) watcher();
    });
  }

  static open(path: string, magicBytes: number, heard?: (frame: Buffer) => void): Promise<WirePeer> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => resolve(new WirePeer(socket, magicBytes, heard)));
      socket.once('error', reject);
    });
  }

  send(frame: Uint8Array): void {
    this.#socket.write(frame);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Resolves with what `look` finds. Rejects, naming `what`, when that does not come. */
  until<T>(what: string, look: () => T | null | undefined | false): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(watch);
        reject(new Error(`${what} did not come; there came ${this.frames.map(described).join(' | ')}`));
      }, PATIENCE_MS);
      const watch = () => {
        const found = look();
        if (found === null || found === undefined || found === false) return;
        clearTimeout(timer);
        this.#watchers.delete(watch);
        resolve(found);
      };
      this.#watchers.add(watch);
      watch();
    });
  }
}

/** The JSON of a MESSAGE frame of the client wire; null for other frames. */
export function messageOf(frame: Buffer): Record<string, unknown> | null {
  return frame.length > 5 && frame[4] === 0 && frame[5] === 0x7b
    ? (JSON.parse(frame.subarray(5).toString()) as Record<string, unknown>)
    : null;
}

/** Everything that the OUTPUT frames among `frames` hold, in order, for one channel. */
export function outputOf(frames: readonly Buffer[], channel: number): Buffer {
  const parts = frames.filter((frame) => frame.length > 17 && frame[4] === 1 && frame.readUInt32LE(5) === channel);
  return Buffer.concat(parts.map((frame) => frame.subarray(17)));
}

const described = (frame: Buffer) => (messageOf(frame) ? frame.subarray(5, 200).toString() : `kind ${frame[4]}, ${frame.length} bytes`);
