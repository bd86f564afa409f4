/** What was said of hosts already: one that is tried again has the same to say again, and nobody needs to hear it twice. */

/** Sentences that are remembered: more than any host has to say, unless it makes up a new one each time. */
const MAX_SENTENCES = 100;

export class Notices {
  /** The oldest first. */
  readonly #said = new Set<string>();

  /** True once for each sentence. */
  isNew(sentence: string): boolean {
    if (this.#said.has(sentence)) return false;
    this.#said.add(sentence);
    for (const oldest of this.#said) {
      if (this.#said.size <= MAX_SENTENCES) break;
      this.#said.delete(oldest);
    }
    return true;
  }
}
