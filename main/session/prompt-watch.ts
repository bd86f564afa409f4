/**
 * Whether a shell surely waits at its prompt with nothing typed ahead. Pure: fed with accepted input and the shell's own marks.
 *
 * Marks come after what they tell of, so a line that was just submitted may still look like a prompt; and what was typed
 * while a program ran may be read by the shell next. Both are told apart here, by order and by a short wait.
 */

/** A shell that has something typed ahead begins to run it after its prompt within this time, milliseconds. */
const TYPED_AHEAD_MS = 250;
/** After an Enter the shell says that the command starts, or shows the next prompt, within this time, milliseconds; else the line goes on. */
const SUBMITTED_MS = 300;

/** Most commands are over after this time, milliseconds: what was typed behind one is for the next prompt then. */
const SHORT_MS = 150;

/** A shell that tells of its prompts shows the first one within this time of its start, and the next one of a command's end, milliseconds. */
const FIRST_MS = 2_000;
const NEXT_MS = 500;

export type PromptState =
  /** A line that is typed now is a command line. */
  | { is: 'prompt' }
  /** Ask again then, or at the next mark. */
  | { is: 'settling'; until: number }
  /** The last line was submitted, and neither ran nor ended: it continues, or something else reads. */
  | { is: 'unfinished' }
  | { is: 'program' };

export class PromptWatch {
  #atPrompt = false;
  #submittedAt: number | null = null;
  #typedSinceSubmit = false;
  #certainAt = 0;
  #programAt: number;

  /** `beganAt`: when a shell began that will tell of its prompts; null where none will. */
  constructor(beganAt: number | null) {
    this.#programAt = beganAt === null ? Number.NEGATIVE_INFINITY : beganAt + FIRST_MS;
  }

  /** Monotonic, milliseconds. */
  input(bytes: Uint8Array, now: number): void {
    if (this.#submittedAt !== null || !this.#atPrompt) this.#typedSinceSubmit = true;
    // Ctrl-O submits as well; Ctrl-C and Ctrl-D make a new prompt, which will be told.
    if (bytes.some((byte) => byte === 0x0d || byte === 0x0a || byte === 0x0f || byte === 0x03 || byte === 0x04)) this.#submittedAt = now;
  }

  /** Some of what was typed was dropped before it was read: how the line looks now is only known at the next prompt. */
  dropped(now: number): void {
    if (this.#atPrompt) this.#submittedAt = now;
  }

  prompt(now: number): void {
    this.#atPrompt = true;
    this.#certainAt = this.#typedSinceSubmit ? now + TYPED_AHEAD_MS : now;
    this.#typedSinceSubmit = false;
    this.#submittedAt = null;
  }

  /** A later host goes on where the shell was at its prompt. */
  resumed(now: number): void {
    this.#typedSinceSubmit = true;
    this.prompt(now);
  }

  /** A command has ended: the prompt is next. */
  ended(now: number): void {
    this.#programAt = now + NEXT_MS;
  }

  started(now: number): void {
    this.#atPrompt = false;
    this.#programAt = now + SHORT_MS;
  }

  /** At the prompt, and no line was submitted since. */
  get isEditing(): boolean {
    return this.#atPrompt && this.#submittedAt === null;
  }

  /** The next prompt, or what runs, is still to be told. */
  get isOwed(): boolean {
    return this.#atPrompt && this.#submittedAt !== null;
  }

  state(now: number): PromptState {
    if (!this.#atPrompt) {
      return now < this.#programAt ? { is: 'settling', until: this.#programAt } : { is: 'program' };
    }
    if (this.#submittedAt !== null) {
      const until = this.#submittedAt + SUBMITTED_MS;
      return now < until ? { is: 'settling', until } : { is: 'unfinished' };
    }
    return now < this.#certainAt ? { is: 'settling', until: this.#certainAt } : { is: 'prompt' };
  }
}
