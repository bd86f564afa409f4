/** What is said in the window's last row: what is being written to the others, before what is said for a while, before what stays true. */

/** How long something is said, milliseconds. */
const SAID_MS = 4_000;

export class StatusLine {
  /** Something said is over. */
  readonly #changed: () => void;
  #writing: string | null = null;
  #said: string | null = null;
  #lasting: string | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Null where nothing is to be said. */
  get text(): string | null {
    return this.#writing ?? this.#said ?? this.#lasting;
  }

  say(sentence: string, forMs = SAID_MS): void {
    this.#said = sentence;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#said = null;
      this.#changed();
    }, forMs);
  }

  setWriting(line: string | null): void {
    this.#writing = line;
  }

  /** False where just that is said already. */
  setLasting(sentence: string | null): boolean {
    const isNews = this.#lasting !== sentence;
    this.#lasting = sentence;
    return isNews;
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#writing = null;
    this.#said = null;
    this.#lasting = null;
  }
}
