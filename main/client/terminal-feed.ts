/** Feeds a session's stream to an xterm terminal in order: a reset or a resize waits until what came before is parsed. */
import type { Size } from '#protocol/messages.ts';

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

  constructor(terminal: FeedTerminal) {
    this.#terminal = terminal;
  }

  /** Bytes written and not yet parsed by the terminal, or waiting. */
  get isBusy(): boolean {
    return this.#unparsed > 0 || this.#queue.length > 0;
  }

  snapshot(text: Uint8Array, size: Size, parsed: () => void): void {
    this.#barrier(() => {
      this.#terminal.reset();
      this.#terminal.resize(size.cols, size.rows);
      this.#write(text, parsed);
    });
  }

  output(bytes: Uint8Array, parsed: () => void): void {
    if (this.#queue.length > 0) this.#queue.push(() => this.#write(bytes, parsed));
    else this.#write(bytes, parsed);
  }

  resized(size: Size): void {
    this.#barrier(() => this.#terminal.resize(size.cols, size.rows));
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
