/** A guest's terminal, at the other end of an SSH channel: never given more than the guest takes. */
import type { Socket } from 'node:net';
import type { ServerChannel } from 'ssh2';
import type { Size } from '#protocol/shapes.ts';
import type { Tty, TtyListener } from '../attach/tty.ts';

/** Bytes on their way to the guest above which nothing more is asked for: little, so that a key of theirs is answered soon. */
const MAX_UNSENT_BYTES = 128 * 1024;
/** Who leaves so much unread is cut off, bytes: what is drawn for a guest is bounded by what was taken, so that this is no terminal. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

export class SshTty implements Tty {
  readonly #channel: ServerChannel;
  readonly #socket: Socket;
  readonly #listener: TtyListener;
  #size: Size;
  #waiting: (() => void)[] = [];

  constructor(options: { channel: ServerChannel; socket: Socket; size: Size; listener: TtyListener }) {
    this.#channel = options.channel;
    this.#socket = options.socket;
    this.#size = options.size;
    this.#listener = options.listener;
    this.#channel.on('data', this.#input).on('end', this.#closed).on('close', this.#closed);
    this.#channel.on('drain', this.#drained);
    this.#socket.on('drain', this.#drained);
  }

  get size(): Size {
    return this.#size;
  }

  resized(size: Size): void {
    this.#size = size;
    this.#listener.resized(size);
  }

  write(bytes: Uint8Array | string): void {
    if (bytes.length === 0 || !this.#channel.writable) return;
    this.#channel.write(bytes);
    if (this.#unsent > MAX_UNREAD_BYTES) this.#socket.destroy();
  }

  whenTaken(then: () => void): void {
    if (this.#waiting.length === 0 && this.#unsent <= MAX_UNSENT_BYTES) then();
    else this.#waiting.push(then);
  }

  /** Nothing more of what the guest types is wanted until `resume`. */
  pause(): void {
    this.#channel.pause();
  }
  resume(): void {
    this.#channel.resume();
  }

  dispose(): void {
    this.#waiting = [];
    this.#channel.off('data', this.#input).off('end', this.#closed).off('close', this.#closed);
    this.#channel.off('drain', this.#drained);
    this.#socket.off('drain', this.#drained);
    this.#channel.resume(); // its end is only seen where it is read
  }

  /** In the channel, for the guest's window, and in the socket, for the network. */
  get #unsent(): number {
    return this.#channel.writableLength + this.#socket.writableLength;
  }

  #drained = (): void => {
    while (this.#unsent <= MAX_UNSENT_BYTES) {
      const then = this.#waiting.shift();
      if (!then) return;
      then();
    }
  };
  #input = (bytes: Buffer): void => this.#listener.input(bytes);
  #closed = (): void => this.#listener.closed();
}
