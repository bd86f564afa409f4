/**
 * Those who were refused at a door, in the journal: the first at once, and of many that follow how many there were. So a
 * thousand attempts cost a few records, and no attempt goes unseen.
 */
import type { Journal } from '../journal/journal.ts';

/** Further ones are counted for so long, milliseconds. */
const SUMMARY_MS = 10_000;
/** Longest reason that is kept, characters. */
const MAX_REASON = 300;

export type Refused = { message: string; key?: string | undefined };

export class Refusals {
  readonly #journal: Journal;
  #timer: NodeJS.Timeout | null = null;
  #count = 0;
  #last: Refused | null = null;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  note(refused: Refused): void {
    if (!this.#timer) {
      this.#record(refused, 1);
      this.#timer = setTimeout(() => this.#summarize(), SUMMARY_MS);
      this.#timer.unref();
      return;
    }
    this.#count++;
    this.#last = refused;
  }

  dispose(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#summarize();
  }

  #summarize(): void {
    this.#timer = null;
    if (this.#last) this.#record(this.#last, this.#count);
    this.#last = null;
    this.#count = 0;
  }

  #record({ message, key }: Refused, count: number): void {
    const payload = { is: 'refused', count, reason: message.slice(0, MAX_REASON), ...(key ? { key: key.slice(0, MAX_REASON) } : {}) };
    this.#journal.append({ session: null, actor: null, interface: null, kind: 'share', outputOffset: null, payload });
  }
}
