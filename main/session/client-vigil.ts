/**
 * When a host gives up a client that vanished without a word: a link with nobody at its other end, a stopped process.
 * Pure: the owner looks at regular times and says whether its own look came late, as after a sleep of the machine.
 *
 * A living client says something within 5 s of silence (DESIGN: liveness), unless the host keeps talking to it; then it
 * at least takes the bytes. Who is given up in error attaches again and goes on where it was.
 */

/** Between looks, milliseconds. */
export const LOOK_EVERY_MS = 5_000;
/** A look later than this was held up by sleep or load on our side, milliseconds. */
const OWN_DELAY_MS = 2_000;
/** Looks without a word and without a byte taken: a minute, in which the slowest real link takes one frame. */
const STUCK_LOOKS = 12;
/** Looks without a word in either direction: three minutes, since a browser wakes a hidden page once in one. */
const SILENT_LOOKS = 36;

export class ClientVigil {
  #wasHeard = false;
  #wasSpokenTo = false;
  #takenBytes = 0;
  #sentBytes = 0;
  #stuckLooks = 0;
  #silentLooks = 0;

  heard(): void {
    this.#wasHeard = true;
  }

  sent(bytes: number): void {
    this.#wasSpokenTo = true;
    this.#sentBytes += bytes;
  }

  /** True if the client is gone. `isHeld`: we do not read from it ourselves, so that it cannot be heard. */
  isGone(look: { queuedBytes: number; isHeld: boolean; sinceLastMs: number }): boolean {
    const { queuedBytes, isHeld, sinceLastMs } = look;
    const takenBytes = this.#sentBytes - queuedBytes;
    const hasTaken = takenBytes !== this.#takenBytes;
    const isSignOfLife = this.#wasHeard || hasTaken || isHeld || sinceLastMs > LOOK_EVERY_MS + OWN_DELAY_MS;
    this.#stuckLooks = isSignOfLife || queuedBytes === 0 ? 0 : this.#stuckLooks + 1;
    this.#silentLooks = isSignOfLife || this.#wasSpokenTo ? 0 : this.#silentLooks + 1;
    this.#takenBytes = takenBytes;
    this.#wasHeard = false;
    this.#wasSpokenTo = false;
    return this.#stuckLooks >= STUCK_LOOKS || this.#silentLooks >= SILENT_LOOKS;
  }
}
