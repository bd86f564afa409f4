/** Feeds a session's stream to an xterm terminal in order: a reset or a resize waits until what came before is parsed. */
import type { Size } from '#protocol/shapes.ts';
import { unfinishedBytes } from '#session/utf8-tail.ts';

/** The part of xterm's Terminal that is needed, in the browser and headless. */
export type FeedTerminal = {
  readonly cols: number;
  readonly rows: number;
  write(bytes: Uint8Array, parsed?: () => void): void;
  resize(cols: number, rows: number): void;
  reset(): void;
};

export class TerminalFeed {
  readonly #terminal: FeedTerminal;
  #unparsed = 0;
  #queue: (() => void)[] = [];
  /** The begin of a character whose rest is still to come. */
  #held: Uint8Array = new Uint8Array(0);

  constructor(terminal: FeedTerminal) {
    this.#terminal = terminal;
  }

  /** Bytes written and not yet parsed by the terminal, or waiting. */
  get isBusy(): boolean {
    return this.#unparsed > 0 || this.#queue.length > 0;
  }

  snapshot(text: Uint8Array, size: Size, parsed: () => void): void {
    this.#held = new Uint8Array(0);
    this.#barrier(() => {
      this.#terminal.reset();
      this.#terminal.resize(size.cols, size.rows);
      this.#write(text, parsed);
    });
  }

  output(received: Uint8Array, parsed: () => void): void {
    const bytes = this.#whole(received);
    if (this.#queue.length > 0) this.#queue.push(() => this.#write(bytes, parsed));
    else this.#write(bytes, parsed);
  }

  resized(size: Size): void {
    this.#barrier(() => this.#terminal.resize(size.cols, size.rows));
  }

  /** What is there in whole characters. */
  #whole(received: Uint8Array): Uint8Array {
    let bytes = received;
    if (this.#held.length > 0) {
      bytes = new Uint8Array(this.#held.length + received.length);
      bytes.set(this.#held);
      bytes.set(received, this.#held.length);
    }
    const end = bytes.length - unfinishedBytes(bytes);
    this.#held = bytes.slice(end);
    return end < bytes.length ? bytes.subarray(0, end) : bytes;
  }

  #write(bytes: Uint8Array, parsed: () => void): void {
    this.#unparsed++;
    this.#terminal.write(bytes, () => {
      this.#unparsed--;
      parsed();
      this.#drain();
    });
  }

  #barrier(step: () => void): void {
    this.#queue.push(step);
    this.#drain();
  }

  /** Steps run one at a time, each once everything before it is parsed. */
  #drain(): void {
    while (this.#unparsed === 0) {
      const step = this.#queue.shift();
      if (!step) return;
      step();
    }
  }
}
