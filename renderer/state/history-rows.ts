/** The command records of a filter by their place, the oldest first: as many as there are, of which the pages near by are here. Pure. */
import type { CommandRecord } from '#protocol/shapes.ts';

/** Records asked for at once. */
export const PAGE_ROWS = 200;
/** Pages kept; those looked at longest ago go. */
const MAX_PAGES = 60;

/** What a record that changed or came does: its row is new, nothing of it is here, or only the host can say where it stands. */
export type Place = 'shown' | 'elsewhere' | 'unknown';

export class HistoryRows {
  #total = 0;
  /** By number, in the order of their last use. */
  readonly #pages = new Map<number, CommandRecord[]>();
  /** Shown until they are here again. */
  #stale = new Set<number>();
  #newestId = 0;

  get total(): number {
    return this.#total;
  }

  /** Null while it is not here. */
  at(place: number): CommandRecord | null {
    return this.#pages.get(Math.floor(place / PAGE_ROWS))?.[place % PAGE_ROWS] ?? null;
  }

  /** Numbers of the pages that have rows from `first` to `last` and are not here whole. */
  missing(first: number, last: number): number[] {
    const found: number[] = [];
    const end = Math.min(last, this.#total - 1);
    for (let page = Math.floor(Math.max(0, first) / PAGE_ROWS); page * PAGE_ROWS <= end; page++) {
      const has = this.#pages.get(page)?.length ?? 0;
      if (this.#stale.has(page) || has < Math.min(PAGE_ROWS, this.#total - page * PAGE_ROWS)) found.push(page);
      else this.#use(page);
    }
    return found;
  }

  /** Counted anew: what is here may stand elsewhere now, and is shown until it was asked for again. */
  count(total: number): void {
    this.#total = total;
    this.#stale = new Set(this.#pages.keys());
  }

  setPage(page: number, commands: readonly CommandRecord[]): void {
    this.#stale.delete(page);
    this.#pages.delete(page);
    this.#pages.set(page, [...commands]);
    this.#newestId = Math.max(this.#newestId, commands.at(-1)?.id ?? 0);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > MAX_PAGES && oldest !== undefined) this.#pages.delete(oldest);
  }

  changed(command: CommandRecord, isFitting: boolean): Place {
    for (const page of this.#pages.values()) {
      // The newest change most often, and are at the end.
      const index = page.findLastIndex(({ id }) => id === command.id);
      if (index < 0) continue;
      if (!isFitting) return 'unknown';
      page[index] = command;
      return 'shown';
    }
    if (!isFitting || command.id === this.#newestId) return 'elsewhere';
    if (command.id < this.#newestId) return 'unknown';
    this.#newestId = command.id;
    const page = Math.floor(this.#total / PAGE_ROWS);
    const within = this.#total++ % PAGE_ROWS;
    if (within === 0) this.setPage(page, [command]);
    else if (this.#pages.get(page)?.length === within) this.#pages.get(page)?.push(command);
    return 'shown';
  }

  #use(page: number): void {
    const commands = this.#pages.get(page);
    if (!commands) return;
    this.#pages.delete(page);
    this.#pages.set(page, commands);
  }
}

/** The rows of a list in which others stand between the records: each of `before` in front of the record with that place. */
export class MixedRows {
  readonly #before: readonly number[];
  readonly count: number;

  /** `before` ascending. */
  constructor(total: number, before: readonly number[]) {
    this.#before = before;
    this.count = total + before.length;
  }

  /** What stands in row `index`: a record by its place, or one of the others by its number. */
  at(index: number): { record: number } | { other: number } {
    // Others in front of this row: the k-th of them has row before[k] + k.
    let [low, high] = [0, this.#before.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#before[middle] ?? 0) + middle < index) low = middle + 1;
      else high = middle;
    }
    return (this.#before[low] ?? -1) + low === index ? { other: low } : { record: index - low };
  }

  /** The record in row `index`, or the next one behind it. */
  recordAt(index: number): number {
    const row = this.at(index);
    return 'record' in row ? row.record : (this.#before[row.other] ?? 0);
  }

  /** The row of the record with this place. */
  rowOf(place: number): number {
    return place + this.#before.filter((before) => before <= place).length;
  }
}
