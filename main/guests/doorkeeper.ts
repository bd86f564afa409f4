/**
 * Who may try to come in: bounds on what strangers cost, whatever they send, so that whoever has an invited key gets in
 * through any crowd, also from the crowd's own address.
 */
import { isLoopback } from '#local/networks.ts';
import { type Stranger, Strangers } from '#local/strangers.ts';
import { Turns } from '#local/turns.ts';

/** Guests at a time, in all. */
export const MAX_GUESTS = 64;
/** That are heard: as many as the kernel lets wait, so that of all that are accepted in one turn the first is still there. */
const MAX_STRANGERS = 512;
/** That wait for their turn: those of two such turns. Whom the kernel had no room for comes again after a second. */
const MAX_WAITING = 1024;
/**
 * Connections that are heard at once, and the time between two that follow, milliseconds: agreeing on keys costs seven. Who
 * is on this machine has its processors anyway, so that there only the wait behind a crowd counts.
 */
const PACE = { fromHere: { atOnce: 64, everyMs: 4 }, fromElsewhere: { atOnce: 40, everyMs: 20 } };

export class Doorkeeper {
  /** Apart, or those who are heard would turn out those who came after them and still wait. */
  readonly #waiting = new Strangers({ most: MAX_WAITING });
  readonly #strangers = new Strangers({ most: MAX_STRANGERS });
  readonly #turns: { fromHere: Turns; fromElsewhere: Turns };
  #guests = 0;

  /** `now`: monotonic, milliseconds. */
  constructor(now: () => number) {
    const turns = (pace: { atOnce: number; everyMs: number }) => new Turns({ now, ...pace, fromBothEnds: true });
    this.#turns = { fromHere: turns(PACE.fromHere), fromElsewhere: turns(PACE.fromElsewhere) };
  }

  /** Calls `hear` when it is the turn of `stranger`, if it is there then. */
  came(stranger: Stranger, address: string, hear: () => void): void {
    const beHeard = () => {
      this.#strangers.came(stranger, address);
      hear();
    };
    const turn = this.#turns[isLoopback(address) ? 'fromHere' : 'fromElsewhere'].wait(stranger);
    if (!turn) return beHeard();
    this.#waiting.came(stranger, address);
    void turn.then(() => {
      if (this.#waiting.left(stranger)) beHeard();
    });
  }

  /** A stranger went, or had to. */
  left(stranger: Stranger): void {
    this.#waiting.left(stranger);
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
