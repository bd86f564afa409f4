/**
 * Who may try to come in: bounds on what strangers cost, whatever they send, so that whoever has an invited key gets in
 * through any crowd, also from the crowd's own address.
 */
import { isLoopback } from '#local/networks.ts';
import { type Stranger, Strangers } from '#local/strangers.ts';
import { Turns } from '#local/turns.ts';

/** Guests at a time, in all. */
export const MAX_GUESTS = 64;
/** As many as the kernel lets wait: of all that are accepted in one turn the first is still there when it is heard. */
const MAX_STRANGERS = 512;
/**
 * Connections that are heard at once, and the time between two that follow, milliseconds: agreeing on keys costs seven. Who
 * is on this machine has its processors anyway, so that there only the wait behind a crowd counts.
 */
const PACE = { fromHere: { atOnce: 64, everyMs: 4 }, fromElsewhere: { atOnce: 40, everyMs: 20 } };

export class Doorkeeper {
  readonly #strangers = new Strangers({ most: MAX_STRANGERS });
  readonly #turns: { fromHere: Turns; fromElsewhere: Turns };
  #guests = 0;

  /** `now`: monotonic, milliseconds. */
  constructor(now: () => number) {
    this.#turns = { fromHere: new Turns({ now, ...PACE.fromHere }), fromElsewhere: new Turns({ now, ...PACE.fromElsewhere }) };
  }

  /** Calls `hear` when it is the turn of `stranger`, if it is there then. */
  came(stranger: Stranger, address: string, hear: () => void): void {
    this.#strangers.came(stranger, address);
    const turn = this.#turns[isLoopback(address) ? 'fromHere' : 'fromElsewhere'].wait(stranger);
    if (!turn) return hear();
    void turn.then(() => {
      if (!this.#strangers.left(stranger)) return;
      this.#strangers.came(stranger, address); // the time that it waited for us is not held against it
      hear();
    });
  }

  /** A stranger went, or had to. */
  left(stranger: Stranger): void {
    this.#strangers.left(stranger);
    this.#turns.fromHere.left(stranger);
    this.#turns.fromElsewhere.left(stranger);
  }

  /** A stranger proved an invited key; false where the house is full, and it stays a stranger. */
  proved(stranger: Stranger): boolean {
    if (this.#guests >= MAX_GUESTS) return false;
    this.#strangers.left(stranger);
    this.#guests++;
    return true;
  }

  /** A guest went. */
  guestLeft(): void {
    this.#guests--;
  }
}
