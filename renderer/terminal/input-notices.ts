/** What a terminal says about its input: a refusal for a while, and units without a verdict once they wait long. */
import type { Refusal } from './terminal-view.ts';

/** Input without a verdict is only shown after this long: on a good link it never is, milliseconds. */
const PENDING_SHOWN_AFTER_MS = 400;
/** A refusal is shown this long unless something settles it earlier, milliseconds. */
const REFUSAL_SHOWN_MS = 5_000;

export class InputNotices {
  readonly #changed: () => void;
  #refusal: Refusal | null = null;
  #refusalTimer: ReturnType<typeof setTimeout> | undefined;
  #waitingUnits = 0;
  #shownUnits = 0;
  #waitingTimer: ReturnType<typeof setTimeout> | undefined;

  /** `changed` is called when time alone changes what is shown. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get refusal(): Refusal | null {
    return this.#refusal;
  }

  /** Units to show as waiting. */
  get pendingUnits(): number {
    return this.#shownUnits;
  }

  refuse(refusal: Refusal): void {
    clearTimeout(this.#refusalTimer);
    this.#refusal = refusal;
    this.#refusalTimer = setTimeout(() => {
      this.#refusal = null;
      this.#changed();
    }, REFUSAL_SHOWN_MS);
  }

  settleRefusal(): void {
    clearTimeout(this.#refusalTimer);
    this.#refusal = null;
  }

  /** So many units have no verdict now. */
  setPending(units: number): void {
    this.#waitingUnits = units;
    if (units === 0 || this.#shownUnits > 0) this.#shownUnits = units;
    if (units === 0) {
      clearTimeout(this.#waitingTimer);
      this.#waitingTimer = undefined;
      return;
    }
    this.#waitingTimer ??= setTimeout(() => {
      this.#shownUnits = this.#waitingUnits;
      this.#changed();
    }, PENDING_SHOWN_AFTER_MS);
  }

  dispose(): void {
    clearTimeout(this.#refusalTimer);
    clearTimeout(this.#waitingTimer);
  }
}
