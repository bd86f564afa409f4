/** Hides a terminal while the scrollback of a session just joined runs through it. */
import type { Offset } from '#protocol/ids.ts';

/** Longest time the replay of a session's scrollback stays unseen, milliseconds. */
const REPLAY_HIDDEN_MS = 2_000;

export class ReplayCurtain {
  readonly #changed: () => void;
  /** Where the output ended at the attach; null while nothing is hidden. */
  #end: Offset | null = null;
  #wasDrawn = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `changed` is called when the terminal is hidden or shown. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get isDrawn(): boolean {
    return this.#end !== null;
  }

  /** A snapshot arrives, and the session's output ended at `end`. Only the first one is hidden. */
  draw(end: Offset | null): void {
    if (this.#wasDrawn) return;
    this.#wasDrawn = true;
    this.#end = end;
    this.#timer = setTimeout(() => this.#open(), REPLAY_HIDDEN_MS);
    this.#changed();
  }

  /** The terminal has parsed up to here: shown once it is what it was at the attach. */
  parsed(offset: Offset): void {
    if (this.#end !== null && offset >= this.#end) this.#open();
  }

  /** The next snapshot is a first one again. */
  reset(): void {
    clearTimeout(this.#timer);
    this.#wasDrawn = false;
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #open(): void {
    if (this.#end === null) return;
    this.#end = null;
    this.#changed();
  }
}
