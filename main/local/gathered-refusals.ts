/**
 * What guests ask for and may not have, gathered by guest: of each sort the first is told at once, and of those that follow
 * within some seconds how many there were. However much a guest asks, it is a few records.
 */
import { shownText } from '#session/shown-text.ts';

/** Further ones of a guest are counted for so long, milliseconds. */
const GATHERED_MS = 10_000;
/** Sorts of one guest that are told apart meanwhile; all others are one more. */
const MAX_SORTS = 8;
/** Longest text that is kept of what was asked, characters. */
const MAX_CHARACTERS = 200;

export type Refusal = {
  /** By whom they are gathered: an invite. */
  guest: string;
  /** What is counted together: as many as the guest can make up. */
  sort: string;
  /** What was asked, in words of the guest, perhaps. */
  asked: string;
  /** `asked`: shorter, and nothing hides in it. */
  tell(asked: string, count: number): void;
};

type Counted = { count: number; last: Refusal };

export class GatheredRefusals {
  readonly #guests = new Map<string, { sorts: Map<string, Counted>; timer: NodeJS.Timeout }>();

  note(refusal: Refusal): void {
    const { guest, sort, asked, tell } = refusal;
    const known = this.#guests.get(guest) ?? this.#begin(guest);
    const isApart = known.sorts.has(sort) || known.sorts.size < MAX_SORTS;
    const counted = known.sorts.get(isApart ? sort : '');
    if (counted) {
      counted.count++;
      counted.last = refusal;
      return;
    }
    known.sorts.set(isApart ? sort : '', { count: 0, last: refusal });
    tell(askedText(asked), 1);
  }

  /** What was counted until now is told. */
  dispose(): void {
    for (const guest of [...this.#guests.keys()]) this.#end(guest);
  }

  #begin(guest: string) {
    const timer = setTimeout(() => this.#end(guest), GATHERED_MS);
    timer.unref();
    const known = { sorts: new Map<string, Counted>(), timer };
    this.#guests.set(guest, known);
    return known;
  }

  #end(guest: string): void {
    const known = this.#guests.get(guest);
    if (!known) return;
    clearTimeout(known.timer);
    this.#guests.delete(guest);
    for (const { count, last } of known.sorts.values()) if (count > 0) last.tell(askedText(last.asked), count);
  }
}

/** One line that shows all that is in it, and ends. */
export function askedText(text: string): string {
  const characters = [...shownText(text.slice(0, 2 * MAX_CHARACTERS))];
  const isWhole = characters.length <= MAX_CHARACTERS && text.length <= 2 * MAX_CHARACTERS;
  return isWhole ? characters.join('') : `${characters.slice(0, MAX_CHARACTERS - 1).join('')}…`;
}
