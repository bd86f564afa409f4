/** What of a connection's stream bytes has arrived is told to their sender: at once, and not for every piece. Pure. */
import type { Clock } from '#protocol/clock.ts';

/** Told after so many bytes, at first after as many as came before; or so long after the first that was not told, milliseconds. */
const TOLD_BYTES = 256 * 1024;
const TOLD_MS = 20;

export class StreamArrivals {
  readonly #clock: Clock;
  readonly #tell: (bytes: number) => void;
  #total = 0;
  #told = 0;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, tell: (bytes: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  came(bytes: number): void {
    this.#total += bytes;
    if (this.#total - this.#told >= Math.min(TOLD_BYTES, this.#told)) this.#say();
    else this.#cancel ??= this.#clock.after(TOLD_MS, () => this.#say());
  }

  dispose(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #say(): void {
    this.dispose();
    this.#told = this.#total;
    this.#tell(this.#total);
  }
}
