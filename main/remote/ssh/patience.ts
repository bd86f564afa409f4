/** The clock of an attempt to connect: it runs while the other side must act, and stands still while a person must. */

export class Patience {
  readonly #limitMs: number;
  readonly #ranOut: () => void;
  #timer: NodeJS.Timeout | null = null;
  #waits = 0;
  #isOver = false;

  constructor(limitMs: number, ranOut: () => void) {
    this.#limitMs = limitMs;
    this.#ranOut = ranOut;
    this.renew();
  }

  /** The other side did something: the time begins anew. */
  renew(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = this.#isOver || this.#waits > 0 ? null : setTimeout(this.#ranOut, this.#limitMs);
  }

  async during<Result>(work: Promise<Result>): Promise<Result> {
    this.#waits++;
    this.renew();
    try {
      return await work;
    } finally {
      this.#waits--;
      this.renew();
    }
  }

  end(): void {
    this.#isOver = true;
    this.renew();
  }
}
