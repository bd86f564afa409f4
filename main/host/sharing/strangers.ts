/**
 * Connections that have not proven anything yet: few at a time. Proof takes milliseconds, so of too many the oldest goes,
 * and who has a key gets in through any crowd.
 */

/** At a time. */
const MAX_STRANGERS = 64;

type Stranger = { close(): void };

export class Strangers {
  readonly #refused: (message: string) => void;
  /** Oldest first. */
  readonly #here = new Set<Stranger>();

  constructor(options: { refused: (message: string) => void }) {
    this.#refused = options.refused;
  }

  came(stranger: Stranger): void {
    this.#here.add(stranger);
    const [oldest] = this.#here;
    if (this.#here.size <= MAX_STRANGERS || !oldest) return;
    this.#here.delete(oldest);
    this.#refused(`more than ${MAX_STRANGERS} connections at a time proved nothing`);
    oldest.close();
  }

  /** It has proven who it is, or is gone. */
  left(stranger: Stranger): void {
    this.#here.delete(stranger);
  }
}
